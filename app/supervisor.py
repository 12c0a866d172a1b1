"""`perennial serve`: one web and one worker process, started again when they end, stopped together.

Called by the command line. What must stay true: a stop (SIGTERM, SIGINT, SIGHUP) lets requests and jobs in hand
finish, takes at most STOP_SECONDS and leaves nothing behind; a process that ends unasked comes back, whatever its exit
code; children of a killed supervisor end by themselves (app/child.py). Each child has a session of its own, so that
Ctrl-C reaches only us.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

import structlog

from app.child import SUPERVISOR
from app.config import Settings
from app.postgres import PostgresUnavailable, database_url, embedded
from app.web import claim_port, run_web

if TYPE_CHECKING:
    from app.postgres.server import EmbeddedPostgres

__all__ = ["Program", "Supervisor", "run_web", "serve"]

TICK = 0.1  # seconds between two looks at the children
STOP_SECONDS = 20.0  # from SIGTERM to SIGKILL; Granian needs 8, a job in hand perhaps more
STEADY = 10.0  # seconds after which a process counts as having come up
# Quick ends in a row of a process that has never come up; more than an event that kills workers takes to be parked.
GIVE_UP_AFTER = 6
LONGEST_DELAY = 10.0  # seconds between two attempts
LONGEST_DELAY_ONCE_UP = 1.0  # of a process that has come up before: something killed it, the settings are right
DATABASE_EVERY = 3.0  # seconds between two looks at the embedded server

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Program:
    """A command that is to run all the time."""

    name: str
    command: Sequence[str]


class Child:
    """A program and the process that runs it at present."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.due = 0.0
        self.quick_ends = 0
        self.came_up = False

    def tend(self) -> None:
        """Start it when it is due, notice when it has ended."""
        if self.process is None:
            if time.monotonic() >= self.due:
                self._start()
        elif (code := self.process.poll()) is not None:
            self._ended(code)

    @property
    def hopeless(self) -> bool:
        """It has never come up; an error in the settings looks like this, and trying on would hide it."""
        return not self.came_up and self.quick_ends >= GIVE_UP_AFTER

    def _start(self) -> None:
        environment = {**os.environ, SUPERVISOR: str(os.getpid())}
        self.process = subprocess.Popen(self.program.command, env=environment, start_new_session=True)
        self.started = time.monotonic()

    def _ended(self, code: int) -> None:
        steady = time.monotonic() - self.started >= STEADY
        self.came_up = self.came_up or steady
        self.quick_ends = 0 if steady else self.quick_ends + 1
        delay = min(TICK * 2**self.quick_ends, LONGEST_DELAY_ONCE_UP if self.came_up else LONGEST_DELAY)
        self.due = time.monotonic() + delay
        log.warning("process_ended", process=self.program.name, exit_code=code, again_in_seconds=round(delay, 1))
        self.signal_group(signal.SIGTERM)  # what the dead process has left behind finishes what it has in hand
        self.process = None

    def ask_to_stop(self) -> None:
        """SIGTERM to the process itself; it tells its own children (Granian hangs when they are told as well)."""
        if self.process is not None:
            self.process.terminate()

    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self.process is not None and self.process.poll() is None

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the process and everything that it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


class Supervisor:
    """Keeps programs running until it is asked to stop."""

    def __init__(self, programs: Sequence[Program], stop_seconds: float = STOP_SECONDS) -> None:
        self.children = [Child(program) for program in programs]
        self.stop_seconds = stop_seconds
        self.asked = False

    def run(self) -> int:
        """Returns 0 after a stop that was asked for, 1 when a program never comes up."""
        self._listen_to_signals()
        try:
            while not self.asked:
                for child in self.children:
                    child.tend()
                    if child.hopeless:
                        log.error("process_does_not_come_up", process=child.program.name)
                        return 1
                time.sleep(TICK)
            return 0
        finally:
            self._stop()

    def _listen_to_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN or number is signal.SIGTERM:  # nohup stays nohup
                signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True

    def _stop(self) -> None:
        for child in self.children:
            child.ask_to_stop()
        deadline = time.monotonic() + self.stop_seconds
        while any(child.running() for child in self.children) and time.monotonic() < deadline:
            time.sleep(TICK / 5)
        for child in self.children:
            if child.running():
                log.error("process_killed", process=child.program.name, after_seconds=self.stop_seconds)
            child.signal_group(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()


def serve(settings: Settings) -> int:
    """Run web and worker until asked to stop; returns the exit code.

    Migrates the database first. Raises ConfigError when the port is taken, PostgresUnavailable without a database.
    """
    claim_port(settings)
    _migrate(database_url(settings))
    programs = [Program(name, [sys.executable, "-m", "app.child", f"app.{name}"]) for name in ("web", "worker")]
    with _database_kept(settings):
        return Supervisor(programs).run()


def _migrate(url: str) -> None:
    from sqlalchemy import create_engine

    from app.migrations.run import migrate

    engine = create_engine(url)
    try:
        migrate(engine)
    finally:
        engine.dispose()


@contextmanager
def _database_kept(settings: Settings) -> Iterator[None]:
    """Look after the embedded server during the block; afterwards it has ended too, unless others use it.

    A service manager ends what is left when we end, and postgres should not need a crash recovery after every stop.
    """
    if settings.database_url is not None:
        yield
        return
    server, stopping = embedded(settings.home), threading.Event()
    thread = threading.Thread(target=_tend_database, args=(server, stopping), daemon=True, name="embedded-postgres")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(STOP_SECONDS)
        server.leave()


def _tend_database(server: EmbeddedPostgres, stopping: threading.Event) -> None:
    """Bring the server back, or give it a new keeper, when somebody has killed both or one of them."""
    while not stopping.wait(DATABASE_EVERY):
        try:
            server.start()
        except PostgresUnavailable as error:
            log.error("embedded_postgres_unavailable", message=error.message, remedy=error.remedy)
