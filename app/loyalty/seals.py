"""Sealing: every minute committed entries become blocks, each with the hash of the one before and of its own rows.

A shop's blocks form a chain, `ledger_heads` knows its end. Whoever changes, removes or adds a row behind the end breaks
a hash, which `perennial ledger verify` finds (`app.loyalty.seal_checks`).

Ids of entries are taken before their transactions commit, so a lower one may appear after a higher one was seen. No
lock is needed to wait for them. A mark remembers M, the highest id given out, and X, the number of a transaction that
began afterwards. An entry is written under the lock of its balance, so its transaction has its number before it takes
an id: every id up to M belongs to a transaction before X. Once all of those have ended, what is there up to M is all
there will ever be. (The snapshot's xmax would not do for X: transactions beyond it may be running.) The mark outlives
the run that made it, for as long as an import may last. A backup carries it into a cluster that counts transactions
anew: there, what was not committed will never be, so a mark that seems to be over is right, and one that seems to lie
in the future is thrown away.
"""

import time
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.db import Database
from app.jobs import job
from app.runtime import Runtime

log = structlog.get_logger()

BLOCK = 10_000
# The promise: sealed within a minute or two; `verify`, doctor and the alert rules complain after five.
LATE_SECONDS = 300
# Shops whose next block is made by one transaction: about a second of work for full blocks.
_SHOPS_A_STEP = 20
_PATIENCE_SECONDS = 5.0
_PAUSE_SECONDS = 0.1


def _seconds(column: str) -> str:
    """An instant as a number that depends on no setting of the session; numeric keeps all six digits."""
    return f"extract(epoch from {column})"


# An entry as text. PostgreSQL's own form of a row quotes what has to be, so no two rows have the same. Whatever
# `ledger_entries` gains later stays out of old blocks: a new form needs a version in the block.
ENTRY = f"""row(e.id, e.program_id, e.account_id, e.source_kind, e.source_id, e.points, e.reason, e.rule_version,
    {_seconds("e.business_at")}, {_seconds("e.recorded_at")}, e.actor, encode(e.note_digest, 'hex'))::text"""
ENTRIES = "min(id) as first_id, max(id) as last_id, count(*) as entries, string_agg(entry, E'\\n' order by id) as rows"
# The hash of a block `b` with the texts of its entries in `rows`.
HASH = f"""sha256(b.previous_hash || convert_to(
    row(b.shop_id, b.number, b.first_id, b.last_id, b.entries, {_seconds("b.sealed_at")})::text
    || E'\\n' || coalesce(rows, ''), 'UTF8'))"""

_HIGHEST = text("select case when is_called then last_value else 0 end from ledger_entries_id_seq")
_MARK = text("""
insert into seal_marks (upto, xid)
select :upto, cast(cast(pg_current_xact_id() as text) as bigint)
where :upto > coalesce((select max(upto) from seal_marks), 0)
on conflict do nothing
""")
_FOREIGN = text("""
delete from seal_marks where xid >= cast(cast(pg_snapshot_xmax(pg_current_snapshot()) as text) as bigint)
""")
_RIPE = text("""
select max(upto) from seal_marks where xid <= cast(cast(pg_snapshot_xmin(pg_current_snapshot()) as text) as bigint)
""")
_OVER = text("delete from seal_marks where upto < :upto")
_HEADS = text("""
insert into ledger_heads (shop_id, number, hash, sealed_to)
select s.id, coalesce(b.number, 0), coalesce(b.hash, ''), coalesce(b.last_id, 0)
from shops s left join lateral (
    select number, hash, last_id from ledger_blocks where shop_id = s.id order by number desc limit 1
) b on true
where not exists (select from ledger_heads h where h.shop_id = s.id)
  and exists (select from ledger_entries e where e.shop_id = s.id)
on conflict do nothing
""")
_SEAL = text(f"""
with due as (
    select h.shop_id, h.number, h.hash, h.sealed_to from ledger_heads h
    where h.sealed_to < :upto and exists (
        select from ledger_entries e where e.shop_id = h.shop_id and e.id > h.sealed_to and e.id <= :upto)
    order by h.shop_id limit :shops for update skip locked
), b as (
    select due.shop_id, due.number + 1 as number, due.hash as previous_hash, cast(:now as timestamptz) as sealed_at,
           e.first_id, e.last_id, e.entries, e.rows
    from due cross join lateral (
        select {ENTRIES} from (
            select e.id, {ENTRY} as entry from ledger_entries e
            where e.shop_id = due.shop_id and e.id > due.sealed_to and e.id <= :upto order by e.id limit :block
        ) e
    ) e
    where e.entries > 0
), made as (
    insert into ledger_blocks (shop_id, number, first_id, last_id, entries, previous_hash, hash, sealed_at)
    select shop_id, number, first_id, last_id, entries, previous_hash, {HASH}, sealed_at from b
    returning shop_id, number, last_id, entries, hash
)
update ledger_heads h set number = made.number, hash = made.hash, sealed_to = made.last_id
from made where h.shop_id = made.shop_id
returning made.entries
""")  # noqa: S608 - constants of this module
# What had no entries up to there is closed up to there as well. Whether it has is asked here and not concluded from a
# step that found nothing: the step also finds nothing where another sealer is at work.
_CLOSE = text("""
update ledger_heads h set sealed_to = :upto where h.sealed_to < :upto and not exists (
    select from ledger_entries e where e.shop_id = h.shop_id and e.id > h.sealed_to and e.id <= :upto)
""")


@job("ledger.seal", queue="care", cron="* * * * * 20")
def seal(runtime: Runtime) -> None:
    """Every minute: whatever is committed for good."""
    entries = seal_all(runtime.database)
    if entries:
        log.info("ledger sealed", entries=entries)


def seal_all(database: Database, *, patience: float = _PATIENCE_SECONDS) -> int:
    """Seal all entries that no open transaction can precede any more; returns how many. Two at a time do no harm.

    Waits `patience` seconds for open transactions, and leaves the rest, as well as shops that another sealer holds, to
    the next run.
    """
    upto = _wait_for_mark(database, patience)
    if not upto:
        return 0
    with database.system() as session:
        session.execute(_HEADS)
    total = 0
    while sealed := _seal_step(database, upto):
        total += sealed
    with database.system() as session:
        session.execute(_CLOSE, {"upto": upto})
        session.execute(_OVER, {"upto": upto})
    return total


def _wait_for_mark(database: Database, patience: float) -> int:
    """Make a mark and give it a moment; returns the highest id up to which everything is committed or gone."""
    with database.system() as session:
        highest = int(session.scalar(_HIGHEST) or 0)
    with database.system() as session:
        session.execute(_FOREIGN)
        session.execute(_MARK, {"upto": highest})
    deadline = time.monotonic() + patience
    while True:
        with database.system() as session:
            ripe = int(session.scalar(_RIPE) or 0)
        if ripe >= highest or time.monotonic() >= deadline:
            return ripe
        time.sleep(_PAUSE_SECONDS)


def _seal_step(database: Database, upto: int) -> int:
    parameters = {"upto": upto, "shops": _SHOPS_A_STEP, "block": BLOCK, "now": clock.wall_now()}
    with database.system() as session:
        return sum(session.execute(_SEAL, parameters).scalars())


@dataclass(frozen=True)
class Unsealed:
    """Entries that wait for their seal, and since when the oldest does."""

    entries: int
    since: datetime | None

    @property
    def seconds(self) -> float:
        """How long the oldest has waited; 0 when nothing waits."""
        return max((clock.now() - self.since).total_seconds(), 0) if self.since else 0.0

    @property
    def late(self) -> bool:
        """Whether sealing has fallen behind its promise."""
        return self.seconds > LATE_SECONDS


_BEHIND_HEAD = "e.shop_id = s.id and e.id > coalesce(h.sealed_to, 0)"
_OLDEST = text(f"""
select min(e.recorded_at) from shops s left join ledger_heads h on h.shop_id = s.id
cross join lateral (select e.recorded_at from ledger_entries e where {_BEHIND_HEAD} order by e.id limit 1) e
where cast(:shop as bigint) is null or s.id = :shop
""")  # noqa: S608 - constants of this module
_COUNT = text(f"""
select coalesce(sum(e.entries), 0) from shops s left join ledger_heads h on h.shop_id = s.id
cross join lateral (select count(*) as entries from ledger_entries e where {_BEHIND_HEAD}) e
where cast(:shop as bigint) is null or s.id = :shop
""")  # noqa: S608 - constants of this module


def unsealed_since(session: Session) -> datetime | None:
    """When the oldest entry without a seal was recorded, over all shops; one look-up a shop."""
    since: datetime | None = session.scalar(_OLDEST, {"shop": None})
    return since


def unsealed(session: Session, shop_id: int | None = None) -> Unsealed:
    """What waits for its seal, in one shop or in all."""
    parameters = {"shop": shop_id}
    return Unsealed(int(session.scalar(_COUNT, parameters) or 0), session.scalar(_OLDEST, parameters))
