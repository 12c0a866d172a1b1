"""What storing rows costs at all: COPY of rows that are there into fresh tables beside them, and the clock for it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from sqlalchemy import text

from app.db import driver_connection
from app.runtime import Runtime

BARE, WITH_KEYS = "", "including all"
_BLOCK = 1 << 20
T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What some work gave, and how many seconds it took."""
    began = time.monotonic()
    return work(), time.monotonic() - began


def copied(runtime: Runtime, file: Path, tables: Sequence[str], shape: str) -> float:
    """Seconds for storing the rows of these tables once more by COPY; getting them out first is not counted.

    `shape`: BARE, or WITH_KEYS with the same keys and indexes. `file` is where the rows lie meanwhile.
    """
    return sum(_copied(runtime, file, name, shape) for name in tables)


def _copied(runtime: Runtime, file: Path, name: str, shape: str) -> float:
    with runtime.database.system() as session:
        session.execute(text(f"create table copy_{name} (like {name} {shape})"))
        get = f"copy {name} to stdout (format binary)"
        with driver_connection(session).cursor() as cursor, file.open("wb") as out, cursor.copy(get) as copy:
            out.writelines(copy)
    _, seconds = timed(lambda: _put(runtime, file, name))
    with runtime.database.system() as session:
        session.execute(text(f"drop table copy_{name}"))
    file.unlink()
    return seconds


def _put(runtime: Runtime, file: Path, name: str) -> None:
    put = f"copy copy_{name} from stdin (format binary)"
    with (
        runtime.database.system() as session,
        driver_connection(session).cursor() as cursor,
        file.open("rb") as rows,
        cursor.copy(put) as copy,
    ):
        while block := rows.read(_BLOCK):
            copy.write(block)
