"""What reacts to what: the one table (design section 2). Handlers, re-reads and imports end here, once a transaction.

The order matters: owners first, then sums and points of everybody touched, then what follows from orders.
"""

from sqlalchemy.orm import Session

from app import jobs
from app.changes import Changes, Key
from app.customers import imported
from app.discounts import use
from app.loyalty import returns
from app.loyalty import service as loyalty
from app.orders import service as orders
from app.orders import totals
from app.products import service as products
from app.shops import privacy


def react(session: Session, changes: Changes, absorbed: frozenset[Key] = frozenset()) -> None:
    """Carry the changes of this transaction to all that depends on them."""
    if changes.emails or absorbed:
        changes.add(orders.reassign(session, changes.emails, set(absorbed)))
    totals.recompute(session, changes.accounts)
    loyalty.settle(session, changes.accounts)
    use.record_uses(session, changes.orders)
    returns.settle(session, changes.orders)
    privacy.keep_erased(session, changes.orders)
    products.want_unknown(session, changes.orders)
    imported.want_figures(session, changes.orders)
    jobs.enqueue_all(
        session,
        [
            jobs.Planned(
                "orders.reread",
                {"shop_id": shop_id, "order_id": order_id},
                queueing_lock=f"orders.reread:{shop_id}:{order_id}",
            )
            for shop_id, order_id in sorted(changes.rereads)
        ],
    )
