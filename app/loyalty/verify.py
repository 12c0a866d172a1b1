"""`perennial ledger verify`: does everything follow from the entries, and are the entries what was sealed?

Called by the command line (`verify_database`, several parts at a time) and by tests (`verify`, in the session's own
transaction). All parts look at one snapshot of the database, so it can run while points are posted. What is checked
stands in `app.loyalty.laws` and `app.loyalty.seal_checks`. Memory does not grow with the ledger.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from app.db import Database
from app.loyalty import laws, seal_checks
from app.loyalty.laws import Share
from app.loyalty.seal_checks import Disagreement
from app.loyalty.seals import Unsealed, unsealed

__all__ = ["Disagreement", "Verdict", "verify", "verify_database"]

# Pages of 8 kB of a table that one statement reads: some tenths of a second.
_PAGES = 8_000
_SEED_BITS = 62
# Disagreements that are told one by one.
_TOLD = 200
_SETTINGS = text("""
select set_config('jit', 'off', true), set_config('work_mem', '64MB', true),
       set_config('max_parallel_workers_per_gather', '0', true)
""")
_PAGES_OF = text("select pg_relation_size(cast(:table as regclass)) / current_setting('block_size')::int")


@dataclass(frozen=True)
class Verdict:
    """The outcome of a verification."""

    accounts: int
    entries: int
    points: int
    disagreements: tuple[Disagreement, ...]
    unsealed: Unsealed

    @property
    def agrees(self) -> bool:
        """Whether everything follows from the entries, and the entries are what was sealed."""
        return not self.disagreements

    def told(self) -> Iterator[str]:
        """The outcome in words, a line each; the last one is the sum of it."""
        for item in self.disagreements[:_TOLD]:
            where = [f"shop {item.shop_id}", f"account {item.account_id}" if item.account_id else "", item.subject]
            yield f"{item.law}: {', '.join(filter(None, where))}: should be {item.expected}, is {item.found}"
        if len(self.disagreements) > _TOLD:
            yield f"… and {len(self.disagreements) - _TOLD} more"
        if self.unsealed.entries:
            yield f"{self.unsealed.entries} entries wait for their seal, the oldest for {self.unsealed.seconds:.0f} s."
        if self.unsealed.late:
            yield "Sealing is late: it happens every minute where a worker runs (`perennial doctor`)."
        outcome = "everything agrees" if self.agrees else f"{len(self.disagreements)} figures disagree"
        yield f"{self.accounts} accounts, {self.entries} entries, {self.points} points: {outcome}."


@dataclass
class _Result:
    """What one part saw. `suspects` are shops whose sum could not be formed."""

    rows: Counter[str] = field(default_factory=Counter)
    points: int = 0
    sums: Counter[int] = field(default_factory=Counter)
    suspects: set[int] = field(default_factory=set)
    found: list[Disagreement] = field(default_factory=list)

    def add(self, other: "_Result") -> None:
        self.rows.update(other.rows)
        self.points += other.points
        for shop_id, weight in other.sums.items():
            self.sums[shop_id] += weight
        self.suspects |= other.suspects
        self.found += other.found


_Parameters = dict[str, int | str | None]
_Part = Callable[[Session], _Result]
_RunAll = Callable[[Sequence[_Part]], Iterable[_Result]]
Progress = Callable[[int, int], None]


def verify(session: Session, shop_id: int | None = None) -> Verdict:
    """Check all shops, or one, within a system session that has done nothing yet."""
    session.execute(text("set transaction isolation level repeatable read"))
    session.execute(_SETTINGS)
    return _verify(session, shop_id, lambda parts: (part(session) for part in parts), _in_silence)


def verify_database(
    database: Database, shop_id: int | None = None, *, at_once: int = 2, progress: Progress | None = None
) -> Verdict:
    """Check all shops, or one, with `at_once` connections; `progress` is told how many of how many parts are done."""
    with database.system() as session, ThreadPoolExecutor(at_once) as pool:
        session.execute(text("set transaction isolation level repeatable read"))
        snapshot = str(session.scalar(text("select pg_export_snapshot()")))
        work = partial(_on_snapshot, database, snapshot)
        return _verify(session, shop_id, lambda parts: pool.map(work, parts), progress or _in_silence)


def _in_silence(_done: int, _of: int) -> None:
    """Nobody watches."""


def _on_snapshot(database: Database, snapshot: str, part: _Part) -> _Result:
    with database.system() as session:
        session.execute(text("set transaction isolation level repeatable read"))
        session.connection().exec_driver_sql(f"set transaction snapshot '{snapshot}'")
        session.execute(_SETTINGS)
        return part(session)


def _verify(session: Session, shop_id: int | None, run_all: _RunAll, progress: Progress) -> Verdict:
    parts = list(_parts(session, shop_id))
    total = _Result()
    for done, result in enumerate(run_all(parts), 1):
        total.add(result)
        progress(done, len(parts))
    suspects = total.suspects | {shop for shop, weight in total.sums.items() if weight}
    return Verdict(
        accounts=total.rows["balances"],
        entries=total.rows["ledger_entries"],
        points=total.points,
        disagreements=(*_one_by_one(session, suspects), *total.found),
        unsealed=unsealed(session, shop_id),
    )


def _parts(session: Session, shop_id: int | None) -> Iterator[_Part]:
    for span in seal_checks.spans(session, shop_id):
        yield partial(_check, partial(seal_checks.check_blocks, span=span))
    yield partial(_check, partial(seal_checks.check_ends, shop_id=shop_id))
    yield partial(_check, partial(seal_checks.check_notes, shop_id=shop_id))
    seeds: _Parameters = {name: secrets.randbits(_SEED_BITS) for name in laws.SEEDS}
    for share in laws.SHARES:
        pages = int(session.scalar(_PAGES_OF, {"table": share.table}) or 0)
        for first in range(0, pages, _PAGES):
            where: _Parameters = {"first": f"({first},0)", "last": f"({first + _PAGES},0)", "shop": shop_id}
            yield partial(_sum, share=share, parameters=seeds | where)


def _check(check: Callable[[Session], list[Disagreement]], session: Session) -> _Result:
    return _Result(found=check(session))


def _sum(session: Session, share: Share, parameters: _Parameters) -> _Result:
    """The sum over some pages; where points are too large for it, their shops become suspects."""
    try:
        with session.begin_nested():
            rows = session.execute(text(laws.share_of_pages(share)), parameters).all()
    except DataError:
        rows = session.execute(text(laws.share_of_pages(laws.counted_only(share))), parameters).all()
        return _result(share, rows, suspects={row.shop_id for row in rows})
    return _result(share, rows)


def _result(share: Share, rows: Sequence[Any], suspects: Iterable[int] = ()) -> _Result:
    return _Result(
        rows=Counter({share.table: sum(row.rows for row in rows)}),
        points=int(sum(row.points for row in rows)),
        sums=Counter({row.shop_id: int(row.weight) for row in rows}),
        suspects=set(suspects),
    )


def _one_by_one(session: Session, shops: set[int]) -> list[Disagreement]:
    if not shops:
        return []
    return [
        Disagreement(law, row[0], row[1], row[2], int(row[3]), int(row[4]))
        for law, statement in laws.LAWS
        for row in session.execute(text(statement), {"shops": sorted(shops)})
    ]
