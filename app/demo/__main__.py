"""`python -m app.demo [--fresh] [--once]`, or `… replay FILE`, or `… real-year FILE [--program NAME]`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app import demo


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 when all went well and agrees, 1 when not, 130 after Ctrl-C."""
    wanted = _parser().parse_args(arguments)
    if wanted.what == "real-year":
        return demo.real_year(wanted.file, wanted.program)
    if wanted.what == "replay":
        return demo.replay(wanted.file)
    return demo.run(Path(os.environ.get("PERENNIAL_HOME") or "var"), fresh=wanted.fresh, once=wanted.once)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app.demo", description=demo.__doc__)
    parser.add_argument("--fresh", action="store_true", help="forget the last run's shop and start over")
    parser.add_argument("--once", action="store_true", help="run the story, compare every figure, write it down, exit")
    kinds = parser.add_subparsers(dest="what")
    for name, text in (
        ("real-year", "replay a file and compare every account"),
        ("replay", "what a shop's last year would have been worth"),
    ):
        kind = kinds.add_parser(name, help=text)
        kind.add_argument("file", type=Path)
        if name == "real-year":
            names = ("limited", "numbered", "passing")
            kind.add_argument("--program", choices=names, help="live it again under this one only, not under all three")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
