"""What an account's orders add up to. Recomputed from the orders, never counted up, so that it converges like them.

Counted are paid orders that are neither test nor cancelled nor deleted; spent is their total after refunds. What
customers bought before our record of orders begins is Shopify's figure at the import less the orders of then that are
here, as they were then; an order of then that is refunded later lowers it here.
"""

from collections.abc import Collection, Iterable

from sqlalchemy.orm import Session

from app.changes import Key
from app.segments import dirty
from app.sql import Statement, keys

# Account by account along indexes; each condition is one that an index of PostgreSQL 15 answers.
_RECOMPUTE = Statement("""
insert into account_totals (shop_id, account_id, orders, spent_minor, lifetime_orders, lifetime_spent_minor,
                            history_known, first_order_at, last_order_at)
select k.shop_id, k.id, ours.orders, ours.spent, ours.orders + coalesce(before.orders, 0),
       ours.spent + coalesce(before.spent, 0), coalesce(before.known, true),
       case when coalesce(before.known and before.orders = 0, true) then ours.first_at end, ours.last_at
from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
join shops s on s.id = k.shop_id
cross join lateral (
    select count(*) as orders, coalesce(sum(o.current_total_minor), 0) as spent,
           min(coalesce(o.processed_at, o.created_at)) as first_at,
           max(coalesce(o.processed_at, o.created_at)) as last_at
    from orders o
    where o.shop_id = k.shop_id and o.account_id = k.id and o.paid and not o.test
        and o.cancelled_at is null and o.deleted_at is null and o.updated_at is not null
) ours
left join lateral (
    -- Nobody to ask for: guests have no count, customers from before us none until it was read.
    select coalesce(sum(greatest(c.imported_orders - held.orders, 0)), 0) as orders,
           coalesce(sum(greatest(c.imported_spent_minor - held.spent, 0)), 0) as spent,
           count(c.id) > 0 and not bool_or(c.imported_orders is null and c.merged_into is null
               and c.deleted_at is null and (c.created_at is null or c.created_at < s.orders_complete_from)) as known
    from (
        select k.id union all select a.id from accounts a where a.shop_id = k.shop_id and a.merged_into = k.id
    ) a
    -- By their keys, one account at a time: a join took all of the shop while statistics were not there yet.
    cross join lateral (
        select i.value from identities i
        where i.shop_id = k.shop_id and i.account_id = a.id and i.kind = 'customer' offset 0
    ) i
    left join lateral (
        select c.* from customers c where c.shop_id = k.shop_id and c.id = cast(i.value as bigint) limit 1
    ) c on true
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
) before on s.orders_complete_from is not null
order by k.shop_id, k.id
on conflict (shop_id, account_id) do update set orders = excluded.orders, spent_minor = excluded.spent_minor,
    lifetime_orders = excluded.lifetime_orders, lifetime_spent_minor = excluded.lifetime_spent_minor,
    history_known = excluded.history_known, first_order_at = excluded.first_order_at,
    last_order_at = excluded.last_order_at
""")


def recompute(session: Session, accounts: Iterable[Key]) -> None:
    """Bring the totals of these accounts up to date, and have their segments looked at."""
    wanted = set(accounts)
    compute(session, wanted)
    dirty.note_accounts(session, wanted)


def compute(session: Session, accounts: Collection[Key]) -> None:
    """Bring the totals of these accounts up to date, where segments look at everybody afterwards: at an import."""
    if accounts:
        _RECOMPUTE.run(session, keys=keys(accounts))
