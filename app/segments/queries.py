"""Who is in a segment, since when and why, how that changed, and what a query would find: for pages and the API.

Read only. Customers are named by account and, but for guests, by Shopify's id; names and addresses are not here.
Clauses and values come as data (`evaluating.Reason`); how they are told is the page's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock
from app.errors import NotFound
from app.segments.checking import read
from app.segments.compiling import Calendar, compile_query
from app.segments.evaluating import Reason, holds, reasons
from app.segments.follow import calendar_of
from app.segments.models import Segment, SegmentDay, SegmentMember, SegmentProfile
from app.segments.service import checked, get
from app.segments.syntax import QueryError
from app.shops.models import Shop
from app.sql import Statement


@dataclass(frozen=True)
class Person:
    """A customer, or a guest (customer_id None). `since` is None in previews."""

    account_id: int
    customer_id: int | None
    since: datetime | None = None


@dataclass(frozen=True)
class Preview:
    """How many a query would have now, of how many there are, and some of them."""

    members: int
    everybody: int
    sample: tuple[Person, ...]


_COUNT = """
select count(*) as everybody, count(*) filter (where {condition}) as members
from segment_profiles p where p.shop_id = :shop
"""
# The first that are met: an order would mean another look at everybody.
_SAMPLE = """
select p.account_id, p.customer_id from segment_profiles p where p.shop_id = :shop and ({condition}) limit :most
"""


def preview(session: Session, shop_id: int, query: str, *, sample: int = 10) -> Preview:
    """What a query would find among the profiles as they are. Raises Invalid, with errors by line and column."""
    node = checked(query)
    condition = compile_query(node, _calendar(session, shop_id))
    session.execute(text("select set_config('jit', 'off', true)"))
    parameters = {"shop": shop_id, **condition.parameters}
    counted = session.execute(text(_COUNT.format(condition=condition.sql)), parameters).one()
    most = {"most": min(sample, counted.members)}
    found = session.execute(text(_SAMPLE.format(condition=condition.sql)), parameters | most)
    people = sorted((Person(*row) for row in found), key=lambda person: person.account_id)
    return Preview(counted.members, counted.everybody, tuple(people))


def members(session: Session, shop_id: int, segment_id: int, *, beyond: int = 0, limit: int = 50) -> Sequence[Person]:
    """Who is in a segment, in the order of accounts, after an account."""
    # Cut off before anybody is looked up: joined first, all profiles before `beyond` may be gone through.
    page = (
        select(SegmentMember.account_id, SegmentMember.since)
        .where(
            SegmentMember.shop_id == shop_id, SegmentMember.segment_id == segment_id, SegmentMember.account_id > beyond
        )
        .order_by(SegmentMember.account_id)
        .limit(limit)
        .subquery()
    )
    found = select(page.c.account_id, SegmentProfile.customer_id, page.c.since).join(
        SegmentProfile, (SegmentProfile.shop_id == shop_id) & (SegmentProfile.account_id == page.c.account_id)
    )
    return [Person(*row) for row in session.execute(found.order_by(page.c.account_id))]


@dataclass(frozen=True)
class Membership:
    """A segment somebody is in, since when, and the clauses of its query with the customer's own values.

    No reasons: the query is of a later version than this one.
    """

    segment: Segment
    since: datetime
    reasons: tuple[Reason, ...]


def of_account(session: Session, shop_id: int, account_id: int) -> list[Membership]:
    """The segments that an account is in, with the reasons. Two queries, however many."""
    found = session.execute(
        select(Segment, SegmentMember.since)
        .join(SegmentMember, (SegmentMember.shop_id == Segment.shop_id) & (SegmentMember.segment_id == Segment.id))
        .where(SegmentMember.shop_id == shop_id, SegmentMember.account_id == account_id)
        .order_by(Segment.id)
    ).all()
    profile = profile_of(session, shop_id, account_id)
    if profile is None:
        return []
    calendar = _calendar(session, shop_id)
    return [Membership(one, since, _reasons(one, profile, calendar)) for one, since in found]


_NAMES = Statement("""
select s.name from segment_members m join segments s on s.shop_id = m.shop_id and s.id = m.segment_id
where m.shop_id = :shop and m.account_id = :account order by s.id
""")


def names_of(session: Session, shop_id: int, account_id: int) -> Sequence[str]:
    """The names of the segments that an account is in."""
    return [row.name for row in _NAMES.run(session, shop=shop_id, account=account_id)]


def _reasons(segment: Segment, profile: dict[str, Any], calendar: Calendar) -> tuple[Reason, ...]:
    try:
        return reasons(read(segment.query), profile, calendar)
    except QueryError:
        return ()  # written by a later version that knows more


@dataclass(frozen=True)
class Explanation:
    """Whether an account fits a query by its profile now, and each clause with whether it holds by itself."""

    fits: bool
    reasons: tuple[Reason, ...]


def explain(session: Session, shop_id: int, segment_id: int, account_id: int) -> Explanation:
    """Why an account is in a segment, or why it is not. Raises NotFound for a segment or account without a profile."""
    segment, profile = get(session, shop_id, segment_id), profile_of(session, shop_id, account_id)
    if profile is None:
        raise NotFound("Nothing is known of this customer, or no longer.")
    node, calendar = checked(segment.query), _calendar(session, shop_id)
    return Explanation(holds(node, profile, calendar), reasons(node, profile, calendar))


def profile_of(session: Session, shop_id: int, account_id: int) -> dict[str, Any] | None:
    """What queries may ask of an account, by the columns of `segment_profiles`; None for nobody."""
    row = session.get(SegmentProfile, (shop_id, account_id))
    return None if row is None else {column.key: getattr(row, column.key) for column in row.__mapper__.columns}


def _calendar(session: Session, shop_id: int) -> Calendar:
    return calendar_of(session.get_one(Shop, shop_id), clock.now())


@dataclass(frozen=True)
class Day:
    """A day of the shop: how many there were at its end (None: not yet counted), who entered and left on it."""

    day: date
    members: int | None
    entered: int
    left: int


_BEFORE = text("""
select members from segment_days where shop_id = :shop and segment_id = :segment and day < :first
order by day desc limit 1
""")


def history(session: Session, shop_id: int, segment_id: int, *, days: int = 30) -> list[Day]:
    """The last days, oldest first, today as it is so far."""
    today = _calendar(session, shop_id).today
    first = today - timedelta(days=days - 1)
    held = select(SegmentDay).where(
        SegmentDay.shop_id == shop_id, SegmentDay.segment_id == segment_id, SegmentDay.day >= first
    )
    by_day = {row.day: row for row in session.scalars(held)}
    count = session.execute(_BEFORE, {"shop": shop_id, "segment": segment_id, "first": first}).scalar()
    shown = []
    for n in range(days):
        day = first + timedelta(days=n)
        row = by_day.get(day)
        count = row.members if row else count
        shown.append(Day(day, count, row.entered if row else 0, row.gone if row else 0))
    return shown


@dataclass(frozen=True)
class Transition:
    """That somebody entered a segment or left it; numbers of a shop follow each other without gaps."""

    number: int
    segment_id: int
    account_id: int
    customer_id: int | None
    entered: bool
    at: datetime


_TRANSITIONS = """
select t.number, t.segment_id, t.account_id, p.customer_id, t.entered, t.at
from segment_transitions t left join segment_profiles p on p.shop_id = t.shop_id and p.account_id = t.account_id
where t.shop_id = :shop and t.number > :beyond {more}
order by t.number limit :most
"""


def transitions(
    session: Session,
    shop_id: int,
    *,
    beyond: int = 0,
    limit: int = 50,
    segment_id: int | None = None,
    account_id: int | None = None,
) -> list[Transition]:
    """Transitions after a number, oldest first; of one segment or one account if asked for."""
    given = {"segment_id": segment_id, "account_id": account_id}
    asked = {name: value for name, value in given.items() if value is not None}
    more = "".join(f" and t.{name} = :{name}" for name in asked)
    parameters = {"shop": shop_id, "beyond": beyond, "most": limit, **asked}
    rows = session.execute(text(_TRANSITIONS.format(more=more)), parameters)
    return [Transition(*row) for row in rows]
