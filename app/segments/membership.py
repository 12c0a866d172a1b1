"""Who is in a segment: brought to what its query says of the profiles, for some accounts or for everybody.

One statement a segment, the same for a step and for everything, so that both end the same. The caller holds the lock of
the shop's `segment_shops` row: numbers of transitions have no gaps.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.segments.compiling import Condition
from app.segments.days import Crossing
from app.segments.models import Segment, SegmentShop
from app.segments.profiles import Scope

_TELL = """
, told as (
    insert into segment_transitions (shop_id, number, segment_id, account_id, entered, at)
    select :shop, :last + row_number() over (order by account_id), :segment, account_id, entered, :now from moved
)
"""
_BRING = """
with fits as materialized (
    select p.account_id from segment_profiles p where p.shop_id = :shop and {profiles} and ({condition})
), entered as (
    insert into segment_members (shop_id, segment_id, account_id, since)
    select :shop, :segment, f.account_id, :now from fits f
    where not exists (select from segment_members m
                      where m.shop_id = :shop and m.segment_id = :segment and m.account_id = f.account_id)
    order by f.account_id
    returning account_id
), gone as (
    delete from segment_members m
    where m.shop_id = :shop and m.segment_id = :segment and {members}
        and not exists (select from fits f where f.account_id = m.account_id)
    returning account_id
), moved as (
    select account_id, true as entered from entered union all select account_id, false from gone
) {tell}
select count(*) filter (where entered) as entered, count(*) filter (where not entered) as gone from moved
"""
_HOW_MANY = text("select count(*) from segment_members where shop_id = :shop and segment_id = :segment")


@dataclass(frozen=True)
class Moved:
    """How many entered a segment and how many left it."""

    entered: int
    left: int


def bring(
    session: Session,
    shop: SegmentShop,
    segment: Segment,
    condition: Condition,
    scope: Scope,
    now: datetime,
    *,
    told: bool,
) -> Moved:
    """Members among `scope` become those that fit; `told`: as numbered transitions."""
    statement = _BRING.format(
        profiles=scope.sql("p.account_id"),
        members=scope.sql("m.account_id"),
        condition=condition.sql,
        tell=_TELL if told else "",
    )
    parameters: dict[str, Any] = {"shop": shop.shop_id, "segment": segment.id}
    more = {"now": now, **({"last": shop.last_number} if told else {}), **scope.parameters, **condition.parameters}
    row = session.execute(text(statement), parameters | more).one()
    if told:
        shop.last_number += row.entered + row.gone
    if scope.accounts is None:
        segment.members = session.execute(_HOW_MANY, parameters).scalar_one()
    else:
        segment.members = (segment.members or 0) + row.entered - row.gone
    return Moved(row.entered, row.gone)


_CROSSED = """
select account_id from segment_profiles
where shop_id = :shop and {column} >= :since{n} and {column} < :until{n}
"""


def crossed(session: Session, shop_id: int, crossings: Iterable[Crossing]) -> set[int]:
    """The accounts that these movements of days can concern, along one index for each."""
    ranges = list(crossings)
    if not ranges:
        return set()
    parts: list[str] = []
    parameters: dict[str, Any] = {"shop": shop_id}
    for n, crossing in enumerate(ranges):
        parts.append(_CROSSED.format(column=crossing.column, n=n))
        parameters |= {f"since{n}": crossing.since, f"until{n}": crossing.until}
    return set(session.execute(text(" union ".join(parts)), parameters).scalars())


_COUNT = text("""
insert into segment_days as d (shop_id, segment_id, day, members, entered, gone)
values (:shop, :segment, :day, :members, :entered, :gone)
on conflict (shop_id, segment_id, day) do update
    set members = excluded.members, entered = d.entered + excluded.entered, gone = d.gone + excluded.gone
""")


def count(session: Session, segment: Segment, day: date, moved: Moved) -> None:
    """Note for the day how many there are now, and how many more came and went."""
    session.execute(
        _COUNT,
        {
            "shop": segment.shop_id,
            "segment": segment.id,
            "day": day,
            "members": segment.members,
            "entered": moved.entered,
            "gone": moved.left,
        },
    )
