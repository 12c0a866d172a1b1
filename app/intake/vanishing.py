"""What Shopify no longer lists although nobody told us of a deletion: asked for one by one, by jobs of their own.

`reading` calls it at the end of a file, in the transaction that ends its stage, when a comparison reads everything. Not
being listed proves nothing (searching lags behind, and without the scope read_all_orders orders older than 60 days are
hidden); Shopify's answer for the single object does (docs/decisions.md 88).
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import jobs
from app.intake import staging
from app.intake.models import IntakeRun
from app.orders import rereading
from app.orders.reread import VISIBLE_DAYS
from app.shops import queries

# More are asked for after the next comparison.
MOST = 1_000

_ORDERS = """
select o.shop_id, o.id from orders o
where o.shop_id = :shop_id and o.deleted_at is null and o.updated_at < :told_at and o.triggered_at < :told_at
    and (:all_orders or coalesce(o.created_at, o.processed_at) > :visible_since)
    and not exists (select from {orders} s where s.id = o.id)
order by o.id limit :most
"""
_CUSTOMERS = """
select c.id from customers c
where c.shop_id = :shop_id and c.deleted_at is null and c.redacted_at is null and c.merged_into is null
    and c.updated_at < :told_at and c.triggered_at < :told_at
    and not exists (select from {listed} s where s.id = c.id)
order by c.id limit :most
"""


def orders(session: Session, run: IntakeRun, told_at: datetime) -> int:
    """Have orders read again that are not in the file and would be if they existed; returns how many."""
    all_orders = "read_all_orders" in queries.shop(session, run.shop_id).scopes.split(",")
    given = {"all_orders": all_orders, "visible_since": told_at - VISIBLE_DAYS}
    found = session.execute(text(_ORDERS.format(**staging.names(run.id))), given | _common(run, told_at)).all()
    rereading.want(session, {(row.shop_id, row.id) for row in found})
    return len(found)


def customers(session: Session, run: IntakeRun, told_at: datetime) -> int:
    """Have customers asked for that are not in the file; returns how many."""
    found = session.scalars(text(_CUSTOMERS.format(**staging.names(run.id))), _common(run, told_at)).all()
    planned = [
        jobs.Planned(
            "customers.look_for",
            {"shop_id": run.shop_id, "customer_id": customer_id},
            queueing_lock=f"customers.look_for:{run.shop_id}:{customer_id}",
        )
        for customer_id in found
    ]
    jobs.enqueue_all(session, planned)
    return len(found)


def _common(run: IntakeRun, told_at: datetime) -> dict[str, object]:
    return {"shop_id": run.shop_id, "told_at": told_at, "most": MOST}
