"""What other rules would have given: the fold over a shop's whole history, without writing anything.

Used by previews of rule changes, by the worth of imported history, and by benchmarks. Accounts are read in batches in
order of their ids, so that a shop of any size takes the memory of one batch; what is kept of each account is its sums.
The live rules over the same facts give the live ledger to the point (`unlike_the_ledger` says where not).
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.loyalty import fact_loading
from app.loyalty.dates import day_of
from app.loyalty.facts import AccountFacts
from app.loyalty.fold import fold
from app.loyalty.lots import Source
from app.loyalty.programs import ProgramRules

BATCH = 1_000
TOP = 10
EVER = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
# Upper bounds of the classes by which differences are counted; the last class is open.
BOUNDS = (-1_000, -100, -1, 0, 100, 1_000)


class Difference(NamedTuple):
    """An account's points under other rules than now."""

    points: int
    account_id: int
    live: int
    draft: int


@dataclass
class Side:
    """What one set of rules gives in a period: points, to how many accounts, for how many orders and actions."""

    points: int = 0
    accounts: int = 0
    sources: int = 0

    def add(self, points: int, sources: int) -> None:
        """Note an account."""
        self.points += points
        self.accounts += points > 0
        self.sources += sources


@dataclass
class Comparison:
    """Draft rules beside live ones. `spread` counts accounts by the class of their difference (`BOUNDS`)."""

    draft: Side = field(default_factory=Side)
    live: Side = field(default_factory=Side)
    gained: Side = field(default_factory=Side)
    lost: Side = field(default_factory=Side)
    accounts: int = 0
    orders: int = 0
    spread: Counter[int] = field(default_factory=Counter)
    # Difference in points by the shop's calendar year, where it was asked for.
    years: Counter[int] = field(default_factory=Counter)
    gainers: list[Difference] = field(default_factory=list)
    losers: list[Difference] = field(default_factory=list)

    def add(self, account_id: int, draft: "Worth", live: "Worth") -> None:
        """Note an account."""
        difference = draft.points - live.points
        self.accounts += 1
        self.draft.add(draft.points, draft.sources)
        self.live.add(live.points, live.sources)
        self.spread[sum(difference > bound for bound in BOUNDS)] += 1
        if not difference:
            return
        (self.gained if difference > 0 else self.lost).add(abs(difference), 1)
        for year, points in draft.years.items():
            self.years[year] += points
        for year, points in live.years.items():
            self.years[year] -= points
        of = self.gainers if difference > 0 else self.losers
        # The smaller id comes first among equals, whatever the order of accounts.
        heapq.heappush(of, Difference(abs(difference), -account_id, live.points, draft.points))
        if len(of) > TOP:
            heapq.heappop(of)

    def top(self, of: list[Difference]) -> list[Difference]:
        """The accounts with most at stake, greatest first."""
        return [one._replace(account_id=-one.account_id) for one in sorted(of, reverse=True)]


class Worth(NamedTuple):
    """What the sources of a period are worth to an account."""

    points: int
    sources: int
    years: dict[int, int]


def worth(
    program: ProgramRules, facts: AccountFacts, since: datetime, until: datetime, *, by_year: bool = False
) -> Worth:
    """What an account's orders and actions of [since, until) give under a program; those before count for limits."""
    points = sources = 0
    years: dict[int, int] = {}
    for target in fold(program, facts, dated=False).values():
        if target.points and since <= target.business_at < until:
            points += target.points
            sources += 1
            if by_year:
                year = day_of(target.business_at, program.zone).year
                years[year] = years.get(year, 0) + target.points
    return Worth(points, sources, years)


def compare(
    session: Session,
    live: ProgramRules,
    draft: ProgramRules,
    *,
    since: datetime = EVER,
    until: datetime = NEVER,
    only_imported: bool = False,
) -> Comparison:
    """Hold a draft against the live program, over every account.

    `only_imported` looks at accounts with imported orders, and tells the difference by year: zones cost time.
    """
    found = Comparison()
    for account_id, facts in history(session, live, draft, only_imported=only_imported):
        if not facts.orders and not facts.actions:
            continue
        found.orders += len(facts.orders)
        sides = [worth(program, facts, since, until, by_year=only_imported) for program in (draft, live)]
        found.add(account_id, *sides)
    return found


def history(
    session: Session, *programs: ProgramRules, only_imported: bool = False
) -> Iterator[tuple[int, AccountFacts]]:
    """The facts of every account that did something, as far as one of these programs asks for them.

    While the caller works on a batch, the database looks for the next one: the session is in use until the end.
    """
    shop_id = programs[0].shop_id
    asking = {shop_id: replace(programs[0], versions=tuple(rules for one in programs for rules in one.versions))}
    batches = _batches(session, shop_id, _WITH_IMPORTED if only_imported else _ACTIVE)

    def read() -> dict[tuple[int, int], AccountFacts]:
        keys = [(shop_id, account_id) for account_id in next(batches, ())]
        return fact_loading.load(session, keys, asking) if keys else {}

    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(read)
        while loaded := coming.result():
            coming = reader.submit(read)
            for (_, account_id), facts in loaded.items():
                yield account_id, facts


_ALL = text("select id from accounts where shop_id = :shop_id and id > :after order by id limit :batch")
# Whoever did something. What an absorbed account did counts for the one that took it over.
_ACTIVE = text("""
select id from (
    (select distinct account_id as id from orders
     where shop_id = :shop_id and account_id > :after order by 1 limit :batch)
    union
    (select distinct account_id from actions where shop_id = :shop_id and account_id > :after order by 1 limit :batch)
    union
    (select distinct a.merged_into from accounts a join actions d on d.shop_id = a.shop_id and d.account_id = a.id
     where a.shop_id = :shop_id and a.merged_into > :after order by 1 limit :batch)
) found
order by id limit :batch
""")
_WITH_IMPORTED = text("""
select distinct account_id from orders
where shop_id = :shop_id and account_id > :after and imported
order by account_id limit :batch
""")


def _batches(session: Session, shop_id: int, statement: TextClause) -> Iterator[list[int]]:
    after = 0
    while found := list(session.scalars(statement, {"shop_id": shop_id, "after": after, "batch": BATCH})):
        yield found
        after = found[-1]


class Unlike(NamedTuple):
    """A source of an account that the ledger and the fold see differently."""

    account_id: int
    source: Source
    held: int
    worth: int


_HELD = text("""
select account_id, source_kind, source_id, sum(points)::bigint as points
from ledger_entries
where shop_id = :shop_id and program_id = :program_id and account_id = any(:accounts)
    and source_kind in ('order', 'action', 'referral')
group by 1, 2, 3
having sum(points) <> 0
""")


def unlike_the_ledger(session: Session, live: ProgramRules) -> Iterator[Unlike]:
    """Where the ledger does not hold what the live rules give: nowhere, unless something is wrong or still waits."""
    for account_ids in _batches(session, live.shop_id, _ALL):
        keys = [(live.shop_id, account_id) for account_id in account_ids]
        facts = fact_loading.load(session, keys, {live.shop_id: live})
        given = {
            (account_id, source): target.points
            for _, account_id in keys
            for source, target in fold(live, facts[live.shop_id, account_id], dated=False).items()
            if target.points
        }
        parameters = {"shop_id": live.shop_id, "program_id": live.program_id, "accounts": account_ids}
        held = {
            (row.account_id, Source(row.source_kind, row.source_id)): row.points
            for row in session.execute(_HELD, parameters)
        }
        for key in sorted(given.keys() | held.keys()):
            if given.get(key, 0) != held.get(key, 0):
                yield Unlike(key[0], key[1], held.get(key, 0), given.get(key, 0))
