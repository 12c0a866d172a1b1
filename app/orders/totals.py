"""What an account's orders add up to. Recomputed from the orders, never counted up, so that it converges like them.

Counted are paid orders that are neither test nor cancelled nor deleted; spent is their total after refunds. What
customers bought before our record of orders begins is Shopify's figure at the import less the orders of then that are
here, as they were then; an order of then that is refunded later lowers it here.
"""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from app.changes import Key
from app.sql import Statement, keys

_RECOMPUTE = Statement("""
with wanted as (
    select k.shop_id, k.id, s.orders_complete_from
    from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint) join shops s on s.id = k.shop_id
), before as (
    -- Nobody to ask for: guests have no count, customers from before us none until it was read.
    select w.shop_id, w.id,
           coalesce(sum(greatest(c.imported_orders - held.orders, 0)), 0) as orders,
           coalesce(sum(greatest(c.imported_spent_minor - held.spent, 0)), 0) as spent,
           count(c.id) > 0 and not bool_or(i.value is not null and c.imported_orders is null and c.merged_into is null
               and c.deleted_at is null and (c.created_at is null or c.created_at < w.orders_complete_from)) as known
    from wanted w
    left join accounts a on a.shop_id = w.shop_id and (a.id = w.id or a.merged_into = w.id)
    left join identities i on i.shop_id = a.shop_id and i.account_id = a.id and i.kind = 'customer'
    left join customers c on c.shop_id = i.shop_id and c.id = cast(i.value as bigint)
    left join lateral (
        select count(*) as orders,
               coalesce(sum(o.current_total_minor + later.refunded) filter (where o.paid), 0) as spent
        from orders o left join lateral (
            select coalesce(sum(f.lines_minor + f.shipping_minor), 0) as refunded from refunds f
            where f.shop_id = o.shop_id and f.order_id = o.id and f.created_at > c.imported_at
        ) later on true
        where o.shop_id = c.shop_id and o.customer_id = c.id and not o.test
            and coalesce(o.processed_at, o.created_at) <= c.imported_at
    ) held on c.imported_orders is not null
    where w.orders_complete_from is not null
    group by w.shop_id, w.id
), ours as (
    select w.shop_id, w.id, count(o.id) as orders, coalesce(sum(o.current_total_minor), 0) as spent,
           min(coalesce(o.processed_at, o.created_at)) as first_at,
           max(coalesce(o.processed_at, o.created_at)) as last_at
    from wanted w
    left join orders o on o.shop_id = w.shop_id and o.account_id = w.id and o.paid and not o.test
        and o.cancelled_at is null and o.deleted_at is null and o.updated_at is not null
    group by w.shop_id, w.id
)
insert into account_totals (shop_id, account_id, orders, spent_minor, lifetime_orders, lifetime_spent_minor,
                            history_known, first_order_at, last_order_at)
select shop_id, id, ours.orders, ours.spent, ours.orders + coalesce(before.orders, 0),
       ours.spent + coalesce(before.spent, 0), coalesce(before.known, true),
       case when coalesce(before.known and before.orders = 0, true) then ours.first_at end, ours.last_at
from ours left join before using (shop_id, id) order by shop_id, id
on conflict (shop_id, account_id) do update set orders = excluded.orders, spent_minor = excluded.spent_minor,
    lifetime_orders = excluded.lifetime_orders, lifetime_spent_minor = excluded.lifetime_spent_minor,
    history_known = excluded.history_known, first_order_at = excluded.first_order_at,
    last_order_at = excluded.last_order_at
""")


def recompute(session: Session, accounts: Iterable[Key]) -> None:
    """Bring the totals of these accounts up to date."""
    wanted = set(accounts)
    if wanted:
        _RECOMPUTE.run(session, keys=keys(wanted))
