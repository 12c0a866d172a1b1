"""What became of a redemption's code, and so of its points. Called by `app.discounts.outcomes` alone.

Each function is safe to call again: it looks at the state under a lock and does nothing that was done. Locks are taken
in one order everywhere: balance, code, redemption.
"""

from collections.abc import Iterable
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.customers.models import Account
from app.loyalty import ledger, moves
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import Source
from app.loyalty.models import Redemption
from app.loyalty.redemption import PURPOSE

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
        ledger.lock_balances(session, _holders(session, redemption))


def issued(session: Session, shop_id: int, redemption_id: str) -> None:
    """The code works; the shopper may have it."""
    _move(session, shop_id, redemption_id, "issued")


def failed(session: Session, shop_id: int, redemption_id: str, reason: str) -> None:
    """There will be no code: the points go back."""
    _move(session, shop_id, redemption_id, "failed", failure=reason)


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
    log.info("redemption moved", redemption=redemption.id, was=redemption.state, now=state, failure=failure)
    redemption.state, redemption.failure, redemption.settled_at = state, failure, at or clock.now()
    session.flush()


def _post(session: Session, redemption: Redemption, *, returned: bool) -> None:
    """Write the entry where the hold was written; if that account was absorbed since, its points are carried over."""
    holders = _holders(session, redemption)
    ledger.lock_balances(session, holders)
    posting = Posting(
        holder=holders[0],
        source=Source(PURPOSE, redemption.id),
        points=redemption.points if returned else -redemption.points,
        reason="returned" if returned else "redeemed",
        business_at=clock.now(),
    )
    ledger.post(session, [posting])
    if len(holders) > 1:
        moves.carry_over(session, holders[:1])


def _holders(session: Session, redemption: Redemption) -> list[Holder]:
    """The account that redeemed, and the one that took it over in a merge, if one did."""
    this_account = (Account.shop_id == redemption.shop_id, Account.id == redemption.account_id)
    merged_into = session.scalar(select(Account.merged_into).where(*this_account))
    accounts = [redemption.account_id] + ([merged_into] if merged_into is not None else [])
    return [Holder(redemption.shop_id, redemption.program_id, account_id) for account_id in accounts]
