"""The demo: a development store and Perennial side by side on this machine. Entered through `python -m app.demo`.

Also home of the replay of a real shop's file. Development only: the one part of the app that may import `dev_store`.
Each function below returns an exit code; what a person can mend is said in a sentence on standard error.
"""

import signal
from collections.abc import Callable
from pathlib import Path

import click


def run(home: Path, *, fresh: bool = False, once: bool = False) -> int:
    """`perennial demo`: a year of a seeded shop; then stays up, or with `once` judges every figure."""
    from app.demo.story import demo

    return _told(lambda: demo(home, fresh=fresh, once=once))


def replay(file: Path) -> int:
    """`perennial dev-store replay FILE`: what a shop's last year would have been worth."""
    from app.demo.replaying import replay_file

    return _told(lambda: replay_file(file))


def real_year(file: Path, program: str | None = None) -> int:
    """`make real-year FILE=…`: the file replayed, every account compared, under four programs; 1 if any differs."""
    from app.demo import replaying

    return _told(lambda: replaying.real_year(file, program))


def _told(story: Callable[[], int]) -> int:
    """1 with a sentence for what a person can mend, 130 after Ctrl-C; SIGTERM and a closed terminal count as that."""
    from app.demo.processes import DemoError
    from dev_store.history.remote import RemoteError
    from dev_store.history.replay import UnreadableFileError

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _as_interrupt)
    try:
        return story()
    except (DemoError, RemoteError, UnreadableFileError) as error:
        click.echo(f"\n{error}", err=True)
        return 1
    except KeyboardInterrupt:
        click.echo("\nStopped.", err=True)
        return 130


def _as_interrupt(*_: object) -> None:
    """Through the blocks that stop what was started."""
    raise KeyboardInterrupt
