"""The segments that every shop starts with. Ordinary rows: merchants rename, change and delete them like their own."""

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import clock
from app.money import exponent
from app.segments.models import Segment, SegmentShop
from app.shops.models import Shop

# What a VIP has spent, in whole units of a currency with decimals; of others a hundred times as much.
_VIP = 500


def first_segments(currency: str) -> tuple[tuple[str, str, str], ...]:
    """Key, English name and query of each."""
    spent = _VIP if exponent(currency) else 100 * _VIP
    return (
        ("new_customers", "New customers", "customer_added_date >= -30d AND number_of_orders <= 1"),
        ("regulars", "Regulars", "number_of_orders >= 3 AND last_order_date >= -365d"),
        ("vip", "VIP by spend", f"amount_spent >= {spent}"),
        ("at_risk", "At risk", "at_risk_date <= today AND last_order_date >= -365d"),
        ("lapsed", "Lapsed", "last_order_date < -365d"),
        ("members", "Members", "loyalty_member = true"),
        ("subscribers", "Subscribers", "email_subscription_status = 'SUBSCRIBED'"),
    )


def begin(session: Session, shop: Shop) -> bool:
    """Give a shop its first segments, once; who is in them is looked for by the next step. False: it has begun.

    A shop whose file was taken in has segments already, and gets no others.
    """
    now = clock.now()
    row = insert(SegmentShop).values(shop_id=shop.id, last_number=0, due_at=now)
    if session.execute(row.on_conflict_do_nothing().returning(SegmentShop.shop_id)).scalar() is None:
        return False
    if session.scalar(select(exists().where(Segment.shop_id == shop.id))):
        return True
    for key, name, query in first_segments(shop.currency):
        session.add(Segment(shop_id=shop.id, key=key, name=name, query=query, created_at=now, updated_at=now))
        # One after the other, so that they are listed in this order.
        session.flush()
    return True
