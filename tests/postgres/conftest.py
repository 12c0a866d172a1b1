"""Processes that use an embedded server, and what is left of it afterwards."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from app.postgres.server import EmbeddedPostgres

SCRIPT = Path(__file__).with_name("user_process.py")
ROOT = Path(__file__).parents[2]


class User:
    """One process that uses the server of `home`; `asked` are more words for it, `prefix` a command that runs it."""

    def __init__(self, home: Path, *asked: str, prefix: tuple[str, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, str(SCRIPT), str(home), *asked],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SHOPIFY_API_SECRET": "hush"},
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def use_again(self) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        return self.line()

    def end(self, kill: bool = False) -> None:
        if kill:
            self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None and not stream.closed:
                stream.close()
        self.process.wait(10)


@pytest.fixture
def use() -> Iterator[Callable[..., User]]:
    """Start users; they end with the test, and with them their servers."""
    users: list[User] = []

    def start(home: Path, *asked: str, prefix: tuple[str, ...] = ()) -> User:
        users.append(User(home, *asked, prefix=prefix))
        return users[-1]

    yield start
    for user in users:
        user.end(kill=True)
    for user in users:
        wait_until(lambda user=user: not processes_of(Path(user.process.args[-1])))  # type: ignore[misc]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose server has run once; tests copy it, which is quicker than making one."""
    home = tmp_path_factory.mktemp("cluster")
    user = User(home)
    user.line()
    user.end()
    wait_until(lambda: not processes_of(home))
    return home


@pytest.fixture
def home(cluster: Path, tmp_path: Path) -> Path:
    """A home of the test's own, with a cluster that is not running."""
    subprocess.run(["cp", "-a", f"{cluster}/postgres", tmp_path], check=True)
    return tmp_path


def processes_of(home: Path) -> list[int]:
    """Keepers and servers whose command line names `home`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            command = _command_line(entry)
            if f"{home.resolve()}/postgres" in command:
                found.append(int(entry.name))
    return found


def _command_line(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def keeper_of(home: Path) -> int:
    """The keeper writes its number when it has come up, a moment after it holds the lock."""
    deadline = time.monotonic() + 10
    while not (told := (home / "postgres.keeper").read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return int(told)


def postmaster_of(home: Path) -> int:
    return int((home / "postgres/data/postmaster.pid").read_text().split()[0])


def kill(pid: int) -> None:
    """Kill and wait until the kernel has let go of it and of its locks."""
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: _is_gone(Path(f"/proc/{pid}/stat")))


def _is_gone(stat: Path) -> bool:
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until(true: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def answers(url: str) -> bool:
    """Whether the server at this URL carries out a statement."""
    try:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def starts(home: Path) -> int:
    """How often a server was started in this home."""
    return len(re.findall("starting PostgreSQL", (home / "logs/postgres.log").read_text()))


def server_of(home: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(home, {"fsync": "off", "shared_buffers": "16MB"})
