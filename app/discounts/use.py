"""Seeing that our codes were used. Called by `app.reactions` with the orders that changed, in their transaction.

The rule: the first order we hear of that carries one of our codes has used it, for good (of several heard of at once
the earliest in business time). Cancelling,
refunding or deleting that order does not make the code unused, as it does not at Shopify either; what a merchant wants
to give back then is an adjustment.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from app.changes import Key
from app.discounts.models import DiscountCode
from app.discounts.outcomes import owner
from app.sql import Statement, keys

_SEEN = Statement("""
select distinct on (d.shop_id, d.code)
       d.shop_id, d.code, o.id as order_id, coalesce(o.processed_at, o.created_at, o.updated_at) as used_at
from jsonb_to_recordset(cast(:orders as jsonb)) as k(shop_id bigint, id bigint)
join orders o using (shop_id, id)
join order_codes c on c.shop_id = o.shop_id and c.order_id = o.id
join discount_codes d on d.shop_id = c.shop_id and d.code = c.code
where d.used_order_id is null
order by d.shop_id, d.code, used_at, o.id
""")


def record_uses(session: Session, orders: Iterable[Key]) -> int:
    """Mark those of our codes that these orders carry as used, with what they were made for. Returns how many."""
    seen = _SEEN.run(session, orders=keys(orders))
    return sum(_record(session, sight) for sight in seen)


def _record(session: Session, sight: Any) -> bool:
    key = (sight.shop_id, sight.code)
    row = session.get(DiscountCode, key, with_for_update=True, populate_existing=True)
    if row is None or row.used_order_id is not None:
        return False  # another worker saw it at the same moment
    row.state, row.used_order_id, row.used_at, row.due_at = "used", sight.order_id, sight.used_at, None
    session.flush()
    owner(row).used(session, row.shop_id, [row.intent_id], sight.used_at)
    return True
