"""What the demo reads straight from the app's database: totals, guests, and whether all work is done.

Reads, but for `start_over` and `make_pending`, with which a replayed year is lived again.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, text, update
from sqlalchemy.orm import Session

from app.customers.models import AccountIdentity, Customer
from app.loyalty.models import Balance, LedgerEntry, Redemption, RuleVersion
from app.loyalty.programs import default_program
from app.orders.models import Order
from app.shops.models import Shop

# Inbox and job tables belong to layers above and beside the features; their names are part of the first migration.
_WAITING = text(
    "select (select count(*) from inbox_events where state = 'pending')"
    " + (select count(*) from procrastinate_jobs where status in ('todo', 'doing')"
    " and coalesce(scheduled_at, :soon) <= :soon)"
)
_INBOX = text("select state, count(*) from inbox_events where shop_id = :shop group by state")


# What a replay stands on; whatever else names the shop has followed from its webhooks. Its import found an empty shop.
_STAYS = frozenset(
    {"shops", "programs", "rule_versions", "rewards", "api_keys", "inbox_events", "customers", "intake_runs"}
)
_FOLLOWS = text("""
select c.table_name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
where c.table_schema = 'public' and c.column_name = 'shop_id' and t.table_type = 'BASE TABLE'
    and c.table_name <> all(:stays)
""")
_PENDING = text("""
update inbox_events set state = 'pending', attempts = 0, deaths = 0, retry_at = null, finished_at = null
where shop_id = :shop and state = 'done' and triggered_at < :until
    and (cast(:since as timestamptz) is null or triggered_at >= :since)
""")
_BALANCES = text("""
select i.value::bigint as customer, b.points from identities i join balances b using (shop_id, account_id)
where i.shop_id = :shop and i.kind = 'customer'
""")
_KINDS = text("select source_kind, count(*) from ledger_entries where shop_id = :shop group by 1")


def start_over(session: Session, shop: int, rules: dict[str, Any]) -> None:
    """Forget all that followed from webhooks, and put other rules in force. For a shop of the replay's own only."""
    tables = session.scalars(_FOLLOWS, {"stays": list(_STAYS | {"accounts", "identities"})}).all()
    session.execute(text(f"truncate {', '.join(sorted(tables))}"))  # names out of the catalogue
    session.execute(update(RuleVersion).where(RuleVersion.shop_id == shop).values(rules=rules))


def make_pending(session: Session, shop: int, since: datetime | None, until: datetime) -> None:
    """Let the webhooks that Shopify sent in [since, until) be handled once more."""
    session.execute(_PENDING, {"shop": shop, "since": since, "until": until})


def balances(session: Session, shop: int) -> dict[int, int]:
    """Points by customer."""
    return {row.customer: row.points for row in session.execute(_BALANCES, {"shop": shop})}


def entries_by_kind(session: Session, shop: int) -> dict[str, int]:
    """How many entries the ledger holds of each kind of source."""
    return {str(kind): int(number) for kind, number in session.execute(_KINDS, {"shop": shop})}


def program_id(session: Session, shop: int) -> int:
    """The shop's one program."""
    return default_program(session, shop).id


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
    orders, spending, friends = kind == "order", kind == "redemption", kind == "referral"
    sums = select(
        func.coalesce(func.sum(case((orders & (points > 0), points))), 0),
        func.coalesce(-func.sum(case((orders & (points < 0), points))), 0),
        func.coalesce(-func.sum(case((spending, points))), 0),
        func.coalesce(func.sum(case((friends, points))), 0),
    ).where(LedgerEntry.shop_id == shop)
    issued, reversed_, spent, for_friends = session.execute(sums).one()
    held = select(func.coalesce(func.sum(Balance.points), 0)).where(Balance.shop_id == shop)
    return {
        "points_issued": int(issued),
        "points_reversed": int(reversed_),
        "points_spent": int(spent),
        "points_for_friends": int(for_friends),
        "points_outstanding": _count(session, held),
    }


def _count(session: Session, query: Any) -> int:
    return int(session.execute(query).scalar_one())
