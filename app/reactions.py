"""What reacts to what: the one table (design section 2). Handlers, re-reads and imports end here, once a transaction.

The order matters: owners first, then sums and points of everybody touched, then what follows from orders.
"""

from sqlalchemy.orm import Session

from app.changes import Changes, Key
from app.customers import accounts, imported
from app.discounts import use
from app.loyalty import returns
from app.loyalty import service as loyalty
from app.orders import rereading, totals
from app.orders import service as orders
from app.products import service as products
from app.referrals import following
from app.segments import dirty
from app.shops import privacy


def react(session: Session, changes: Changes, absorbed: frozenset[Key] = frozenset()) -> None:
    """Carry the changes of this transaction to all that depends on them."""
    if changes.emails or absorbed:
        changes.add(orders.reassign(session, changes.emails, set(absorbed)))
    changes.accounts |= following.concerned(session, changes.people)
    _settle(session, changes)
    dirty.note_accounts(session, changes.people | absorbed)
    use.record_uses(session, changes.orders)
    returns.settle(session, changes.orders)
    privacy.keep_erased(session, changes.orders, changes.erased)
    products.want_unknown(session, changes.orders)
    imported.want_figures(session, changes.orders)
    rereading.want(session, changes.rereads)


def _settle(session: Session, changes: Changes) -> None:
    totals.recompute(session, changes.accounts)
    loyalty.settle(session, changes.accounts)
    # Only now are the balances locked, and a merge that ran beside us has ended or waits for us: whoever of the two
    # came second finds here the orders that the other could not see.
    strayed = accounts.absorbed(session, changes.accounts)
    if strayed and (found := orders.reassign(session, set(), strayed)).accounts:
        changes.add(found)
        totals.recompute(session, found.accounts)
        loyalty.settle(session, found.accounts)
