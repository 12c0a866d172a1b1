"""Seeing that our codes were used. Called by `app.reactions` with the orders that changed, in their transaction.

The rule: the first order (by business time, then id) that carries one of our codes has used it, for good. Cancelling,
refunding or deleting that order does not make the code unused, as it does not at Shopify either; what a merchant wants
to give back then is an adjustment.
"""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.discounts.models import DiscountCode
from app.discounts.outcomes import owner

_SEEN = text("""
select distinct on (d.code) d.code, o.id as order_id, coalesce(o.processed_at, o.created_at, o.updated_at) as used_at
from order_codes c
join discount_codes d on d.shop_id = c.shop_id and d.code = c.code
join orders o on o.shop_id = c.shop_id and o.id = c.order_id
where c.shop_id = :shop_id and c.order_id = any(:order_ids) and d.used_order_id is null
order by d.code, used_at, o.id
""")


def record_uses(session: Session, shop_id: int, order_ids: Iterable[int]) -> int:
    """Mark those of our codes that these orders carry as used, with what they were made for. Returns how many."""
    seen = session.execute(_SEEN, {"shop_id": shop_id, "order_ids": sorted(set(order_ids))}).all()
    used = 0
    for sight in seen:
        row = session.get(DiscountCode, (shop_id, sight.code), with_for_update=True, populate_existing=True)
        if row is None or row.used_order_id is not None:
            continue
        row.state, row.used_order_id, row.used_at, row.due_at = "used", sight.order_id, sight.used_at, None
        session.flush()
        owner(row).used(session, shop_id, [row.intent_id], sight.used_at)
        used += 1
    return used
