"""`perennial backup` and `perennial restore`: the whole database in one encrypted file.

Called by the command line. pg_dump writes SQL, and psql carries it out on any PostgreSQL from 15 on. What must stay
true: a backup appears under its name only when complete; a restore verifies the whole file first, refuses a database
that holds data or is in use, and leaves it as it was when it fails.
"""

from __future__ import annotations

import os
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, BinaryIO, cast

import psycopg
from sqlalchemy.engine import make_url

from app.config import Settings
from app.crypto import KEYS_FILE, KeyRing, load_keyring
from app.db import WEB_ROLE
from app.postgres import conninfo, database_url
from app.postgres.envelope import read, write
from app.postgres.errors import BackupError
from app.postgres.paths import binaries

ADVICE = (
    "The encryption keys are not in it: without them nobody can read it, you included. Keep a copy of "
    f"PERENNIAL_ENCRYPTION_KEYS, or of the file {KEYS_FILE} in PERENNIAL_HOME, in another place."
)
ASIDE = "perennial_before_restore"  # the schema that holds what was there until the restore has succeeded
# Filled by migrations and by running processes; a database with nothing else in it counts as empty.
HOUSEKEEPING = ("alembic_version", "inbox_partitions", "processes")
LEAVING_SECONDS = 2.0  # how long a process that has just ended may still be listed
SINCE_17 = b"SET transaction_timeout = 0;"  # written by pg_dump for every server


def backup(settings: Settings, target: Path) -> str:
    """Write the database into the new file `target` (mode 0600) and return what to tell the operator.

    Raises BackupError, and PostgresUnavailable when there is no database.
    """
    if target.exists():
        raise BackupError(f"{target} exists already.", "Name a new file; a backup never replaces another.")
    url = database_url(settings)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with (
            _private_file(draft) as file,
            _running("pg_dump", url, "--compress=gzip", "--no-owner", "--exclude-schema=staging") as dump,
        ):
            write(file, cast("BinaryIO", dump.stdout), load_keyring(settings.home, settings.encryption_keys))
            _finish(dump, "pg_dump could not read the database")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, target)  # unlike a rename, it never replaces a file that has appeared meanwhile
    except OSError as error:
        raise BackupError(
            f"{target} cannot be written ({error.strerror}).", "Name a file in another folder."
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return f"Backup written to {target} ({target.stat().st_size:,} bytes). {ADVICE}"


def restore(settings: Settings, source: Path, *, force: bool = False) -> str:
    """Replace the database by the backup `source` and return what to tell the operator.

    Raises BackupError, after which the database is as it was; `force` means that what the database holds may go.
    """
    keyring = _existing_keys(settings)
    _verify(source, keyring)
    url = database_url(settings)
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        _refuse_if_used(connection)
        _put_back(connection)
        if not force:
            _refuse_if_filled(connection)
        _set_aside(connection)
        try:
            _load(url, source, keyring)
        except BaseException:
            _put_back(connection)
            raise
        connection.execute(f"drop schema {ASIDE} cascade")
    return f"{source} is restored. `perennial migrate` brings a backup of an older version up to date."


def _existing_keys(settings: Settings) -> KeyRing:
    if not settings.encryption_keys and not (settings.home / KEYS_FILE).exists():
        raise BackupError(
            f"There are no encryption keys: neither PERENNIAL_ENCRYPTION_KEYS nor {settings.home / KEYS_FILE}.",
            "Put the keys of the installation that made the backup there first; they are not part of a backup.",
        )
    return load_keyring(settings.home, settings.encryption_keys)


def _verify(source: Path, keyring: KeyRing) -> None:
    try:
        with source.open("rb") as file:
            for _chunk in read(file, keyring):
                pass
    except OSError as error:
        raise BackupError(f"{source} cannot be read ({error.strerror}).", "Name the file of a backup.") from error


def _refuse_if_used(connection: psycopg.Connection) -> None:
    deadline = time.monotonic() + LEAVING_SECONDS
    while _others(connection) and time.monotonic() < deadline:
        time.sleep(0.05)
    if _others(connection):
        raise BackupError(
            "Other processes are connected to this database.", "Stop `perennial serve` and workers first."
        )


def _others(connection: psycopg.Connection) -> bool:
    rows = connection.execute(
        "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        " and backend_type = 'client backend'"
    )
    return rows.fetchone() is not None


def _refuse_if_filled(connection: psycopg.Connection) -> None:
    tables = connection.execute(
        "select quote_ident(tablename) from pg_tables where schemaname = 'public' and not tablename = any(%s)"
        " and tablename not like 'procrastinate%%'",
        [list(HOUSEKEEPING)],
    ).fetchall()
    for (table,) in tables:
        if connection.execute(f"select from public.{table} limit 1").fetchone() is not None:
            raise BackupError(
                f"This database is not empty (table {table}).",
                "Restoring would delete what it holds. Make a backup of it, then restore with --force.",
            )


def _set_aside(connection: psycopg.Connection) -> None:
    """Rename what is there and make an empty schema. The role of web sessions is named by the backup's grants."""
    with connection.transaction():
        if connection.execute("select from pg_roles where rolname = %s", [WEB_ROLE]).fetchone() is None:
            connection.execute(f"create role {WEB_ROLE} nologin")
            connection.execute(f"grant {WEB_ROLE} to current_user")
        connection.execute(f"alter schema public rename to {ASIDE}")
        connection.execute("create schema public")
        connection.execute("grant usage on schema public to public")


def _put_back(connection: psycopg.Connection) -> None:
    """Undo `_set_aside`, now or after a restore that was killed."""
    if connection.execute("select from pg_namespace where nspname = %s", [ASIDE]).fetchone() is None:
        return
    with connection.transaction():
        connection.execute("drop schema if exists public cascade")
        connection.execute(f"alter schema {ASIDE} rename to public")


def _load(url: str, source: Path, keyring: KeyRing) -> None:
    """Let psql carry out the statements in one transaction, which is committed only after the last of them."""
    words = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null")
    with source.open("rb") as file, _running("psql", url, *words) as psql:
        statements = cast("IO[bytes]", psql.stdin)
        try:
            for part in chain([b"begin;\n"], _statements(read(file, keyring)), [b"commit;\n"]):
                statements.write(part)
            statements.close()
        except BrokenPipeError:
            pass  # it has ended before the end of the file; its exit code and its words say why
        _finish(psql, "The database refused the backup")


def _statements(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The plain text of the dump, without the one setting in its head that servers before 17 do not know."""
    unpack = zlib.decompressobj(wbits=31)  # gzip
    for number, chunk in enumerate(chunks):
        text = unpack.decompress(chunk)
        yield text.replace(SINCE_17, b"", 1) if number < 2 else text  # frame 0 is empty, frame 1 begins the dump
    yield unpack.flush()


@contextmanager
def _running(program: str, url: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of the wheel's programs, connected to `url`; killed if the block fails, so that it commits nothing."""
    process = subprocess.Popen(
        [str(binaries() / program), *words, f"--dbname={conninfo(url, password=False)}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(url),
    )
    try:
        yield process
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                _close(stream)


def _close(stream: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # what was buffered has no reader any more
        stream.close()


def _finish(program: subprocess.Popen[bytes], what: str) -> None:
    said = program.stderr.read().decode(errors="replace").strip() if program.stderr else ""
    if program.wait() != 0:
        raise BackupError(f"{what}: {said}", "Nothing was changed.")


def _environment(url: str) -> dict[str, str]:
    """The password goes through the environment: arguments can be read by everybody."""
    wanted = {name: value for name, value in os.environ.items() if name.startswith("PG") or name in {"PATH", "HOME"}}
    password = make_url(url).password
    return wanted | ({"PGPASSWORD": password} if password else {})


@contextmanager
def _private_file(path: Path) -> Iterator[BinaryIO]:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
