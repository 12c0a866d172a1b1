"""Rows in and out of set-based statements: one JSON parameter, however many rows (`jsonb_populate_recordset`).

`Statement` is for what the inbox loop says for every batch. Of everything else `sqlalchemy.text` is good enough.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import psycopg
from psycopg.rows import RowFactory, namedtuple_row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db import Base

_PARAMETER = re.compile(r"(?<!:):([a-z_]+)")


class Statement:
    """SQL for the driver itself: a small statement costs half the processor time that it costs through SQLAlchemy.

    Parameters are `:name`, as in `text`. Runs in the session's transaction; errors are SQLAlchemy's, as elsewhere.
    """

    def __init__(self, sql: str, *, row_factory: RowFactory[Any] = namedtuple_row) -> None:
        """`sql` is a constant of the program, never made of values."""
        self._sql = _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))
        self._row_factory = row_factory

    def run(self, session: Session, **parameters: Any) -> list[Any]:
        """The rows that it returns, as a rule with their columns as attributes; none for one that returns nothing."""
        session.flush()
        connection = session.connection()
        driver: Any = connection.connection.driver_connection
        try:
            with driver.cursor(binary=True, row_factory=self._row_factory) as cursor:
                cursor.execute(self._sql, parameters)
                return list(cursor.fetchall()) if cursor.description else []
        except psycopg.Error as error:
            if driver.closed:
                connection.invalidate(error)
            # Parameters are personal data and stay out of the error, as `app.db` has it for all others.
            raise DBAPIError.instance(
                self._sql, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=driver.closed
            ) from error


def rows(values: Iterable[Mapping[str, Any]]) -> str:
    """Rows as the JSON that `jsonb_populate_recordset` and `jsonb_to_recordset` read."""
    return orjson.dumps(list(values)).decode()


def keys(values: Iterable[tuple[int, Any]], name: str = "id") -> str:
    """Pairs of shop id and another key, as rows with the columns `shop_id` and `name`."""
    return rows({"shop_id": shop_id, name: value} for shop_id, value in sorted(values))


def array(ids: Iterable[int]) -> str:
    """Numbers as an array is written, for `cast(:ids as bigint[])`: a list costs the driver a look at each of them."""
    return "{" + ",".join(map(str, ids)) + "}"


def assignments(table: type[Base], *, without: Iterable[str]) -> str:
    """`a = excluded.a, …` for an upsert of all columns but the key and those named."""
    left_out = {column.name for column in table.__table__.primary_key} | set(without)
    names = [column.name for column in table.__table__.columns if column.name not in left_out]
    return ", ".join(f"{name} = excluded.{name}" for name in names)
