"""Points that return because the order that a reward paid for was given back. Called by `app.reactions`.

What has returned of a redemption is a target like any other: floor(its points × the share of the order's goods that was
given back), all of them when the order was cancelled or deleted. It follows from the projections alone, so any split of
a refund returns what one refund would, and an order that grows again takes points again. The use stands: the code is
not made anew.

The share is of goods after discounts. Where the reward had paid for all of them, it is one of list prices.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.changes import Key
from app.loyalty import redemption_points
from app.loyalty.ledger import Holder
from app.loyalty.redemption_points import PURPOSE, Change
from app.sql import keys, rows

_USED = text("""
select r.shop_id, r.program_id, r.account_id
from jsonb_to_recordset(cast(:orders as jsonb)) as k(shop_id bigint, id bigint)
join discount_codes d on d.shop_id = k.shop_id and d.used_order_id = k.id and d.purpose = :purpose
join redemptions r on r.shop_id = d.shop_id and r.code = d.code
""")
# Locks the redemptions, whose balances are locked already.
_STATE = text("""
select r.shop_id, r.id, r.program_id, r.account_id, r.points, r.returned, p.return_days, s.timezone,
       coalesce(o.updated_at, o.deleted_at) as changed_at,
       o.cancelled_at is not null or o.deleted_at is not null as gone,
       o.subtotal_minor as whole, greatest(o.current_subtotal_minor - coalesce(f.taken, 0), 0) as rest,
       l.whole as whole_list, l.rest as rest_list
from jsonb_to_recordset(cast(:orders as jsonb)) as k(shop_id bigint, id bigint)
join discount_codes d on d.shop_id = k.shop_id and d.used_order_id = k.id and d.purpose = :purpose
join redemptions r on r.shop_id = d.shop_id and r.code = d.code
join programs p on p.shop_id = r.shop_id and p.id = r.program_id
join shops s on s.id = r.shop_id
join orders o on o.shop_id = k.shop_id and o.id = k.id
left join lateral (
    -- As the fold counts goods: a refund that the snapshot lists has already lowered its subtotal.
    select sum(f.loose_minor + case when f.id = any(o.listed_refunds) then 0 else f.lines_minor end) as taken
    from refunds f where f.shop_id = o.shop_id and f.order_id = o.id
) f on true
left join lateral (
    select sum(l.price_minor * l.quantity) as whole,
           sum(l.price_minor * greatest(l.current_quantity - coalesce(b.quantity, 0), 0)) as rest
    from order_lines l
    left join lateral (
        select sum(x.quantity) as quantity
        from refunds f join refund_lines x on x.shop_id = f.shop_id and x.refund_id = f.id and x.line_id = l.id
        where f.shop_id = o.shop_id and f.order_id = o.id and f.id <> all(o.listed_refunds)
    ) b on true
    where l.shop_id = o.shop_id and l.order_id = o.id
) l on true
where r.state = 'used' and r.returnable
order by r.shop_id, r.id
for update of r
""")
_RETURNED = text("""
update redemptions r set returned = k.returned
from jsonb_to_recordset(cast(:rows as jsonb)) as k(shop_id bigint, id uuid, returned bigint)
where r.shop_id = k.shop_id and r.id = k.id
""")


def settle(session: Session, orders: Iterable[Key]) -> int:
    """Bring what has returned of the rewards used on these orders to its target; returns how many changed."""
    parameters = {"orders": keys(orders), "purpose": PURPOSE}
    holders = {Holder(row.shop_id, row.program_id, row.account_id) for row in session.execute(_USED, parameters)}
    if not holders:
        return 0
    redemption_points.lock(session, holders)
    return _bring(session, session.execute(_STATE, parameters).all())


def _bring(session: Session, found: Sequence[Any]) -> int:
    targets = [(row, target) for row in found if (target := _target(row)) != row.returned]
    redemption_points.post(session, [_change(row, target - row.returned) for row, target in targets])
    if targets:
        moved = [{"shop_id": row.shop_id, "id": str(row.id), "returned": target} for row, target in targets]
        session.execute(_RETURNED, {"rows": rows(moved)})
    return len(targets)


def _target(row: Any) -> int:
    """Points of a redemption that should have returned; never fewer than none, never more than all."""
    if row.gone:
        return int(row.points)
    whole, rest = (row.whole, row.rest) if row.whole > 0 else (row.whole_list or 0, row.rest_list or 0)
    given_back = max(int(whole) - int(rest), 0)
    return int(row.points) * given_back // int(whole) if whole else 0


def _change(row: Any, points: int) -> Change:
    return Change(
        holder=Holder(row.shop_id, row.program_id, row.account_id),
        redemption_id=str(row.id),
        points=points,
        reason="spent_returned" if points > 0 else "redeemed",
        business_at=row.changed_at,
        keep_until=redemption_points.keep_until(clock.now(), row.return_days, row.timezone),
    )
