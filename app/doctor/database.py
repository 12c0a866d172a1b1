"""Checks of a database that answers. Called with it by `app.doctor.doctor`; they change nothing."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import text

from app.db import WEB_ROLE, Database
from app.doctor.findings import Finding, error, ok, warning
from app.loyalty.seals import LATE_SECONDS, unsealed
from app.migrations.run import pending
from app.postgres.backup import ASIDE
from app.processes import SILENT_AFTER, youngest_beat

OLDEST_MAJOR = 15


def server_version(database: Database) -> Iterator[Finding]:
    """Perennial needs what PostgreSQL 15 brought."""
    with database.engine.connect() as connection:
        number = int(connection.scalar(text("show server_version_num")) or 0)
    detail = f"PostgreSQL {number // 10000}.{number % 10000}."
    if number // 10000 < OLDEST_MAJOR:
        yield error("Database server", detail, f"Use PostgreSQL {OLDEST_MAJOR} or later.")
    else:
        yield ok("Database server", detail)


def migrations(database: Database) -> Iterator[Finding]:
    """The tables must be those of this version."""
    missing = pending(database.engine)
    if missing:
        yield error("Tables", f"{len(missing)} change(s) of the tables are not made yet.", "Run `perennial migrate`.")
    else:
        yield ok("Tables", "They are those of this version.")


def wall_between_shops(database: Database) -> Iterator[Finding]:
    """Sessions of web requests switch to a role that sees one shop only."""
    with database.engine.connect() as connection:
        member = connection.scalar(
            text("select pg_has_role(current_user, oid, 'member') from pg_roles where rolname = :role"),
            {"role": WEB_ROLE},
        )
    if member:
        yield ok("Wall between shops", f"The role {WEB_ROLE} is there.")
    else:
        yield error(
            "Wall between shops",
            f"The database user is not a member of a role {WEB_ROLE}.",
            f"Run `perennial migrate`; if it may not create roles, have the administrator run: create role {WEB_ROLE} "
            f"nologin; grant {WEB_ROLE} to your_user;",
        )


def unfinished_restore(database: Database) -> Iterator[Finding]:
    """A restore that was killed leaves the former content aside."""
    with database.engine.connect() as connection:
        left = connection.scalar(text("select 1 from pg_namespace where nspname = :name"), {"name": ASIDE})
    if left:
        yield error(
            "Unfinished restore",
            f"A restore was interrupted; what was there before is in the schema {ASIDE}.",
            "Run `perennial restore` again.",
        )


def worker(database: Database) -> Iterator[Finding]:
    """Without a worker webhooks are kept but nothing is made of them."""
    title = "Worker"
    if pending(database.engine):
        return  # its table may not be there yet
    with database.system() as session:
        age = youngest_beat(session)
    if age is None or age > SILENT_AFTER.total_seconds():
        seen = "No worker is running." if age is None else f"The last sign of a worker is {age:.0f} seconds old."
        yield warning(title, seen, "Start `perennial serve`, or `perennial worker` beside `perennial web`.")
    else:
        yield ok(title, f"A worker was heard of {age:.0f} seconds ago.")


def sealing(database: Database) -> Iterator[Finding]:
    """Entries of the ledger are sealed every minute, so that nobody can change them afterwards without being found."""
    title = "Sealing of the ledger"
    if pending(database.engine):
        return
    with database.system() as session:
        waiting = unsealed(session)
    if waiting.late:
        yield warning(
            title,
            f"{waiting.entries} entries wait for their seal, the oldest for {waiting.seconds:.0f} seconds; "
            f"{LATE_SECONDS} are the limit.",
            "Is a worker running? If so, a transaction has been open for as long: look for it in pg_stat_activity, in "
            "all databases of that server, and end it.",
        )
    else:
        yield ok(title, f"{waiting.entries} entries wait for their seal, as is usual for a minute.")
