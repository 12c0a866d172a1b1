"""What the tests of webhooks compare: everything that must end equal, without what may differ (ids we made, clocks)."""

from typing import Any

from sqlalchemy import text

from app.runtime import Runtime

_STATE = {
    "orders": """select o.id, o.financial_status, o.current_subtotal_minor, o.paid, o.cancelled_at, o.deleted_at,
        o.updated_at, o.email, o.customer_id, o.listed_refunds, encode(o.digest, 'hex') as digest
        from orders o order by o.id""",
    "refunds": "select id, order_id, lines_minor, loose_minor from refunds order by id",
    "customers": """select id, email, verified_email, updated_at, email_consent, sms_consent, deleted_at is null,
        merged_into from customers order by id""",
    "sources": """select coalesce(i.kind || ':' || i.value, '?') as who, e.source_kind,
        sum(e.points)::bigint as points
        from ledger_entries e left join lateral (
            select kind, value from identities i where i.shop_id = e.shop_id and i.account_id = e.account_id
            order by kind, value limit 1) i on true
        where e.source_kind = 'order' group by 1, 2, e.source_id having sum(e.points) <> 0 order by 1, 2, 3""",
    "balances": """select coalesce(i.kind || ':' || i.value, '?') as who, b.points, b.lifetime
        from balances b left join lateral (
            select kind, value from identities i where i.shop_id = b.shop_id and i.account_id = b.account_id
            order by kind, value limit 1) i on true
        where b.points <> 0 or b.lifetime <> 0 order by 1""",
    "lots": """select coalesce(i.kind || ':' || i.value, '?') as who, l.source_id, l.granted, l.remaining
        from lots l left join lateral (
            select kind, value from identities i where i.shop_id = l.shop_id and i.account_id = l.account_id
            order by kind, value limit 1) i on true
        where l.granted <> 0 order by 1, 2""",
    "totals": """select i.value, t.orders, t.spent_minor, t.first_order_at, t.last_order_at
        from account_totals t join lateral (
            select value from identities i where i.shop_id = t.shop_id and i.account_id = t.account_id
            order by kind, value limit 1) i on true
        where t.orders > 0 order by 1""",
}


def state(runtime: Runtime) -> dict[str, list[Any]]:
    """Projections, sums by source, balances, lots and totals, named by whom they belong to."""
    with runtime.database.system() as session:
        return {name: [tuple(row) for row in session.execute(text(query))] for name, query in _STATE.items()}


def balance(runtime: Runtime, customer_id: int) -> int:
    """Points on a Shopify customer's account."""
    query = text("""select coalesce(sum(b.points), 0)::bigint from identities i
        join accounts a on a.shop_id = i.shop_id and a.id = i.account_id
        join balances b on b.shop_id = a.shop_id and b.account_id = coalesce(a.merged_into, a.id)
        where i.kind = 'customer' and i.value = :id""")
    with runtime.database.system() as session:
        return int(session.scalar(query, {"id": str(customer_id)}) or 0)
