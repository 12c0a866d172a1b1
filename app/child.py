"""What a process started by `perennial serve` needs besides its work: to end when the one who started it has gone.

`python -m app.child app.worker` calls `app.worker.main()`; the supervisor starts its processes this way. A supervisor
that was killed cannot stop anybody, so each child watches for it.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time

SUPERVISOR = "PERENNIAL_SUPERVISOR"  # the process id of `perennial serve`, in the environment of its children
LOOK_EVERY = 0.5  # seconds
LAST_RESORT = 20.0  # seconds from the polite end to the hard one


def end_with(parent: int) -> None:
    """From now on, end this process as SIGTERM would soon after `parent`, its parent process, has ended."""
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="end-with-parent").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_RESORT)
    os._exit(1)


def main() -> None:
    """Run the module named on the command line under the watch."""
    end_with(int(os.environ.get(SUPERVISOR) or os.getppid()))
    importlib.import_module(sys.argv[1]).main()


if __name__ == "__main__":
    main()
