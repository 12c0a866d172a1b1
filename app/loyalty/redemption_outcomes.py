"""What became of a redemption's code, and so of its points. Called by `app.discounts.outcomes` alone.

Each function is safe to call again: it looks at the state under a lock and does nothing that was done. Locks are taken
in one order everywhere: balance, code, redemption.
"""

from collections.abc import Iterable
from datetime import datetime

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.loyalty import redemption_points
from app.loyalty.ledger import Holder
from app.loyalty.models import Redemption
from app.loyalty.redemption_points import Change
from app.sql import keys

log = structlog.get_logger()

# In these states the account has its points.
_POINTS_BACK = frozenset({"failed", "cancelled"})
_NEXT = {
    "held": {"issued", "failed", "used"},
    "issued": {"cancelling", "used"},
    "cancelling": {"cancelled", "issued", "used"},
    "failed": {"used"},
    "cancelled": {"used"},
    "used": set[str](),
}


def lock_balance(session: Session, shop_id: int, redemption_id: str) -> None:
    """Lock the balance that a change of this redemption may touch, before its code is locked."""
    redemption = session.get(Redemption, (shop_id, redemption_id))
    if redemption is not None:
        redemption_points.lock(session, [_holder(redemption)])


def issued(session: Session, shop_id: int, redemption_id: str) -> None:
    """The code works; the shopper may have it."""
    _move(session, shop_id, redemption_id, "issued")


def failed(session: Session, shop_id: int, redemption_id: str, reason: str) -> None:
    """There will be no code: the points go back."""
    _move(session, shop_id, redemption_id, "failed", failure=reason)


_ENDED = text("""
update redemptions r set state = 'cancelling', failure = 'code-ended'
from jsonb_to_recordset(cast(:ids as jsonb)) as k(shop_id bigint, id uuid)
where r.shop_id = k.shop_id and r.id = k.id and r.state = 'issued'
""")


def ended(session: Session, redemption_ids: Iterable[tuple[int, str]]) -> None:
    """The time of these codes (shop, redemption) is over; they are being withdrawn, after that the points go back."""
    session.execute(_ENDED, {"ids": keys(redemption_ids)})


def revoked(session: Session, shop_id: int, redemption_id: str) -> None:
    """The code was withdrawn unused: the points go back."""
    _move(session, shop_id, redemption_id, "cancelled")


def kept(session: Session, shop_id: int, redemption_id: str, reason: str) -> None:
    """The code could not be withdrawn; it still works and its points stay spent."""
    _move(session, shop_id, redemption_id, "issued", failure=reason)


def used(session: Session, shop_id: int, redemption_ids: Iterable[str], at: datetime) -> None:
    """The codes were seen on orders, at this instant of business time."""
    for redemption_id in sorted(redemption_ids):
        _move(session, shop_id, redemption_id, "used", at=at)


def _move(
    session: Session,
    shop_id: int,
    redemption_id: str,
    state: str,
    *,
    failure: str | None = None,
    at: datetime | None = None,
) -> None:
    redemption = session.get(Redemption, (shop_id, redemption_id), with_for_update=True, populate_existing=True)
    if redemption is None or state not in _NEXT[redemption.state]:
        return
    had, has = redemption.state in _POINTS_BACK, state in _POINTS_BACK
    if had != has:
        _post(session, redemption, returned=has)
    if state == "cancelled":
        failure = redemption.failure  # why it was withdrawn, if nobody asked for it
    log.info("redemption moved", redemption=redemption.id, was=redemption.state, now=state, failure=failure)
    redemption.state, redemption.failure, redemption.settled_at = state, failure, at or clock.now()
    session.flush()


def _post(session: Session, redemption: Redemption, *, returned: bool) -> None:
    now, holder = clock.now(), _holder(redemption)
    # A code that was never issued is no fault of the shopper. Giving back what he chose not to use extends nothing.
    ours = returned and redemption.state == "held"
    change = Change(
        holder=holder,
        redemption_id=redemption.id,
        points=redemption.points if returned else -redemption.points,
        reason="returned" if returned else "redeemed",
        business_at=now,
        keep_until=redemption_points.kept_until(session, holder, now) if ours else None,
    )
    redemption_points.post(session, [change])


def _holder(redemption: Redemption) -> Holder:
    return Holder(redemption.shop_id, redemption.program_id, redemption.account_id)
