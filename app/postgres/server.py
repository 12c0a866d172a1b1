"""The embedded PostgreSQL server of one home: start it, join it, stop it.

Called by `database_url` (every process that uses the database) and by `perennial db stop`. What must stay true: the
server lives exactly as long as any process of this home holds the shared lock on `postgres.users`, whatever gets
killed; it listens on a socket in a folder that only its owner may enter; two starters never start two servers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg

from app.postgres import keeper, locks
from app.postgres.account import Account, account_for
from app.postgres.errors import PostgresUnavailable
from app.postgres.paths import MAJOR_VERSION, PORT, Layout, binaries

ROLE = "perennial"
DATABASE = "perennial"
START_SECONDS = 120.0  # crash recovery after a power cut may take its time
STOP_SECONDS = 90.0
KEEPERS = 2  # how often one start may start a keeper: the first may have met a server on its way out
LOG_BYTES = 10_000_000
INITDB = ("--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
# Nothing of our own environment: it holds secrets, and postgres may run as another user.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
# A quarter of the machine, as PostgreSQL's manual advises, within what a small shop has and a large one needs.
_MEGABYTES = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000
BUFFERS = f"{min(max(_MEGABYTES // 4, 64), 512)}MB"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": BUFFERS,
    "fsync": "on",
    "synchronous_commit": "on",
    # This build has only pglz for it, which took half of the server's time where each event touches other accounts.
    "wal_compression": "off",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %a ",
    # Errors of single statements go to the client only: their texts quote values, and values are personal data.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """The server of `home`. `settings` are postgres settings for the one who starts it; who joins takes what runs."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self.layout = Layout.of(home)
        self.settings = {**SETTINGS, **(settings or {})}
        self._users: int | None = None

    def start(self) -> str:
        """Use the server from now on, starting it if it does not run, and return its SQLAlchemy URL. Idempotent.

        Raises PostgresUnavailable when this machine, account or folder cannot run it.
        """
        programs = binaries()
        self.layout.make()
        account = account_for(self.layout.home, self.layout.data)
        if self._users is None:
            self._users = locks.shared(self.layout.lock("users"))  # waits while a keeper is stopping the server
        with locks.exclusive(self.layout.lock("start")):
            folder = self.layout.socket_folder(account)
            self._make_cluster(programs, account)
            self._wait_until_it_answers(folder, self._plan(folder, account.command(*self._postgres(programs, folder))))
            _create_database(folder)
        return self._url(folder)

    def stop_using(self) -> None:
        """Give up this process's use. The server ends when nobody else uses it."""
        if self._users is not None:
            os.close(self._users)  # closing, not unlocking: a forked child shares the lock and keeps it
            self._users = None

    def leave(self) -> None:
        """Give up this process's use and, if nobody else uses the server, wait until it has ended."""
        self.stop_using()
        if not self.in_use():
            self.stop()

    def in_use(self) -> bool:
        """Whether any process, this one included, uses the server."""
        self.layout.make()
        descriptor = locks.try_exclusive(self.layout.lock("users"))
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is None

    def stop(self) -> bool:
        """Stop the server now, whoever uses it. Returns whether one was running.

        Raises PostgresUnavailable when it belongs to another user or does not end within STOP_SECONDS.
        """
        self.layout.make()
        with locks.exclusive(self.layout.lock("start")):
            if not self._held("keeper"):
                if not self._held("server"):
                    return False
                self._start_keeper(self._plan(None, {}))  # adopts what a killed keeper left
            self._signal_keeper()
            return self._wait_until_keeper_ends()

    def _url(self, folder: Path) -> str:
        return f"postgresql+psycopg://{ROLE}@/{DATABASE}?host={quote(str(folder), safe='')}&port={PORT}"

    def _postgres(self, programs: Path, folder: Path) -> list[str]:
        quoted = '"' + str(folder).replace('"', '""') + '"'
        settings = {**self.settings, "unix_socket_directories": quoted, "port": str(PORT)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(programs / "postgres"), "-D", str(self.layout.data), *options]

    def _plan(self, folder: Path | None, postgres: dict[str, object]) -> dict[str, object]:
        """What the keeper has to know."""
        socket_lock = [f"{folder}/.s.PGSQL.{PORT}.lock"] if folder else []
        return {
            "users": str(self.layout.lock("users")),
            "server": str(self.layout.lock("server")),
            "pid_files": [str(self.layout.data / "postmaster.pid"), *socket_lock],
            "temporary": [str(folder)] if folder and not folder.is_relative_to(self.layout.home) else [],
            "postgres": postgres,
        }

    def _make_cluster(self, programs: Path, account: Account) -> None:
        """initdb in a folder of its own that is renamed when complete: a killed one leaves nothing half made."""
        version = self.layout.data / "PG_VERSION"
        if version.exists():
            _check_version(version.read_text().strip(), self.layout.data)
            return
        unfinished = self.layout.folder / "data.unfinished"
        if unfinished.exists():
            unfinished.rename(self.layout.folder / f"data.unfinished.{time.time_ns()}")
        account.make_private(unfinished)
        sync = () if self.settings["fsync"] == "on" else ("--no-sync",)
        command = account.command(programs / "initdb", "-D", unfinished, "-U", ROLE, *INITDB, *sync)
        done = subprocess.run(**command, env=ENVIRONMENT, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PostgresUnavailable(
                f"PostgreSQL could not create its database in {self.layout.data}: {done.stderr.strip()}",
                "Repair what it says, or set DATABASE_URL to a PostgreSQL server, version 15 or later.",
            )
        unfinished.rename(self.layout.data)

    def _wait_until_it_answers(self, folder: Path, plan: dict[str, object]) -> None:
        deadline = time.monotonic() + START_SECONDS
        keepers = 0
        while True:
            if keepers < KEEPERS:
                keepers += self._start_keeper(plan)
            answer = _answer(folder)
            if answer is None:
                return
            gave_up = keepers == KEEPERS and not self._held("keeper")
            if gave_up or time.monotonic() > deadline:
                raise PostgresUnavailable(
                    f"PostgreSQL does not come up: {answer}\n{self._last_words()}",
                    f"Read {self.layout.log}. `perennial doctor` checks this machine.",
                )
            time.sleep(0.02)

    def _held(self, lock: str) -> bool:
        descriptor = locks.try_exclusive(self.layout.lock(lock))
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is None

    def _start_keeper(self, plan: dict[str, object]) -> bool:
        descriptor = locks.try_exclusive(self.layout.lock("keeper"))
        if descriptor is None:
            return False
        os.ftruncate(descriptor, 0)
        _rotate(self.layout.log)
        try:
            with self.layout.log.open("ab") as log:
                subprocess.run(
                    [sys.executable, "-I", "-S", keeper.__file__, json.dumps({**plan, "keeper": descriptor})],
                    pass_fds=(descriptor,),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=ENVIRONMENT,
                    cwd="/",
                    start_new_session=True,
                    check=True,
                )
        finally:
            os.close(descriptor)
        return True

    def _signal_keeper(self) -> None:
        deadline = time.monotonic() + 5
        path = self.layout.lock("keeper")
        while not (text := path.read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            os.kill(int(text), signal.SIGUSR1)
        except (ValueError, ProcessLookupError):
            return  # it is ending by itself
        except PermissionError as error:
            raise PostgresUnavailable("The server belongs to another user.", "Stop it as that user.") from error

    def _wait_until_keeper_ends(self) -> bool:
        deadline = time.monotonic() + STOP_SECONDS
        while self._held("keeper"):
            if time.monotonic() > deadline:
                raise PostgresUnavailable("The server does not stop.", f"Read {self.layout.log}.")
            time.sleep(0.02)
        return True

    def _last_words(self) -> str:
        return "\n".join(self.layout.log.read_text(errors="replace").splitlines()[-5:])


def _check_version(found: str, data: Path) -> None:
    if found != str(MAJOR_VERSION):
        raise PostgresUnavailable(
            f"{data} was made by PostgreSQL {found}; this version of Perennial carries {MAJOR_VERSION}.",
            "Make a backup with the version of Perennial that made it, move the folder away, and restore the backup.",
        )


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _connect(folder: Path, database: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(host=str(folder), port=PORT, user=ROLE, dbname=database, connect_timeout=10, autocommit=True)


def _answer(folder: Path) -> str | None:
    """None when the server takes connections, else why not."""
    try:
        _connect(folder, "postgres").close()
    except psycopg.OperationalError as error:
        return str(error).strip()
    return None


def _create_database(folder: Path) -> None:
    with _connect(folder, "postgres") as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(f"create database {DATABASE}")
