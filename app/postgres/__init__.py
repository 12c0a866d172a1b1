"""The database of this installation: the embedded PostgreSQL, or the server that DATABASE_URL names.

`database_url(settings)` is what web, worker and command line call; importing this package is cheap and works on every
system.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.postgres.errors import PostgresUnavailable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from app.config import Settings
    from app.postgres.server import EmbeddedPostgres

__all__ = ["PostgresUnavailable", "conninfo", "database_url", "embedded", "normalised"]

_servers: dict[Path, EmbeddedPostgres] = {}


def embedded(home: Path) -> EmbeddedPostgres:
    """This process's one handle of the embedded server of `home`; it is not started yet."""
    try:
        from app.postgres.server import EmbeddedPostgres
    except ImportError as error:  # no fcntl: Windows
        raise PostgresUnavailable(
            f"This system cannot run the embedded PostgreSQL ({error.name} is missing).",
            "Set DATABASE_URL to a PostgreSQL server, version 15 or later.",
        ) from error
    return _servers.setdefault(home.expanduser().resolve(), EmbeddedPostgres(home))


def database_url(settings: Settings) -> str:
    """The SQLAlchemy URL of the database; without DATABASE_URL the embedded server is started or joined.

    Raises PostgresUnavailable, which says what to do.
    """
    if settings.database_url is None:
        return embedded(settings.home).start()
    return normalised(settings.database_url)


def normalised(address: str) -> str:
    """`postgres://…` and `postgresql://…`, as hosting companies print them, for the driver that we use (psycopg 3)."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
    except ArgumentError:
        url = None
    if url is None or url.drivername.partition("+")[0] not in {"postgres", "postgresql"}:
        raise PostgresUnavailable(
            "DATABASE_URL is not the address of a PostgreSQL database.",
            "It looks like postgresql://user:password@host:5432/database; without it Perennial runs its own server.",
        )
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def conninfo(url: str | URL, *, password: bool = True) -> str:
    """The same address for psycopg and libpq's programs, which read the spaces of a SQLAlchemy URL differently."""
    from psycopg.conninfo import make_conninfo
    from sqlalchemy.engine import make_url

    parts = make_url(url)
    options = {"host": parts.host, "port": parts.port, "user": parts.username, "dbname": parts.database}
    if password:
        options["password"] = parts.password
    further = {name: value if isinstance(value, str) else ",".join(value) for name, value in parts.query.items()}
    return make_conninfo("", **{**options, **further})
