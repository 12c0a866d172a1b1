"""A replayed year lived again under three other programs, month by month, and compared with the file alone.

The webhooks of the replay are still in the inbox. For each program everything that followed from them is forgotten, its
rules are put in force, and a month of them after the other is made pending again: the worker handles them as it did the
first time, with the clock at the month's end, and then sweeps what has expired. When the year is over, what the program
owed at twelve month ends is asked of the ledger as of those instants, and every account is compared at the end.
Called by `app.demo.replaying` (`make real-year`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app import clock, jobs
from app.demo import queries
from app.demo.judging import Difference, wait_until_quiet
from app.demo.world import World
from app.loyalty import expiry, standing
from app.loyalty.dates import plus_months, start_of
from dev_store.history import direct_programs
from dev_store.history.direct import Purchase
from dev_store.history.direct_programs import LONDON, Held
from dev_store.history.replay import History
from dev_store.history.replay.invoices import product_of

MONTHS = 12
# The clock stands so long before a month's end while the month is handled: nothing of it may be recorded later.
BEFORE_THE_END = timedelta(minutes=15)
_WITHOUT = 3  # stock codes, those on most orders


@dataclass(frozen=True)
class Program:
    """Rules, and what customers should hold under them at an instant (UTC without a zone)."""

    name: str
    title: str
    rules: dict[str, Any]
    expected: Callable[[datetime], dict[int, Held]]


@dataclass(frozen=True)
class Relived:
    """How a program's year went: outstanding points at its month ends, entries by kind, and what differs."""

    program: Program
    accounts: int
    outstanding: list[int]
    entries: dict[str, int]
    differences: list[Difference]

    def lines(self) -> list[str]:
        """For people."""
        months = " ".join(f"{points:,}" for points in self.outstanding)
        entries = ", ".join(f"{kind} {number:,}" for kind, number in sorted(self.entries.items()))
        agree = "agrees to the point" if not self.differences else f"{len(self.differences):,} DIFFERENCES"
        return [
            f"{self.program.name}: {self.program.title}",
            f"  points outstanding at {len(self.outstanding)} month ends: {months}",
            f"  {self.accounts:,} accounts, entries: {entries}; {agree}",
        ]


def programs(bought: Sequence[Purchase], begin: date) -> list[Program]:
    """The three, fitted to a shop: its best sold goods are excluded, the window is its fifth month."""
    sold = Counter(code for order in bought for code in {code for code, _ in order.goods})
    codes = [code for code, _ in sorted(sold.items(), key=lambda item: (-item[1], item[0]))[:_WITHOUT]]
    first, last = start_of(plus_months(begin, 4), LONDON), start_of(plus_months(begin, 5), LONDON)
    unit = {"kind": "per_unit", "points": 1}
    return [
        Program(
            "limited",
            f"a point a pound, without {', '.join(codes)}, at most 500 an order and 600 a day",
            {
                "earning": [unit],
                "exclude": {"products": [product_of(code) for code in codes]},
                "caps": {"order": 500, "day": 600},
            },
            lambda at: direct_programs.limited(bought, at, without=frozenset(codes), an_order=500, a_day=600),
        ),
        Program(
            "numbered",
            f"a point a pound, 100 for the third and every fifth order, half as much again in "
            f"{first.astimezone(LONDON):%B %Y}",
            {
                "earning": [unit, {"kind": "nth_order", "points": 100, "orders": [3], "every": 5}],
                "multipliers": [{"factor": "1.5", "from": first.isoformat(), "until": last.isoformat()}],
                "rounding": "nearest",
            },
            lambda at: direct_programs.numbered(
                bought, at, bonus=100, orders=frozenset({3}), every=5, window=(_bare(first), _bare(last))
            ),
        ),
        Program(
            "passing",
            "a point a pound that waits for 14 days and lives for 90",
            {"earning": [unit], "waiting_days": 14, "expiry": {"kind": "after", "days": 90}},
            lambda at: direct_programs.passing(bought, at, waiting=14, living=90),
        ),
    ]


def relive(world: World, history: History, program: Program, customers: dict[int, int]) -> Relived:
    """The whole year under a program; `customers` are the shop's ids by those of the file."""
    shop, ends = _shop(world), _month_ends(history)
    with world.database.system() as session:
        queries.start_over(session, shop, program.rules)
    since = None
    for end in ends:
        _move(world, end - BEFORE_THE_END)
        with world.database.system() as session:
            queries.make_pending(session, shop, since, end)
        wait_until_quiet(world)
        with world.database.system() as session:
            jobs.enqueue(session, expiry.JOB, {})
        wait_until_quiet(world)
        since = end
    return _judged(world, program, ends, customers)


def _judged(world: World, program: Program, ends: list[datetime], customers: dict[int, int]) -> Relived:
    shop, last = _shop(world), ends[-1]
    outstanding, differences = [], []
    with world.database.system() as session:
        program_id = queries.program_id(session, shop)
        for end in ends[:MONTHS]:
            found = standing.liability(session, shop, program_id, _moment(end), standing.RECORDED)
            wanted = program.expected(_bare(_moment(end))).values()
            outstanding.append(found.outstanding)
            pairs = (
                ("points outstanding", sum(held.points for held in wanted), found.outstanding),
                ("points pending", sum(held.pending for held in wanted), found.pending),
                ("points owed", 0, found.owed),
                ("accounts with points", sum(held.points > 0 for held in wanted), found.accounts),
            )
            differences += [Difference(f"{what}, {end:%d %b %Y}", a, b) for what, a, b in pairs if a != b]
        balances = queries.balances(session, shop)
        entries = queries.entries_by_kind(session, shop)
    for customer, held in sorted(program.expected(_bare(_moment(last))).items()):
        if held.points != (has := balances.get(customers[customer], 0)):
            differences.append(Difference(f"customer {customer}, {program.name}", held.points, has))
    return Relived(program, len(customers), outstanding, entries, differences)


def _month_ends(history: History) -> list[datetime]:
    """The ends of London's months from the first step's to the last one's."""
    first, last = (history.steps[place].at.astimezone(LONDON).date().replace(day=1) for place in (0, -1))
    number = (last.year - first.year) * 12 + last.month - first.month + 1
    return [start_of(plus_months(first, month + 1), LONDON) for month in range(number)]


def _shop(world: World) -> int:
    with world.database.system() as session:
        return queries.shop_id(session, world.shop)


def _move(world: World, at: datetime) -> None:
    world.move_clocks(at - clock.wall_now())


def _moment(end: datetime) -> datetime:
    """The last instant before an end."""
    return end - timedelta(microseconds=1)


def _bare(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)
