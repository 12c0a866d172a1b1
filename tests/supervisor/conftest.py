"""A supervisor in a process of its own, and what is left of it afterwards."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]


class Supervised:
    """A running supervisor over stand-ins or the small web application; `folder` holds the notes of the stand-ins."""

    def __init__(self, folder: Path, programs: dict[str, list[str]], stop_seconds: float, port: int) -> None:
        self.folder = folder
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, str(FOLDER / "supervise.py"), json.dumps(programs), str(stop_seconds)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SMALL_WEB_PORT": str(port)},
            start_new_session=True,
        )

    def pids(self, name: str) -> list[int]:
        path = self.folder / f"{name}.pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def pid(self, name: str) -> int:
        wait_until(lambda: self.pids(name))
        return self.pids(name)[-1]

    def finished(self, name: str) -> bool:
        return (self.folder / f"{name}.finished").exists()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the supervisor's process group, as a terminal does, and return its exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(30)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    """Start supervisors by the behaviours of stand-ins (`web="steady"`); nothing of them outlives the test."""
    running: list[Supervised] = []

    def start(*, stop_seconds: float = 10, **behaviours: str) -> Supervised:
        programs = {name: _command(tmp_path, name, behaviour) for name, behaviour in behaviours.items()}
        running.append(Supervised(tmp_path, programs, stop_seconds, _free_port()))
        return running[-1]

    yield start
    for supervised in running:
        supervised.process.terminate()
        supervised.process.wait(30)
    wait_until(lambda: not left_behind(tmp_path), 15)


def _command(folder: Path, name: str, behaviour: str) -> list[str]:
    if behaviour == "small web":
        return [sys.executable, "-m", "app.child", "tests.supervisor.small_web", str(folder)]
    if behaviour == "watching":
        return [sys.executable, "-m", "app.child", "tests.supervisor.stand_in", str(folder), name, "steady"]
    return [sys.executable, str(FOLDER / "stand_in.py"), str(folder), name, behaviour]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def left_behind(folder: Path) -> list[int]:
    """Processes whose command line names the test's folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue  # it ended while we looked
            if str(folder).encode() in command:
                found.append(int(entry.name))
    return found


def wait_until(true: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
