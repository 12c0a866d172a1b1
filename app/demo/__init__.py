"""The demo: a development store and Perennial side by side on this machine. Entered through `python -m app.demo`.

Also home of the replay of a real shop's file. Development only: the one part of the app that may import `dev_store`.
"""

from pathlib import Path


def run(home: Path, *, fresh: bool = False, once: bool = False) -> int:
    """`perennial demo`; returns the exit code."""
    from app.demo.story import demo

    return demo(home, fresh=fresh, once=once)


def replay(file: Path) -> int:
    """`perennial dev-store replay FILE`: what a shop's last year would have been worth; returns the exit code."""
    from app.demo.replaying import replay_file

    return replay_file(file)
