"""What an account holds, and what a program owes its members: now, and as of any earlier instant. Reads only.

Earlier instants are answered from entries and lots alone, in two ways that an auditor tells apart:

- `RECORDED`: what the books said then. Entries written by that instant count, whatever they are about; the answer
  equals the sums of a copy taken at that moment.
- `BUSINESS`: what is known today to have been so. Entries count from their business time on, so late deliveries are in
  their month and every expiry at its instant, however late the sweep came.

Now: points that are over count for nothing, posted or not. Money is what points outstanding would cost at the dearest
reward that takes an amount off: its value for each of its points, rounded up (rewards have no history: today's prices).
Called by the API, later by the admin's pages and by campaigns.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.loyalty.lots import Holder
from app.sql import Statement

RECORDED = "recorded_at"
BUSINESS = "business_at"

# Points without an end of their own have had their chance after this long.
MATURE = timedelta(days=365)
# With fewer observations a share says nothing about the next lot.
LEAST_LOTS = 100

_END = "coalesce(l.expires_at, case when l.available_at < b.idle_at then b.idle_at end)"


@dataclass(frozen=True)
class Standing:
    """Points of an account. `balance` = `available` + `pending` - `owed`; `lifetime` is earned less taken back."""

    balance: int = 0
    available: int = 0
    pending: int = 0
    lifetime: int = 0
    owed: int = 0


def account_standing(session: Session, holder: Holder, at: datetime) -> Standing:
    """An account now: `at` is `clock.now()`, or an instant to come if nothing else happens until then."""
    return standing_and_coming(session, holder, at)[0]


# What its waiting sources had granted is pending, at most the balance: what waits pays only what would be owed.
_THEN = """
with held as (
    select e.account_id, sum(e.points)::bigint as points,
           coalesce(sum(e.points) filter (where e.source_kind not in
               ('redemption', 'import_spent', 'moved_spending', 'expiry', 'forgiven')), 0)::bigint as lifetime,
           coalesce(sum(e.points) filter (where e.source_kind = 'forgiven'), 0)::bigint as forgiven,
           count(*) filter (where e.reason = 'debt_forgiven') as debts
    from ledger_entries e
    where e.shop_id = :shop and e.program_id = :program and e.{time} <= :at {narrowed}
    group by e.account_id
), waiting as (
    select e.account_id, sum(e.points)::bigint as points
    from lots l join ledger_entries e using (shop_id, program_id, account_id, source_kind, source_id)
    where l.shop_id = :shop and l.program_id = :program and l.available_at > :at and e.{time} <= :at {narrowed}
    group by e.account_id
)
select coalesce(sum(greatest(h.points, 0)), 0)::bigint as outstanding,
       coalesce(sum(greatest(-h.points, 0)), 0)::bigint as owed,
       coalesce(sum(least(greatest(h.points, 0), coalesce(w.points, 0))), 0)::bigint as pending,
       coalesce(sum(h.lifetime), 0)::bigint as lifetime, coalesce(sum(h.forgiven), 0)::bigint as forgiven,
       coalesce(sum(h.debts), 0)::bigint as debts_forgiven, count(*) filter (where h.points > 0) as accounts
from held h left join waiting w using (account_id)
"""


def account_standing_as_of(session: Session, holder: Holder, at: datetime, by: str = RECORDED) -> Standing:
    """An account as it was at an earlier instant, `by` RECORDED or BUSINESS time."""
    row = _then(session, _of(holder) | {"at": at}, by, "and e.account_id = :account")
    return Standing(row.outstanding - row.owed, row.outstanding - row.pending, row.pending, row.lifetime, row.owed)


@dataclass(frozen=True)
class Coming:
    """Points that end at an instant. `subject` is the lot's source, `order:1`, or `idle`."""

    due_at: datetime
    points: int
    subject: str


def coming_expiries(session: Session, holder: Holder, at: datetime) -> list[Coming]:
    """What of an account will expire when, soonest first, if nothing happens until then."""
    return standing_and_coming(session, holder, at)[1]


_LOTS = Statement(f"""
select b.points, b.lifetime, l.remaining, l.available_at, {_END} as due_at,
       case when l.expires_at is null then 'idle' else l.source_kind || ':' || l.source_id end as subject
from balances b left join lots l on (l.shop_id, l.program_id, l.account_id) = (b.shop_id, b.program_id, b.account_id)
    and l.remaining > 0
where b.shop_id = :shop and b.program_id = :program and b.account_id = :account
""")  # noqa: S608 - a constant of this module


def standing_and_coming(session: Session, holder: Holder, at: datetime) -> tuple[Standing, list[Coming]]:
    """Both by one question: everybody's balance is asked for all day."""
    found = _LOTS.run(session, **_of(holder))
    if not found:
        return Standing(), []
    lots = [lot for lot in found if lot.remaining]
    held = [lot for lot in lots if not (lot.due_at and lot.due_at <= at)]
    pending = sum(lot.remaining for lot in held if lot.available_at > at)
    available = sum(lot.remaining for lot in held) - pending
    coming: Counter[tuple[datetime, str]] = Counter()
    for lot in held:
        if lot.due_at:
            coming[lot.due_at, lot.subject] += lot.remaining
    points, lifetime = found[0].points, found[0].lifetime
    balance = points - sum(lot.remaining for lot in lots) + available + pending
    return (
        Standing(balance, available, pending, lifetime, max(-points, 0)),
        [Coming(due, ending, subject) for (due, subject), ending in sorted(coming.items())],
    )


@dataclass(frozen=True)
class ComingOfShop:
    """Points of all members that end at an instant, and of how many members."""

    due_at: datetime
    points: int
    accounts: int


_COMING_OF_SHOP = text("""
select due_at, sum(points)::bigint as points, count(distinct account_id) as accounts
from (
    select l.expires_at as due_at, l.remaining as points, l.account_id from lots l
    where l.shop_id = :shop and l.program_id = :program and l.remaining > 0
        and l.expires_at > :at and l.expires_at <= :until
    union all
    select b.idle_at, l.remaining, l.account_id
    from balances b join lots l using (shop_id, program_id, account_id)
    where b.shop_id = :shop and b.program_id = :program and b.idle_at > :at and b.idle_at <= :until
        and l.remaining > 0 and l.expires_at is null and l.available_at < b.idle_at
) coming
group by due_at order by due_at
""")


def coming_expiries_of_shop(
    session: Session, shop_id: int, program_id: int, at: datetime, until: datetime
) -> list[ComingOfShop]:
    """What will expire in (at, until] if nothing happens until then, soonest first."""
    parameters = {"shop": shop_id, "program": program_id, "at": at, "until": until}
    return [ComingOfShop(row.due_at, row.points, row.accounts) for row in session.execute(_COMING_OF_SHOP, parameters)]


@dataclass(frozen=True)
class PointValue:
    """What points cost at a reward: `minor` units of the currency for `points`."""

    minor: int
    points: int
    currency: str
    reward_id: int

    def of(self, points: int) -> int:
        """Minor units for some points, rounded up: a liability is not made smaller by rounding."""
        return -(-points * self.minor // self.points)


@dataclass(frozen=True)
class Breakage:
    """Of points whose time is over, the share that nobody spent: seen on so many lots, granting so many points."""

    share: Fraction
    lots: int
    points: int


@dataclass(frozen=True)
class Liability:
    """What a program owes. `outstanding` are points held, `pending` a part of them, `owed` what members owe.

    `money_minor` is null without a reward to price it. `expected_breakage` is the share applied to what is outstanding:
    points that will probably never be spent; null with too little history. `forgiven` points were written off so far.
    """

    at: datetime
    outstanding: int
    pending: int
    owed: int
    accounts: int
    forgiven: int
    debts_forgiven: int
    value: PointValue | None
    breakage: Breakage | None

    @property
    def money_minor(self) -> int | None:
        """All points outstanding at the dearest reward."""
        return self.value.of(self.outstanding) if self.value else None

    @property
    def expected_breakage(self) -> int | None:
        """Points of those outstanding that will probably not be spent, rounded down."""
        return int(self.outstanding * self.breakage.share) if self.breakage else None


_HELD_NOW = text(f"""
with held as (
    select l.account_id, sum(l.remaining) as points, sum(l.remaining) filter (where l.available_at > :at) as pending
    from lots l join balances b using (shop_id, program_id, account_id)
    where l.shop_id = :shop and l.program_id = :program and l.remaining > 0 and coalesce({_END} > :at, true)
    group by l.account_id
), forgiven as (
    select sum(e.points) as points, count(*) filter (where e.reason = 'debt_forgiven') as debts
    from lots l join ledger_entries e using (shop_id, program_id, account_id, source_kind, source_id)
    where l.shop_id = :shop and l.program_id = :program and l.source_kind = 'forgiven'
)
select coalesce(sum(points), 0)::bigint as outstanding, coalesce(sum(pending), 0)::bigint as pending,
       count(*) as accounts,
       (select coalesce(sum(points), 0)::bigint from lot_uses
        where shop_id = :shop and program_id = :program and lot_id = 0) as owed,
       (select coalesce(points, 0)::bigint from forgiven) as forgiven,
       (select debts from forgiven) as debts_forgiven
from held
""")  # noqa: S608 - a constant of this module
_VALUE = text("""
select value_minor as minor, points, currency, id as reward_id from rewards
where shop_id = :shop and program_id = :program and kind = 'amount_off'
order by active desc, value_minor::numeric / points desc, id limit 1
""")
_BREAKAGE = text("""
select count(*) as lots, coalesce(sum(l.granted), 0)::bigint as points,
       coalesce(sum(l.granted - coalesce(spent.points, 0)), 0)::bigint as broken
from lots l left join (
    select u.lot_id, sum(u.points) as points
    from lot_uses u left join redemptions r on u.source_kind = 'redemption' and r.shop_id = u.shop_id
        and r.id::text = u.source_id
    where u.shop_id = :shop and u.program_id = :program and u.lot_id <> 0 and u.source_kind <> 'expiry'
        and coalesce(r.created_at <= :at, true)
    group by u.lot_id
) spent on spent.lot_id = l.id
where l.shop_id = :shop and l.program_id = :program and l.granted > 0 and l.source_kind not in ('moved', 'forgiven')
    and case when l.expires_at is null then l.available_at <= :mature else l.expires_at <= :at end
""")


def liability(
    session: Session, shop_id: int, program_id: int, at: datetime | None = None, by: str = RECORDED
) -> Liability:
    """What the program owes now, or owed at an earlier instant by RECORDED or BUSINESS time.

    Earlier instants read every entry of the program once: seconds for tens of millions.
    """
    parameters: dict[str, Any] = {"shop": shop_id, "program": program_id, "at": at or clock.now()}
    row = _then(session, parameters, by) if at else session.execute(_HELD_NOW, parameters).one()
    value = session.execute(_VALUE, {"shop": shop_id, "program": program_id}).one_or_none()
    return Liability(
        at=parameters["at"],
        outstanding=row.outstanding,
        pending=row.pending,
        owed=row.owed,
        accounts=row.accounts,
        forgiven=row.forgiven,
        debts_forgiven=row.debts_forgiven,
        value=PointValue(**value._mapping) if value else None,
        breakage=breakage(session, shop_id, program_id, parameters["at"]),
    )


def breakage(session: Session, shop_id: int, program_id: int, at: datetime) -> Breakage | None:
    """The share of granted points that nobody spent, of lots that were over by then, or a year old without an end.

    It is what the shop's own history says of points when they are granted. Points that have survived so far break a
    little more often, so the estimate errs on the side of a greater liability. None below LEAST_LOTS observations.
    """
    parameters = {"shop": shop_id, "program": program_id, "at": at, "mature": at - MATURE}
    row = session.execute(_BREAKAGE, parameters).one()
    return Breakage(Fraction(row.broken, row.points), row.lots, row.points) if row.lots >= LEAST_LOTS else None


def _then(session: Session, parameters: dict[str, Any], by: str, narrowed: str = "") -> Any:
    if by not in {RECORDED, BUSINESS}:
        raise ValueError(f"entries have no {by}")
    return session.execute(text(_THEN.format(time=by, narrowed=narrowed)), parameters).one()


def _of(holder: Holder) -> dict[str, Any]:
    return {"shop": holder.shop_id, "program": holder.program_id, "account": holder.account_id}
