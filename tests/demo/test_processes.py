"""Ports, logs and the lock of the demo's home."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.demo.processes import Child, DemoError, OneDemo, free_port, stop_all
from app.demo.world import clear

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port


def test_a_process_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    lock = OneDemo(tmp_path)
    child = Child("unlucky", [sys.executable, "-c", "print('no luck'); raise SystemExit(3)"], {}, tmp_path, lock.file)
    with pytest.raises(DemoError, match=r"unlucky ended at once[\s\S]*no luck"):
        child.wait_until_up("http://127.0.0.1:9/")
    lock.release()


def test_stopping_ends_all_processes_and_twice_is_harmless(tmp_path: Path) -> None:
    lock = OneDemo(tmp_path)
    children = [Child(name, SLEEPER, {}, tmp_path, lock.file) for name in ("one", "two")]
    stop_all(children)
    stop_all(children)
    assert [child.process.returncode for child in children] == [-signal.SIGTERM] * 2
    lock.release()


def test_two_demos_of_one_home_are_refused(tmp_path: Path) -> None:
    first, second = OneDemo(tmp_path), OneDemo(tmp_path)
    first.take()
    with pytest.raises(DemoError, match=f"process {os.getpid()}"):
        second.take()
    first.release()
    second.take()
    second.release()


def test_what_a_killed_demo_left_behind_is_ended(tmp_path: Path) -> None:
    killed = subprocess.Popen([sys.executable, "-c", _KILLED_DEMO, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert killed.stdout
    left = int(killed.stdout.readline())
    killed.kill()
    killed.wait()
    killed.stdout.close()
    lock = OneDemo(tmp_path)
    lock.take()
    lock.release()
    deadline = time.monotonic() + 5
    while _runs(left) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(left)


_KILLED_DEMO = """
import sys, time
from pathlib import Path
from app.demo.processes import Child, OneDemo
lock = OneDemo(Path(sys.argv[1]))
lock.take()
child = Child("left", [sys.executable, "-c", "import time; time.sleep(60)"], {}, Path(sys.argv[1]), lock.file)
lock.note([child])
print(child.process.pid, flush=True)
time.sleep(60)
"""


def _runs(pid: int) -> bool:
    """A zombie that nobody has waited for does not run."""
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_home_that_no_demo_made_is_not_cleared(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(DemoError, match="no demo made"):
        clear(tmp_path)
    assert (tmp_path / "postgres").is_dir()
