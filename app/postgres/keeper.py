"""The keeper: a small detached process, postgres' parent, that ends the server when nobody uses it any more.

Started by server.py as a program of its own (`python -I -S keeper.py`), so it uses the standard library only. What
must stay true: it stops postgres only while it holds the *exclusive* lock on `postgres.users`, or when told by SIGUSR1
(`db stop`); a postgres that died although it is used comes back; one that a killed keeper left behind is adopted.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

TICK = 0.2  # seconds between two looks
QUICK_DEATH = 5.0  # seconds; a server that ends sooner than this did not come up
GIVE_UP_AFTER = 3  # quick deaths in a row
STOP_STEPS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))  # fast, immediate, last resort


class Keeper:
    """Looks after one cluster; `plan` is what server.py wrote: lock files, pid files, how to start postgres."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.pid_file = Path(plan["pid_files"][0])
        self.users = os.open(plan["users"], os.O_RDWR)
        self.told_to_stop = False
        self.quick_deaths = 0
        self.started = float("-inf")

    def run(self) -> int:
        while self.quick_deaths < GIVE_UP_AFTER:
            self._start_unless_alive()
            time.sleep(TICK)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)
            if self.told_to_stop or self._locked(self.users):
                return self._stop()
        return 1

    def on_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.told_to_stop = True

    def _locked(self, descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _start_unless_alive(self) -> None:
        """Postgres and its children inherit the locked descriptor: who can lock it knows that none is left."""
        server = os.open(self.plan["server"], os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if self._locked(server):
                self._start(server)
        finally:
            os.close(server)

    def _start(self, server: int) -> None:
        now = time.monotonic()
        self.quick_deaths = self.quick_deaths + 1 if now - self.started < QUICK_DEATH else 0
        self.started = now
        # The process id in a file left behind may live again as somebody else, and then postgres would refuse to start.
        for left_behind in self.plan["pid_files"]:
            Path(left_behind).unlink(missing_ok=True)
        subprocess.Popen(**self.plan["postgres"], pass_fds=(server,), stdin=subprocess.DEVNULL, cwd="/")

    def _stop(self) -> int:
        """End postgres; the exclusive lock on the users, if it is ours, is kept until it has gone."""
        for step, seconds in STOP_STEPS:
            if self._gone(step, seconds):
                for folder in self.plan["temporary"]:
                    with contextlib.suppress(OSError):
                        os.rmdir(folder)
                return 0
        return 1

    def _gone(self, step: signal.Signals, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError, ProcessLookupError):
            os.kill(int(self.pid_file.read_text().split()[0]), step)
        server = os.open(self.plan["server"], os.O_RDWR)
        while time.monotonic() < deadline:
            if self._locked(server):
                return True
            time.sleep(0.02)
        return False


def main() -> int:
    plan = json.loads(sys.argv[1])
    if os.fork():  # the one who started us waits for this process, and has no child to look after later
        return 0
    keeper = Keeper(plan)
    signal.signal(signal.SIGUSR1, keeper.on_stop)
    # A stop of the whole machine or service signals everybody: the users end first, and then we see it by the lock.
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    os.write(plan["keeper"], str(os.getpid()).encode())  # descriptor inherited with the lock on it
    return keeper.run()


if __name__ == "__main__":
    sys.exit(main())
