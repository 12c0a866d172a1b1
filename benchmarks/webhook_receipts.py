"""Claim: with 10,000,000 receipts in the inbox, what is done to it costs less than twice what it costs with 10,000.

Receipts are made by SQL: handled over the last year, the newest with their bodies. Then the loop takes its turn and
claims, the door inserts, the log is read by each of its filters, and what is old is forgotten by a step. Each is done
`--times` times, the middle one counts. What PostgreSQL read for it stands beside: rows found along indexes, and
sequential scans, of which there is none.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app import clock
from benchmarks.backlog import mixed_backlog, store
from benchmarks.bodies import Shopper
from benchmarks.report import Figure, Wanted, conclude, table
from benchmarks.world import World
from webhooks import care, log
from webhooks.claim import begin_turns, claim
from webhooks.headers import Delivery
from webhooks.store import Row, Store

WANTED = {"worst_growth": Wanted(at_most=2.0), "slowest_ms": Wanted(at_most=100), "sequential_scans": Wanted(at_most=0)}
SMALL = 10_000
_CHUNK = 500_000
# A hundred are of a rare topic, as many were parked or ignored, however many there are. The newest twentieth has its
# body still.
_FILL = text("""
insert into inbox_events (shop_id, partition, lane, topic, webhook_id, triggered_at, received_at, state, attempts,
                          finished_at, reason, body)
select :shop, :shop % 64, 1,
       case when i % :rare = 7 then 'orders/delete' else frequent[1 + i % 4] end,
       md5(i::text)::uuid::text, at, at, ended, 1, at, case when ended <> 'done' then 'failed' end,
       case when age < 0.05 then decode(repeat(md5(i::text), 16), 'hex') end
from generate_series(cast(:first as bigint), :last) i
cross join lateral (select 1 - cast(i as float) / :all as age) a
cross join lateral (
    select cast(:now as timestamptz) - (1 + age * 380) * interval '1 day' as at,
           case i % :rare when 11 then 'parked' when 3 then 'ignored' else 'done' end as ended,
           array['orders/create', 'orders/paid', 'orders/updated', 'customers/update'] as frequent
) b
""")
_INDEXES = text("""
select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as make, c.conname
from pg_index i left join pg_constraint c on c.conindid = i.indexrelid
where i.indrelid = 'inbox_events'::regclass and not i.indisprimary
""")
_READ = text("""
select coalesce(sum(idx_tup_fetch), 0)::bigint as rows_read, coalesce(sum(seq_scan), 0)::bigint as scans
from pg_stat_xact_user_tables where relname = 'inbox_events'
""")


@dataclass(frozen=True)
class Taken:
    """What a verb took: seconds, rows read along indexes, sequential scans."""

    seconds: float
    rows_read: int
    scans: int


def fill(world: World, first: int, last: int) -> None:
    """Receipts number `first` to `last`, with the indexes made anew afterwards, as a restore would."""
    shop, now = world.shop_ids[world.domains[0]], clock.wall_now()
    database = world.runtime.database
    with database.system() as session:
        indexes = session.execute(_INDEXES).all()
        for index in indexes:
            drop = (
                f"alter table inbox_events drop constraint {index.conname}"
                if index.conname
                else f"drop index {index.name}"
            )
            session.execute(text(drop))
    for begin in range(first, last + 1, _CHUNK):
        chunk = {"first": begin, "last": min(begin + _CHUNK - 1, last), "all": last, "rare": last // 100}
        with database.system() as session:
            session.execute(_FILL, {**chunk, "shop": shop, "now": now})
    with database.system() as session:
        session.execute(text("set local maintenance_work_mem = '1GB'"))
        for index in indexes:
            session.execute(text(index.make))
            if index.conname:
                unique = f"alter table inbox_events add constraint {index.conname} unique using index {index.name}"
                session.execute(text(unique))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze inbox_events"))
        connection.execute(text("checkpoint"))


class Verbs:
    """What is done to an inbox; each in a transaction that is rolled back, so that it can be done again."""

    def __init__(self, world: World) -> None:
        self._world, self._database = world, world.runtime.database
        self._shop = world.shop_ids[world.domains[0]]

    def measure(self, times: int) -> dict[str, Taken]:
        """The middle of each verb."""
        found = {name: self._middle([self._once(verb) for _ in range(times)]) for name, verb in self._verbs().items()}
        return found | {"the door inserts 50": asyncio.run(self._inserts(times))}

    def _verbs(self) -> dict[str, Callable[[Session], object]]:
        with self._database.system() as session:
            halfway = session.scalar(text("select (min(id) + max(id)) / 2 from inbox_events"))
        pages: dict[str, Mapping[str, Any]] = {
            "newest": {},
            "from halfway": {"before": halfway},
            "a frequent topic": {"topic": "orders/paid"},
            "a rare topic": {"topic": "orders/delete"},
            "parked": {"state": "parked"},
            "ignored": {"state": "ignored"},
            "pending": {"state": "pending"},
        }
        return {
            "the loop claims": _claim,
            **{f"the log, {name}": self._page(filters) for name, filters in pages.items()},
            "1,000 bodies forgotten": _step(care._FORGET_BODIES, 15),
            "1,000 receipts removed": _step(care._DELETE_RECEIPTS, 200),
        }

    def _page(self, filters: Mapping[str, Any]) -> Callable[[Session], object]:
        whole: dict[str, Any] = {"state": None, "topic": None, "before": None, "limit": 50, **filters}
        return lambda session: log.page(session, self._shop, **whole)

    def _once(self, verb: Callable[[Session], object]) -> Taken:
        with self._database.system() as session:
            session.execute(text("select 1"))
            began = time.perf_counter()
            verb(session)
            seconds = time.perf_counter() - began
            read = session.execute(_READ).one()
            session.rollback()
        return Taken(seconds, read.rows_read, read.scans)

    @staticmethod
    def _middle(taken: Sequence[Taken]) -> Taken:
        return sorted(taken, key=lambda one: one.seconds)[len(taken) // 2]

    async def _inserts(self, times: int) -> Taken:
        door, taken = Store(self._database), []
        for number in range(times):
            rows = [self._row(f"{number}-{n}") for n in range(50)]
            began = time.perf_counter()
            await door.insert(rows)
            taken.append(time.perf_counter() - began)
        await door.close()
        return Taken(statistics.median(taken), 0, 0)

    def _row(self, name: str) -> Row:
        now = clock.wall_now()
        webhook_id = f"{now.timestamp()}-{name}"
        return Row(Delivery("orders/updated", self._world.domains[0], webhook_id, None, None, now, now), bytes(1_200))


def _claim(session: Session) -> None:
    turns = begin_turns(session, 0)
    assert claim(session, [turn.partition for turn in turns])


def _step(statement: TextClause, days: int) -> Callable[[Session], object]:
    """A step of `webhooks.care`, as if what is older than `days` were old enough."""

    def step(session: Session) -> None:
        before = clock.wall_now() - timedelta(days=days)
        assert session.execute(statement, {"before": before, "step": care.STEP}).all()

    return step


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--receipts", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=15)
    return parser.parse_args(arguments)


def main() -> int:
    """Measure in a world of its own, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    with World("webhook_receipts", 4) as world:
        return run(world, sizes)


def run(world: World, sizes: argparse.Namespace) -> int:
    """Measure in this world."""
    shops = [(domain, world.shop_ids[domain]) for domain in world.domains]
    shoppers = [Shopper(number) for number in range(1, len(shops) + 1)]
    verbs = Verbs(world)
    fill(world, 1, SMALL)
    store(world.runtime.database, world.runtime.keyring, mixed_backlog(shops, 1_000, shoppers))
    few = verbs.measure(sizes.times)
    began = time.monotonic()
    fill(world, SMALL + 1, sizes.receipts)
    print(f"{sizes.receipts:,} receipts made in {time.monotonic() - began:.0f} s", flush=True)
    many = verbs.measure(sizes.times)
    return report(few, many, sizes.receipts)


def report(few: Mapping[str, Taken], many: Mapping[str, Taken], receipts: int) -> int:
    """Print the table and the JSON line."""
    growth = {name: many[name].seconds / few[name].seconds for name in many}
    rows: list[tuple[Figure, ...]] = [
        (name, 1_000 * few[name].seconds, 1_000 * taken.seconds, growth[name], taken.rows_read, taken.scans)
        for name, taken in many.items()
    ]
    table(("", f"ms at {SMALL:,}", f"ms at {receipts:,}", "growth", "rows read", "sequential scans"), rows)
    figures: dict[str, Figure] = {
        "worst_growth": round(max(growth.values()), 2),
        "slowest_ms": round(1_000 * max(taken.seconds for taken in many.values()), 1),
        "sequential_scans": sum(taken.scans for taken in many.values()),
        "receipts": receipts,
    }
    return conclude("webhook_receipts", figures, WANTED, "round trips and single index look-ups")


if __name__ == "__main__":
    sys.exit(main())
