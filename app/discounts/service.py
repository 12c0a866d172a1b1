"""Planning, claiming and withdrawing codes: everything about a code's row before and between calls to Shopify.

Features plan a code in their own transaction (`plan`), the jobs of this folder carry it out. The row is the truth:
while it waits for Shopify it has a `due_at`, and who works on it moves that into the future first, a lease. Two workers
thus do not call at once, and what a killed worker held is due again by itself. Machine time is what leases go by.

    planned -> issued -> used                what the owner of the intent wanted
    planned -> failed                        Shopify will not have it
    issued -> revoking -> revoked | used | issued   taken back, unless it was used or Shopify does not let us;
                                             so are codes whose time is over (`ending`)
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.discounts.models import DiscountCode
from app.jobs import enqueue
from app.sql import Statement

# Longer than the slowest exchange of one code with Shopify: three calls with the timeouts of `app.shopify.transport`.
LEASE = timedelta(seconds=90)
TAG = "perennial"


@dataclass(frozen=True)
class Intent:
    """What a code is for. `purpose` and `id` name the thing that asked for it; the value is in the shop's currency."""

    purpose: str
    id: str
    account_id: int
    customer_id: int
    title: str
    value_minor: int
    currency: str
    # Business time from which the code is worth nothing; None: never.
    ends_at: datetime | None = None


_PLAN = Statement("""
insert into discount_codes (shop_id, code, purpose, intent_id, account_id, customer_id, title, value_minor, currency,
                            state, attempts, due_at, starts_at, ends_at)
values (:shop_id, :code, :purpose, :intent_id, :account_id, :customer_id, :title, :value_minor, :currency,
        'planned', 0, :due_at, :starts_at, :ends_at)
""")


def plan(session: Session, shop_id: int, intent: Intent, code: str) -> None:
    """Write down a code and plan its issuing, in the caller's transaction; nothing is said to Shopify here."""
    _PLAN.run(
        session,
        shop_id=shop_id,
        code=code,
        purpose=intent.purpose,
        intent_id=intent.id,
        account_id=intent.account_id,
        customer_id=intent.customer_id,
        title=f"{intent.title} ({intent.id})",
        value_minor=intent.value_minor,
        currency=intent.currency,
        due_at=clock.wall_now(),
        # Whole minutes, rounded down: a clock a little ahead of Shopify's must not make the code start in the future.
        starts_at=clock.now().replace(second=0, microsecond=0),
        ends_at=intent.ends_at,
    )
    wake(session, shop_id)


def withdraw(session: Session, shop_id: int, code: str) -> bool:
    """Plan that an issued code is made useless. False when it is not issued (any more)."""
    row = session.get(DiscountCode, (shop_id, code), with_for_update=True, populate_existing=True)
    if row is None or row.state != "issued":
        return False
    row.state, row.attempts, row.due_at = "revoking", 0, clock.wall_now()
    session.flush()
    wake(session, shop_id)
    return True


def wake(session: Session, shop_id: int) -> None:
    """Plan one job for all due codes of a shop; more of them waiting would find nothing left to do."""
    enqueue(session, "discounts.issue", {"shop_id": shop_id}, queueing_lock=f"discounts.issue:{shop_id}")


def wake_due(session: Session) -> int:
    """Plan a job for each shop that has due codes (a system session). Returns how many shops."""
    due = select(DiscountCode.shop_id).where(DiscountCode.due_at <= clock.wall_now()).distinct()
    shops = session.scalars(due).all()
    for shop_id in shops:
        wake(session, shop_id)
    return len(shops)


def claim(session: Session, shop_id: int) -> DiscountCode | None:
    """Take the code that is due longest and that nobody else is taking; the caller commits before it calls Shopify."""
    now = clock.wall_now()
    row = session.scalars(
        select(DiscountCode)
        .where(DiscountCode.shop_id == shop_id, DiscountCode.due_at <= now)
        .order_by(DiscountCode.due_at, DiscountCode.code)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is not None:
        row.due_at, row.attempts = now + LEASE, row.attempts + 1
        session.flush()
    return row


def tags(row: DiscountCode) -> list[str]:
    """Tags that mark a discount as ours, the second as this very intent's."""
    return [TAG, f"{TAG}-{row.purpose}-{row.intent_id}"]
