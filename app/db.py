"""Sessions, and the wall between shops.

Two kinds of session exist. `Database.shop(id)` switches to the role `perennial_web`, which row-level security shows one
shop only; web requests and single-shop jobs use it. `Database.system()` says that it crosses shops: the inbox loop,
imports, the command line. A bare session raises. Sessions commit at the end of their block; services never do.

The form of the policies is explained in the first migration; `shop_id` comes first in every key (docs/decisions.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from select import select
from typing import Any

import psycopg
from sqlalchemy import BigInteger, DateTime, Engine, MetaData, Text, create_engine, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction, sessionmaker
from sqlalchemy.types import TypeDecorator

WEB_ROLE = "perennial_web"
_NAMES = {
    "ix": "%(table_name)s_%(column_0_N_name)s_ix",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_name)s_fk",
    "pk": "%(table_name)s_pk",
}


class Instant(TypeDecorator[datetime]):
    """timestamptz that is always aware and always UTC in Python; a naive value is a bug and raises."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values on the way in."""
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC on the way out, whatever the server's zone."""
        return value.astimezone(UTC) if value is not None else None


class Base(DeclarativeBase):
    """Parent of every table."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {int: BigInteger, str: Text, datetime: Instant}  # noqa: RUF012 - SQLAlchemy's own class-level setting


class NoShop(RuntimeError):
    """A session was used that names neither a shop nor itself a system session."""


class Database:
    """An engine and the two ways to open a session on it."""

    def __init__(self, url: str, *, pool_size: int = 10, application_name: str = "perennial") -> None:
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=5,
            # The connection used last has its statements prepared and its caches warm.
            pool_use_lifo=True,
            pool_timeout=10,
            # Parameters are personal data and would end up in the words of exceptions.
            hide_parameters=True,
            connect_args={"application_name": application_name, "connect_timeout": 10},
        )
        event.listen(self.engine, "checkout", _require_alive)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        event.listen(self._sessions, "after_begin", _enter_scope)

    @contextmanager
    def shop(self, shop_id: int) -> Iterator[Session]:
        """A session that sees one shop; commits at the end, rolls back on an exception."""
        with self._sessions.begin() as session:
            session.info["shop_id"] = int(shop_id)
            yield session

    @contextmanager
    def system(self) -> Iterator[Session]:
        """A session that crosses shops; every query in it names the shop itself."""
        with self._sessions.begin() as session:
            session.info["system"] = True
            yield session

    @staticmethod
    def confine(session: Session, shop_id: int) -> None:
        """From now on a system session sees one shop only; there is no way back. For requests that name their shop."""
        del session.info["system"]
        session.info["shop_id"] = int(shop_id)
        _see_one_shop(session.connection(), shop_id)

    def bare(self) -> Session:
        """A session without a scope, which raises on its first statement; tests prove it."""
        return self._sessions()

    def dispose(self) -> None:
        """Close the pool."""
        self.engine.dispose()


def _enter_scope(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if transaction.nested or session.info.get("system"):
        return
    shop_id = session.info.get("shop_id")
    if shop_id is None:
        raise NoShop("open sessions with Database.shop(id) or Database.system()")
    _see_one_shop(connection, shop_id)


def _see_one_shop(connection: Connection, shop_id: int) -> None:
    # In the driver's own form: every request says it.
    connection.exec_driver_sql(
        "select set_config('role', %(role)s, true), set_config('app.shop_id', %(shop)s, true)",
        {"role": WEB_ROLE, "shop": str(shop_id)},
    )


def _require_alive(connection: psycopg.Connection[Any], *_: object) -> None:
    """Refuse a pooled connection that has ended, and all that are as old, before anything is said on it.

    What a server says to an idle connection is its end, as a rule; only then it is asked. A ping for every transaction
    (SQLAlchemy's `pool_pre_ping`) would cost each of them a round trip.
    """
    if not connection.closed and not select([connection.pgconn.socket], [], [], 0)[0]:
        return
    try:
        connection.execute("select 1")
        connection.rollback()
    except psycopg.Error as error:
        raise InvalidatePoolError("the database has closed this connection") from error


# Of one class or one code each: deadlock, lack of resources, a lock not had, connection lost, shutdown, disk.
_IDLED = "25P03"
_PASSING = ("40", "53", "55", "08", "57", "58", _IDLED)


def is_passing(error: BaseException) -> bool:
    """Whether the database is at fault and not what was asked of it, so that the same may succeed another time.

    The driver's own OperationalError does not tell: a key that is too long for its index is one as well.
    """
    if isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    cause = _cause(error)
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError | psycopg.InternalError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(_PASSING)


def is_accident(error: BaseException) -> bool:
    """Whether a passing fault had nothing to do with our own work, as it may have when we were silent for too long."""
    cause = _cause(error)
    return is_passing(error) and not (isinstance(cause, psycopg.Error) and cause.sqlstate == _IDLED)


def _cause(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def driver_connection(session: Session) -> Any:
    """The psycopg connection of the session's transaction, for COPY and pipelined statements."""
    return session.connection().connection.driver_connection
