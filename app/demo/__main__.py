"""`python -m app.demo [--fresh] [--once]`, `python -m app.demo real-year FILE`, `python -m app.demo replay FILE`."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from app import demo
from app.demo.processes import DemoError
from dev_store.history.remote import RemoteError
from dev_store.history.replay import UnreadableFileError


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 when all went well and agrees, 1 when not, 130 after Ctrl-C."""
    wanted = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        return _do(wanted)
    except (DemoError, RemoteError, UnreadableFileError) as error:
        click.echo(f"\n{error}", err=True)
        return 1
    except KeyboardInterrupt:
        click.echo("\nStopped.", err=True)
        return 130


def _do(wanted: argparse.Namespace) -> int:
    from app.demo.replaying import real_year

    if wanted.what == "real-year":
        return real_year(wanted.file)
    if wanted.what == "replay":
        return demo.replay(wanted.file)
    return demo.run(Path(os.environ.get("PERENNIAL_HOME") or "var"), fresh=wanted.fresh, once=wanted.once)


def _as_interrupt(*_: object) -> None:
    """SIGTERM ends the demo as Ctrl-C does: through the blocks that stop what was started."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app.demo", description=demo.__doc__)
    parser.add_argument("--fresh", action="store_true", help="forget the last run's shop and start over")
    parser.add_argument("--once", action="store_true", help="run the story, compare every figure, write it down, exit")
    kinds = parser.add_subparsers(dest="what")
    for name, text in (
        ("real-year", "replay a file and compare every account"),
        ("replay", "what a shop's last year would have been worth"),
    ):
        kinds.add_parser(name, help=text).add_argument("file", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
