"""What Shopify counts of a customer: orders and money of a lifetime, from before our own record of orders begins.

The import of history notes the figures of all customers. Before it, and for those it missed, they are read when a rule
has to number the orders of somebody who was there before us. The oldest figures stay: later ones would say the same.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from app import jobs
from app.changes import Changes, Key
from app.customers import accounts
from app.sql import Statement, keys, rows


class Figures(NamedTuple):
    """Orders (test orders are not among them) and what was spent on them less refunds, as counted at an instant."""

    customer_id: int
    orders: int
    spent_minor: int
    at: datetime


_NOTE = Statement("""
insert into customers as c (shop_id, id, imported_orders, imported_spent_minor, imported_at)
select distinct on (customer_id) cast(:shop_id as bigint), customer_id, orders, spent_minor, at
from jsonb_to_recordset(cast(:rows as jsonb))
    as r(customer_id bigint, orders bigint, spent_minor bigint, at timestamptz)
order by customer_id, at
on conflict (shop_id, id) do update set imported_orders = excluded.imported_orders,
    imported_spent_minor = excluded.imported_spent_minor, imported_at = excluded.imported_at
where c.imported_at is null or excluded.imported_at < c.imported_at
returning c.id
""")


def note_figures(session: Session, shop_id: int, figures: Iterable[Figures]) -> Changes:
    """Keep figures of customers; what is returned has to be reacted to, as totals and points follow from them."""
    values = rows(item._asdict() for item in figures)
    noted = {(shop_id, row.id) for row in _NOTE.run(session, rows=values, shop_id=shop_id)}
    owners = accounts.accounts_of_customers(session, noted)
    return Changes(accounts={(shop_id, account_id) for account_id in owners.values()})


_WITH_ORDERS = Statement("""
select k.shop_id, k.id
from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
join shops s on s.id = k.shop_id and s.orders_complete_from is not null
where exists (select 1 from orders o where o.shop_id = k.shop_id and o.account_id = k.id)
""")


def with_orders(session: Session, owners: Iterable[Key]) -> set[Key]:
    """Those of these accounts that have orders, in shops where it matters since when a customer is one."""
    wanted = keys(owners)
    return {(row.shop_id, row.id) for row in _WITH_ORDERS.run(session, keys=wanted)} if wanted != "[]" else set()


_UNCOUNTED = Statement("""
select distinct o.shop_id, o.customer_id as id
from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
join orders o using (shop_id, id)
join shops s on s.id = o.shop_id
left join customers c on c.shop_id = o.shop_id and c.id = o.customer_id
where s.orders_complete_from is not null and o.customer_id is not null
    and c.imported_at is null and c.merged_into is null and c.deleted_at is null
    and (c.created_at is null or c.created_at < s.orders_complete_from)
    and exists (select 1 from rule_versions v
                where v.shop_id = o.shop_id
                    and v.rules @? '$ ? (@.earning[*].kind == "nth_order" || exists(@.referral.*))')
""")


def want_figures(session: Session, orders: Iterable[Key]) -> None:
    """Have the figures of these orders' customers read where a rule counts orders and the first ones are not here."""
    touched = keys(orders)
    if touched == "[]":
        return
    planned = [
        jobs.Planned(
            "customers.read_figures",
            {"shop_id": row.shop_id, "customer_id": row.id},
            queueing_lock=f"customers.read_figures:{row.shop_id}:{row.id}",
        )
        for row in _UNCOUNTED.run(session, keys=touched)
    ]
    jobs.enqueue_all(session, planned)
