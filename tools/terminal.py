"""How the tools speak to a person and start programs. Imports only the standard library: tools/prepare.py needs it."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"


class Missing(Exception):
    """Something this machine lacks. The text says what it is and how to get it."""


class CommandFailed(Exception):
    """A program ended with an error; `output` is what it printed."""

    def __init__(self, command: Sequence[str], output: str) -> None:
        super().__init__(f"{' '.join(command)}\n{output.strip()}")
        self.output = output


def say(text: str) -> None:
    """Tells the person at the terminal; standard output stays free for results."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def run(
    command: Sequence[str], *, cwd: Path = ROOT, environ: dict[str, str] | None = None, seconds: float | None = None
) -> str:
    """Runs a program to its end and returns what it printed.

    Raises CommandFailed with the same text, subprocess.TimeoutExpired after `seconds`.
    """
    done = subprocess.run(
        list(command),
        cwd=cwd,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        raise CommandFailed(command, done.stdout)
    return done.stdout


def closing(main: Callable[[], None]) -> None:
    """Runs a tool's main function; what is missing is said in plain words, with exit code 1 and no traceback."""
    try:
        main()
    except Missing as missing:
        say(f"\n{missing}\n")
        raise SystemExit(1) from None
    except CommandFailed as failed:
        say(f"\nThis command failed:\n  {failed}\n")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
