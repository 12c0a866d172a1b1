"""What the demo reads straight from the app's database: totals, guests, and whether all work is done. Reads only."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from app.customers.models import AccountIdentity, Customer
from app.loyalty.models import Balance, LedgerEntry, Redemption
from app.orders.models import Order
from app.shops.models import Shop

# Inbox and job tables belong to layers above and beside the features; their names are part of the first migration.
_WAITING = text(
    "select (select count(*) from inbox_events where state = 'pending')"
    " + (select count(*) from procrastinate_jobs where status in ('todo', 'doing')"
    " and coalesce(scheduled_at, :soon) <= :soon)"
)
_INBOX = text("select state, count(*) from inbox_events where shop_id = :shop group by state")


def shop_id(session: Session, domain: str) -> int:
    """The id of a shop that has installed Perennial."""
    return session.execute(select(Shop.id).where(Shop.domain == domain)).scalar_one()


def waiting(session: Session, soon: Any) -> int:
    """Events and jobs that are not done yet, without jobs planned for later than `soon` (aware instant)."""
    return int(session.execute(_WAITING, {"soon": soon}).scalar_one())


def inbox(session: Session, shop: int) -> dict[str, int]:
    """Received webhooks by state; a delivery that came twice is one."""
    return {str(state): int(number) for state, number in session.execute(_INBOX, {"shop": shop})}


def totals(session: Session, shop: int) -> dict[str, int]:
    """The figures the demo compares, as the app holds them."""
    codes = select(func.count()).select_from(Redemption).where(Redemption.shop_id == shop)
    there = (Customer.deleted_at.is_(None), Customer.merged_into.is_(None))
    return {
        "customers": _count(
            session, select(func.count()).select_from(Customer).where(Customer.shop_id == shop, *there)
        ),
        "orders": _count(
            session, select(func.count()).select_from(Order).where(Order.shop_id == shop, Order.deleted_at.is_(None))
        ),
        **_points(session, shop),
        "codes_issued": _count(session, codes.where(Redemption.state.in_(("issued", "used")))),
        "codes_used": _count(session, codes.where(Redemption.state == "used")),
    }


def guest_balances(session: Session, shop: int) -> Mapping[str, int]:
    """Points by e-mail address, of every address that leads to an account."""
    query = (
        select(AccountIdentity.value, func.sum(Balance.points))
        .join(
            Balance, (Balance.shop_id == AccountIdentity.shop_id) & (Balance.account_id == AccountIdentity.account_id)
        )
        .where(AccountIdentity.shop_id == shop, AccountIdentity.kind == "email")
        .group_by(AccountIdentity.value)
    )
    return {email: int(points) for email, points in session.execute(query)}


def _points(session: Session, shop: int) -> dict[str, int]:
    points, kind = LedgerEntry.points, LedgerEntry.source_kind
    orders, spending = kind == "order", kind == "redemption"
    sums = select(
        func.coalesce(func.sum(case((orders & (points > 0), points))), 0),
        func.coalesce(-func.sum(case((orders & (points < 0), points))), 0),
        func.coalesce(-func.sum(case((spending, points))), 0),
    ).where(LedgerEntry.shop_id == shop)
    issued, reversed_, spent = session.execute(sums).one()
    held = select(func.coalesce(func.sum(Balance.points), 0)).where(Balance.shop_id == shop)
    return {
        "points_issued": int(issued),
        "points_reversed": int(reversed_),
        "points_spent": int(spent),
        "points_outstanding": _count(session, held),
    }


def _count(session: Session, query: Any) -> int:
    return int(session.execute(query).scalar_one())
