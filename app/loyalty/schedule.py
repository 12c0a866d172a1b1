"""Points by month, as deferred revenue is kept: issued, taken back, redeemed, returned, expired, what was left.

Months are the shop's, in its time zone. Each month's `outstanding` is what members held at its end, so that
outstanding = outstanding before + issued - taken back - redeemed + returned - expired + forgiven - what was owed
before + what is owed. By BUSINESS time an expiry at the end of a month's last day belongs to the month that begins.
Reads only; called by the API.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.loyalty.dates import plus_months, start_of
from app.loyalty.standing import BUSINESS, RECORDED


@dataclass(frozen=True)
class Month:
    """Points of one month; `expired` net of what expiries gave up, `owed` and `outstanding` at its end."""

    first_day: date
    issued: int
    taken_back: int
    redeemed: int
    returned: int
    expired: int
    forgiven: int
    owed: int
    outstanding: int


# Month 0 is everything before the first. What moves to another account is issued there and taken from here: no news.
_FLOWS = """
with entry as (
    select account_id, width_bucket({time}, cast(:starts as timestamptz[])) as month, source_kind as kind, points,
           source_kind not in ('redemption', 'import_spent', 'moved_spending', 'expiry', 'forgiven', 'moved') as earned,
           source_kind in ('redemption', 'import_spent') as spent, reason in ('order_moved', 'action_moved') as moved
    from ledger_entries
    where shop_id = :shop and program_id = :program and {time} < :until
), flow as (
    select month, sum(points)::bigint as net,
           coalesce(sum(points) filter (where earned and (points > 0 or moved)), 0)::bigint as issued,
           coalesce(-sum(points) filter (where earned and points < 0 and not moved), 0)::bigint as taken_back,
           coalesce(-sum(points) filter (where spent and points < 0), 0)::bigint as redeemed,
           coalesce(sum(points) filter (where spent and points > 0), 0)::bigint as returned,
           coalesce(-sum(points) filter (where kind = 'expiry'), 0)::bigint as expired,
           coalesce(sum(points) filter (where kind = 'forgiven'), 0)::bigint as forgiven
    from entry group by month
), standing as (
    select month, sum(points) as points, sum(sum(points)) over (partition by account_id order by month) as total
    from entry group by account_id, month
), debt as (
    select month, sum(greatest(-total, 0) - greatest(points - total, 0))::bigint as more from standing group by month
)
select flow.*, debt.more as more_owed from flow join debt using (month) order by month
"""


def schedule(
    session: Session,
    shop_id: int,
    program_id: int,
    *,
    first: date,
    months: int,
    zone: ZoneInfo,
    by: str = BUSINESS,
) -> list[Month]:
    """So many months from the one of a day on; reads every entry until then once."""
    if by not in {RECORDED, BUSINESS}:
        raise ValueError(f"entries have no {by}")
    days = [plus_months(first.replace(day=1), number) for number in range(months + 1)]
    starts = [start_of(day, zone) for day in days]
    parameters = {"shop": shop_id, "program": program_id, "starts": starts[:-1], "until": starts[-1]}
    flows = {row.month: row for row in session.execute(text(_FLOWS.format(time=by)), parameters)}
    return _running(days[:-1], flows)


def _running(days: Sequence[date], flows: Mapping[int, Any]) -> list[Month]:
    net = owed = 0
    found = []
    for number, day in enumerate([None, *days]):
        flow = flows.get(number)
        net += getattr(flow, "net", 0)
        owed += getattr(flow, "more_owed", 0)
        if day is not None:
            names = ("issued", "taken_back", "redeemed", "returned", "expired", "forgiven")
            sums = {name: getattr(flow, name, 0) for name in names}
            found.append(Month(first_day=day, **sums, owed=owed, outstanding=net + owed))
    return found
