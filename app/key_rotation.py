"""Changing the key under which everything is sealed, while everything runs.

`perennial keys` calls it. A new key goes to the front of the ring; processes that share the home follow within a second
(app.crypto). Then every sealed column is walked along its key in small steps, each a transaction of its own, and what
another key has sealed is sealed anew. What must stay true: no step holds a row for long or overwrites what others
wrote meanwhile, and a rotation that was broken off goes on where it is called again, because what has to be done is
seen from the values themselves.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.crypto import CannotOpen, KeyRing, aad
from app.db import Database

# Values a step; a body may have megabytes.
_STEP = 100
_PASSES = 5
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SealedColumn:
    """A column of sealed values: how its rows are told apart, and what its values are bound to.

    `cell` are columns of `source` (the table as `t`, with whatever is joined), in the order of the associated data.
    """

    table: str
    column: str
    key: tuple[str, ...]
    cell: tuple[str, ...]
    source: str

    def associated(self, row: Any) -> bytes:
        """The associated data of a row's value."""
        return aad(self.table, self.column, *(getattr(row, f"cell_{n}") for n in range(len(self.cell))))


@dataclass(frozen=True)
class Rotated:
    """How many values were sealed anew, and how many could not be opened, because they had been changed before."""

    sealed_anew: int
    unreadable: int


def under_other_keys(session: Session, columns: Sequence[SealedColumn], ring: KeyRing) -> int:
    """How many values are sealed by another key of the ring than its first (system sessions)."""
    return sum(session.execute(text(_count(column)), {"others": ring.others}).scalar_one() for column in columns)


def seal_anew(
    database: Database, columns: Sequence[SealedColumn], ring: KeyRing, progress: Progress = lambda done, of: None
) -> Rotated:
    """Seal by the first key whatever is sealed by another. Opens sessions; may be broken off and called again.

    Values that another process sealed by the former key meanwhile are found by another pass.
    """
    done, unreadable = 0, 0
    for _ in range(_PASSES):
        with database.system() as session:
            left = under_other_keys(session, columns, ring)
        if left <= unreadable:
            break
        unreadable, total = 0, done + left
        for step in _steps(database, columns, ring):
            done, unreadable = done + step.sealed_anew, unreadable + step.unreadable
            progress(min(done, total), total)
    return Rotated(done, unreadable)


def wait_for_followers() -> None:
    """Until every process of this home seals with the ring's new first key."""
    from app.crypto import FOLLOWS_AFTER_SECONDS

    time.sleep(2 * FOLLOWS_AFTER_SECONDS)


def _steps(database: Database, columns: Sequence[SealedColumn], ring: KeyRing) -> Iterator[Rotated]:
    for column in columns:
        after: tuple[int, ...] | None = (0,) * len(column.key)
        while after is not None:
            with database.system() as session:
                step, after = _step(session, column, ring, after)
            yield step


def _step(
    session: Session, column: SealedColumn, ring: KeyRing, after: tuple[int, ...]
) -> tuple[Rotated, tuple[int, ...] | None]:
    """The next values after a key; returns the last key looked at, None at the end."""
    parameters = {f"after_{n}": value for n, value in enumerate(after)} | {"others": ring.others, "step": _STEP}
    rows = session.execute(text(_next(column)), parameters).all()
    anew: list[tuple[Any, bytes]] = []
    for row in rows:
        try:
            anew.append((row, ring.seal(ring.open(row.sealed, column.associated(row)), column.associated(row))))
        except CannotOpen:
            continue
    if anew:
        written = {"was": [bytes(row.sealed) for row, _ in anew], "sealed": [sealed for _, sealed in anew]}
        keys = {f"key_{n}": [getattr(row, f"key_{n}") for row, _ in anew] for n in range(len(column.key))}
        session.execute(text(_write(column)), written | keys)
    last = tuple(int(getattr(rows[-1], f"key_{n}")) for n in range(len(column.key))) if rows else None
    return Rotated(len(anew), len(rows) - len(anew)), last


def _others(column: SealedColumn) -> str:
    """Version, then four bytes of key id. What was sealed by a key that is not in the ring is lost and left alone."""
    return f"substring(t.{column.column} from 2 for 4) = any(cast(:others as bytea[]))"


def _count(column: SealedColumn) -> str:
    return f"select count(*) from {column.source} where {_others(column)}"  # noqa: S608 - names of our own columns


def _next(column: SealedColumn) -> str:
    keys = ", ".join(f"t.{name}" for name in column.key)
    shown = [f"t.{name} as key_{n}" for n, name in enumerate(column.key)]
    shown += [f"{name} as cell_{n}" for n, name in enumerate(column.cell)]
    after = ", ".join(f":after_{n}" for n in range(len(column.key)))
    return f"""select {", ".join(shown)}, t.{column.column} as sealed from {column.source}
               where ({keys}) > ({after}) and {_others(column)} order by {keys} limit :step"""  # noqa: S608 - ditto


def _write(column: SealedColumn) -> str:
    """Compared with what was read, since somebody may have written another value meanwhile."""
    arrays = ", ".join(f"cast(:key_{n} as bigint[])" for n in range(len(column.key)))
    names = ", ".join(f"key_{n}" for n in range(len(column.key)))
    same = " and ".join(f"t.{name} = r.key_{n}" for n, name in enumerate(column.key))
    return f"""update {column.table} t set {column.column} = r.sealed
               from unnest({arrays}, cast(:was as bytea[]), cast(:sealed as bytea[])) as r({names}, was, sealed)
               where {same} and t.{column.column} = r.was"""  # noqa: S608 - ditto
