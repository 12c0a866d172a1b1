"""Starting and stopping the demo's processes: free ports, logs, waiting until they answer, one demo a home.

Every child leads a process group of its own and holds the home's lock with us, so that a killed demo leaves a trace:
the next one finds the lock held, sees who held it, and ends what was left. Called by `world`.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.request import ProxyHandler, build_opener

STOP_SECONDS = 20.0
TAIL = 25
_NO_PROXY = build_opener(ProxyHandler({}))


class DemoError(Exception):
    """The demo cannot go on; the message is for the person at the terminal and says what to do."""


def free_port(wanted: int) -> int:
    """The wanted port of this machine if nobody listens there, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise DemoError("This machine has no free port on 127.0.0.1.")


class Child:
    """A process of the demo with its log file."""

    def __init__(
        self, name: str, command: Sequence[str], environ: Mapping[str, str], home: Path, lock: IO[str]
    ) -> None:
        self.name = name
        self.log = home / "logs" / f"demo-{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(command),
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock.fileno(),),
            )

    def wait_until_up(self, url: str, *, seconds: float = 120.0) -> None:
        """Returns when `url` answers with 200. Raises DemoError with the end of the log if the process dies."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise DemoError(f"The process {self.name} ended at once.{self._last_words()}")
            if _answers(url):
                return
            time.sleep(0.1)
        raise DemoError(f"The process {self.name} does not answer at {url}.{self._last_words()}")

    def ask_to_stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()

    def stop(self, deadline: float) -> None:
        """Waits for a clean end; after the deadline (monotonic) the whole group is killed."""
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            _signal_group(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _last_words(self) -> str:
        lines = self.log.read_text("utf-8", errors="replace").splitlines()[-TAIL:]
        return "\n".join([f" The end of {self.log}:", *lines])


class OneDemo:
    """The home's lock. Holding it means that no other demo, and nothing a killed one left, works in this home."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._path = home / "demo.lock"
        self.file = self._path.open("a+", encoding="utf-8")

    def take(self) -> None:
        """Raises DemoError while another demo lives; ends what a dead one left behind."""
        if not self._try():
            self._end_leftovers()
        self.note([])

    def note(self, children: Sequence[Child]) -> None:
        """Writes down who works here, for whoever finds the lock held."""
        self.file.seek(0)
        self.file.truncate()
        json.dump([os.getpid(), [child.process.pid for child in children]], self.file)
        self.file.flush()

    def release(self) -> None:
        self.file.close()

    def _try(self) -> bool:
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _end_leftovers(self) -> None:
        text = self._path.read_text("utf-8")
        demo, groups = json.loads(text) if text else (0, [])
        if not text or _alive(demo):
            raise DemoError(f"A demo works in {self._path.parent} already (process {demo}): stop it first.")
        for group in groups:
            _signal_group(group, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while not self._try():
            if time.monotonic() > deadline:
                raise DemoError(f"What an earlier demo left will not end: see the processes {groups}.")
            time.sleep(0.2)


def stop_all(children: Sequence[Child]) -> None:
    """Asks all to stop, the last started first, and waits for them together; a second Ctrl-C does not disturb that."""
    with _undisturbed():
        for child in reversed(children):
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for child in reversed(children):
            child.stop(deadline)


@contextmanager
def _undisturbed() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _answers(url: str) -> bool:
    try:
        with _NO_PROXY.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
