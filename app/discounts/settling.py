"""Writing down what Shopify answered, together with its consequences, in one transaction.

Called by the jobs after a call. A worker that was silent for longer than its lease is no longer the one to decide: it
may still report that a discount exists, which is a fact, but not that it failed. `due_at` is the proof of a lease.
"""

from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from app import clock
from app.discounts.issuing import Issued, Later, Outcome, Refused, Revoked
from app.discounts.models import DiscountCode
from app.discounts.outcomes import owner
from app.jobs import backoff

log = structlog.get_logger()

# With waits that double from a second to ten minutes, this many attempts take about three hours: long enough for an
# outage of Shopify, short enough that nobody's points are held for days. The API's caller sees "held" meanwhile.
MAX_ATTEMPTS = 27


def settle(session: Session, claimed: DiscountCode, outcome: Outcome) -> None:
    """Bring the code, and what it was made for, to where the outcome leads."""
    shop_id = claimed.shop_id
    if isinstance(outcome, Refused | Revoked):
        owner(claimed).lock_balance(session, shop_id, claimed.intent_id)
    row = session.get(DiscountCode, (shop_id, claimed.code), with_for_update=True, populate_existing=True)
    if row is None:
        return  # the shop was erased meanwhile
    holds_lease = row.due_at == claimed.due_at
    match outcome:
        case Issued(discount_id):
            _issued(session, row, discount_id)
        case Revoked(used) if row.state == "revoking":
            _revoked(session, row, used=used)
        case Refused(reason) if holds_lease:
            _refused(session, row, reason)
        case Later() if holds_lease:
            _postpone(row, outcome)
    session.flush()


def exhausted(claimed: DiscountCode) -> bool:
    """Whether a code was tried so often that it is given up instead of being tried again."""
    return claimed.attempts > MAX_ATTEMPTS


def _issued(session: Session, row: DiscountCode, discount_id: str) -> None:
    row.discount_id = discount_id
    row.issued_at = row.issued_at or clock.now()
    if row.state == "planned":
        row.state, row.due_at, row.last_error = "issued", None, None
        owner(row).issued(session, row.shop_id, row.intent_id)
    elif row.state == "failed":
        # Given up while a silent worker's call took effect after all: the points are back, so the code must go.
        row.state, row.attempts, row.due_at = "revoking", 0, clock.wall_now()


def _revoked(session: Session, row: DiscountCode, *, used: bool) -> None:
    row.due_at, row.last_error = None, None
    if used:
        # The order that used it is named by its webhook.
        row.state, row.used_at = "used", clock.now()
        owner(row).used(session, row.shop_id, [row.intent_id], row.used_at)
    else:
        row.state = "revoked"
        owner(row).revoked(session, row.shop_id, row.intent_id)


def _refused(session: Session, row: DiscountCode, reason: str) -> None:
    log.warning("code refused", code_purpose=row.purpose, intent=row.intent_id, state=row.state, reason=reason)
    row.due_at, row.last_error = None, reason
    if row.state == "planned":
        row.state = "failed"
        owner(row).failed(session, row.shop_id, row.intent_id, reason)
    elif row.state == "revoking" and row.ends_at and row.ends_at <= clock.now():
        # Shopify need not let us: the code is dead by its own end.
        row.state = "revoked"
        owner(row).revoked(session, row.shop_id, row.intent_id)
    elif row.state == "revoking":
        row.state = "issued"
        owner(row).kept(session, row.shop_id, row.intent_id, reason)


def _postpone(row: DiscountCode, outcome: Later) -> None:
    if not outcome.counts:
        row.attempts -= 1
    wait = outcome.wait if outcome.wait is not None else backoff(row.attempts)
    row.last_error = outcome.reason
    row.due_at = clock.wall_now() + max(wait, timedelta(seconds=1))
