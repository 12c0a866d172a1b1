"""A program for a supervisor to run. `python stand_in.py DIR NAME BEHAVIOUR` notes its process ids in DIR/NAME.pids.

steady: on SIGTERM it needs a moment for what it has in hand, then notes DIR/NAME.finished.
quits: ends at once, with exit code 0.    stubborn: ignores SIGTERM, and so does a child of its own.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path


def main() -> None:
    folder, name, behaviour = Path(sys.argv[-3]), sys.argv[-2], sys.argv[-1]
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.fork()
    with (folder / f"{name}.pids").open("a") as notes:
        notes.write(f"{os.getpid()}\n")
    if behaviour == "quits":
        return
    asked: list[int] = []
    if behaviour == "steady":
        signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
    while not asked:
        time.sleep(0.02)
    time.sleep(0.5)
    (folder / f"{name}.finished").touch()


if __name__ == "__main__":
    main()
