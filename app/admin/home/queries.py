"""The figures of the home: sixty days, day by day, and what there is now. Counted by SQL, as one document.

Called by `app.admin.figures`, which keeps those of a large shop. Days are days of the shop's zone; money is in minor
units, after refunds.
"""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.loyalty.dates import day_of
from app.loyalty.programs import zone_of
from app.shops.models import Shop

DAYS = 30
# What is counted of each day.
SERIES = ("orders", "sales", "returning", "members", "given", "redeemed", "codes")

_ORDERS = text("""
select cast(o.processed_at at time zone :zone as date) as day, count(*) as orders,
       sum(o.current_subtotal_minor)::bigint as sales,
       count(*) filter (where t.first_order_at < o.processed_at) as returning
from orders o left join account_totals t on t.shop_id = o.shop_id and t.account_id = o.account_id
where o.shop_id = :shop and o.processed_at >= :since and o.paid and not o.test
    and o.deleted_at is null and o.cancelled_at is null
group by 1
""")
_POINTS = text("""
with earlier as (
    -- Ids follow the time of writing, so that what is older need not be looked at.
    select coalesce((select id from ledger_entries where shop_id = :shop and recorded_at < :since
                     order by id desc limit 1), 0) as id
)
select cast(e.business_at at time zone :zone as date) as day,
       coalesce(sum(e.points) filter (where e.source_kind in ('order', 'action', 'referral')), 0)::bigint as given,
       coalesce(-sum(e.points) filter (where e.source_kind = 'redemption'), 0)::bigint as redeemed
from ledger_entries e
where e.shop_id = :shop and e.id > (select id from earlier) and e.business_at >= :since
group by 1
""")
_MEMBERS = text("""
select cast(created_at at time zone :zone as date) as day, count(*) as members
from accounts where shop_id = :shop and created_at >= :since and merged_into is null group by 1
""")
_CODES = text("""
select cast(used_at at time zone :zone as date) as day, count(*) as codes
from discount_codes where shop_id = :shop and used_at >= :since group by 1
""")
_NOW = text("""
select (select count(*) from accounts where shop_id = :shop and merged_into is null) as members,
       (select coalesce(sum(points), 0)::bigint from balances where shop_id = :shop) as points
""")


def counted(session: Session, shop: Shop) -> dict[str, Any]:
    """{"days": the sixty days, "series": {name: numbers by day}, "now": {members, points}}"""
    zone = zone_of(shop.timezone)
    today = day_of(clock.now(), zone)
    days = [today - timedelta(days=back) for back in range(2 * DAYS - 1, -1, -1)]
    parameters = {"shop": shop.id, "zone": zone.key, "since": _begin(days[0], zone)}
    numbers = {name: dict.fromkeys(days, 0) for name in SERIES}
    for statement in (_ORDERS, _POINTS, _MEMBERS, _CODES):
        for row in session.execute(statement, parameters).mappings():
            for name in SERIES:
                if name in row and row["day"] in numbers[name]:
                    numbers[name][row["day"]] = int(row[name])
    now = session.execute(_NOW, {"shop": shop.id}).one()
    return {
        "days": [day.isoformat() for day in days],
        "series": {name: list(by_day.values()) for name, by_day in numbers.items()},
        "now": {"members": now.members, "points": now.points},
    }


def _begin(day: Any, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
