"""`perennial doctor`: what is wrong with this installation, in plain words, and what to do about it.

Called by the command line. A check is a function that yields findings; to add one, write it and name it below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from sqlalchemy.exc import OperationalError

from app.config import Settings
from app.db import Database
from app.doctor import database as of_database
from app.doctor import machine
from app.doctor.findings import Finding, error
from app.postgres import PostgresUnavailable, database_url

__all__ = ["Finding", "doctor"]

MACHINE: Sequence[Callable[[Settings], Iterable[Finding]]] = (
    machine.disk_space,
    machine.account,
    machine.encryption_keys,
    machine.shopify_credentials,
    machine.app_url,
    machine.development_mode,
    machine.mail_server,
)
DATABASE: Sequence[Callable[[Database], Iterable[Finding]]] = (
    of_database.server_version,
    of_database.unfinished_restore,
    of_database.migrations,
    of_database.wall_between_shops,
    of_database.worker,
    of_database.sealing,
)


def doctor(settings: Settings) -> list[Finding]:
    """Examine everything; starts the embedded server for as long as this process runs."""
    findings = list(machine.home_folder(settings))
    if findings[0].level == "error":
        return findings  # everything else would only repeat it
    findings += [finding for check in MACHINE for finding in check(settings)]
    return findings + list(_database(settings))


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        database = Database(database_url(settings), pool_size=1, application_name="perennial doctor")
    except PostgresUnavailable as problem:
        yield error("Database server", problem.message, problem.remedy)
        return
    try:
        for check in DATABASE:
            yield from check(database)
    except OperationalError as problem:
        yield error(
            "Database server",
            f"The database does not answer: {str(problem.orig).strip()}",
            "Check that the server that DATABASE_URL names runs, and that user and password are right.",
        )
    finally:
        database.dispose()
