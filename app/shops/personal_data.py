"""Everything held of one person, as one JSON document: what `customers/data_request` asks the merchant to hand out.

Read only. Whoever adds a table with something about a person adds a line here; a test compares with what erasure finds.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import DeclarativeBase, Session

from app.customers.models import Account, AccountIdentity, Customer
from app.discounts.models import DiscountCode
from app.loyalty.models import Action, Balance, LedgerEntry, LedgerNote, Redemption
from app.orders.models import Order, OrderCode, OrderLine, Refund
from app.popups.models import ConsentReceipt, SignUp
from app.referrals.models import Referral, ReferralCode
from app.segments.models import SegmentProfile, SegmentTransition
from app.segments.queries import of_account

# Bookkeeping of ours that says nothing about the person.
_INTERNAL = frozenset({"shop_id", "digest", "triggered_at", "listed_refunds", "note_digest", "salt"})
# A table of a feature above this one. What is posted of a file is in `points` and `notes`.
_READ_FROM_FILES = text("""
select cast(import_id as text) as import_id, row, email, customer_id, points, lifetime, earned_at, expires_at, note
from balance_import_rows
where shop_id = :shop_id and account_id is null
    and (customer_id = cast(:customer_id as bigint) or email = cast(:email as text))
order by import_id, row
""")


def export_customer(
    session: Session, shop_id: int, customer_id: int | None, guest: str | None = None
) -> dict[str, Any]:
    """What is held of a customer: person, consent, orders, points with their notes, rewards, codes, sign-ups,
    rows of files that are not posted yet.

    A guest has no customer id and is found by the address alone.
    """
    accounts = _accounts(session, shop_id, customer_id, guest)
    own = Order.customer_id == customer_id if customer_id else Order.email == guest
    orders = session.scalars(
        select(Order).where(Order.shop_id == shop_id, own | Order.account_id.in_(accounts)).order_by(Order.id)
    ).all()
    order_ids = [order.id for order in orders]
    known = session.scalar(select(Customer.email).where(Customer.shop_id == shop_id, Customer.id == customer_id))
    email = known or guest
    document = {
        "customer": _of(session, Customer, Customer.shop_id == shop_id, Customer.id == customer_id),
        "identities": _of_accounts(session, AccountIdentity, shop_id, accounts),
        "orders": [_row(order) for order in orders],
        "balances": _of_accounts(session, Balance, shop_id, accounts),
        "points": _of_accounts(session, LedgerEntry, shop_id, accounts),
        "actions": _of_accounts(session, Action, shop_id, accounts),
        "referral_codes": _of_accounts(session, ReferralCode, shop_id, accounts),
        # Whom this person brought, and through whom this person came.
        "referrals": _of(
            session,
            Referral,
            Referral.shop_id == shop_id,
            Referral.advocate_account_id.in_(accounts) | Referral.order_id.in_(order_ids),
        ),
        "segments": _segments(session, shop_id, accounts),
        "segment_profile": _of_accounts(session, SegmentProfile, shop_id, accounts),
        "segment_transitions": _of_accounts(session, SegmentTransition, shop_id, accounts),
        "redemptions": _of_accounts(session, Redemption, shop_id, accounts),
        "discount_codes": _of_accounts(session, DiscountCode, shop_id, accounts),
        # Of the account or of the address: who signs up at a popup need not be known as this customer yet.
        "sign_ups": _of(session, SignUp, SignUp.shop_id == shop_id, _either(SignUp, accounts, SignUp.email, email)),
        "consents": _of(
            session,
            ConsentReceipt,
            ConsentReceipt.shop_id == shop_id,
            _either(ConsentReceipt, accounts, ConsentReceipt.address, email),
        ),
    }
    for name, part in (("order_lines", OrderLine), ("order_codes", OrderCode), ("refunds", Refund)):
        document[name] = _of(session, part, part.shop_id == shop_id, part.order_id.in_(order_ids))
    entry_ids = [entry["id"] for entry in document["points"]]
    document["balances_in_files"] = [
        _shown(dict(row._mapping))
        for row in session.execute(_READ_FROM_FILES, {"shop_id": shop_id, "customer_id": customer_id, "email": email})
    ]
    document["notes"] = _of(session, LedgerNote, LedgerNote.shop_id == shop_id, LedgerNote.entry_id.in_(entry_ids))
    return document


def _segments(session: Session, shop_id: int, accounts: Sequence[int]) -> list[dict[str, Any]]:
    """The segments that the person is in, by their words."""
    held = [membership for account in accounts for membership in of_account(session, shop_id, account)]
    return [{"name": one.segment.name, "query": one.segment.query, "since": one.since.isoformat()} for one in held]


def _accounts(session: Session, shop_id: int, customer_id: int | None, guest: str | None) -> Sequence[int]:
    """The person's account and the one that took it over."""
    kind, value = ("customer", str(customer_id)) if customer_id else ("email", guest or "")
    own = select(Account.id, Account.merged_into).join(
        AccountIdentity, (AccountIdentity.shop_id == Account.shop_id) & (AccountIdentity.account_id == Account.id)
    )
    mine = (
        AccountIdentity.shop_id == shop_id,
        AccountIdentity.kind == kind,
        AccountIdentity.value == value,
    )
    return [account for row in session.execute(own.where(*mine)) for account in row if account is not None]


def _either(table: Any, accounts: Sequence[int], column: Any, email: str | None) -> Any:
    return table.account_id.in_(accounts) | (column == email) if email else table.account_id.in_(accounts)


def _of_accounts(session: Session, table: Any, shop_id: int, accounts: Sequence[int]) -> list[dict[str, Any]]:
    return _of(session, table, table.shop_id == shop_id, table.account_id.in_(accounts))


def _of(session: Session, table: Any, *where: Any) -> list[dict[str, Any]]:
    return [_row(row) for row in session.scalars(select(table).where(*where).order_by(*table.__mapper__.primary_key))]


def _row(row: DeclarativeBase) -> dict[str, Any]:
    return _shown({column.key: getattr(row, column.key) for column in row.__mapper__.columns})


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    """Columns as JSON: instants in ISO 8601, what is empty left out."""
    return {
        name: value.isoformat() if isinstance(value, datetime | date) else value
        for name, value in values.items()
        if value is not None and name not in _INTERNAL
    }
