"""People of a shop as its projections know them, and what a test does to their accounts."""

import itertools
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.changes import Changes
from app.customers import accounts, merging, service
from app.customers.payload import Merge, parse_customer
from app.loyalty import ledger
from app.loyalty import service as loyalty
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import LotDates, Source
from app.loyalty.models import Redemption
from app.loyalty.programs import default_program
from app.loyalty.verify import verify
from app.orders import service as orders
from app.orders.payload import parse_order
from app.reactions import react
from app.runtime import Runtime
from app.shops.models import Shop
from tests.webhooks.deliveries import START, customer_body, order_body


class People:
    """Customers and guests of one shop."""

    def __init__(self, runtime: Runtime, shop: Shop) -> None:
        self.runtime, self.shop = runtime, shop
        self._numbers = itertools.count(1)
        self._second = itertools.count(1)
        with runtime.database.system() as session:
            self.program = default_program(session, shop.id).id

    def start_over(self) -> None:
        """Forget everybody."""
        tables = (
            "orders, order_lines, refunds, customers, identities, accounts, account_merges, balances, lots, "
            "redemptions, referrals, referral_codes"
        )
        with self.runtime.database.system() as session:
            session.execute(text(f"truncate {tables}, lot_uses, ledger_entries, account_totals restart identity"))

    def customer(self, customer: int, email: str | None = None, **more: Any) -> None:
        """What Shopify says of a customer now."""
        at = START + timedelta(seconds=next(self._second))
        body = customer_body(customer, at=at, email=email, **more)
        with self.runtime.database.system() as session:
            react(session, service.apply(session, [parse_customer(self.shop.id, body, at)]))

    def gone(self, customer: int) -> None:
        """Shopify deleted the customer."""
        with self.runtime.database.system() as session:
            react(session, service.delete(session, [(self.shop.id, customer, clock.now())]))

    def order(self, order: int, cents: int, customer: int | None = None, **more: Any) -> None:
        """An order as it is now."""
        at = START + timedelta(seconds=next(self._second))
        total = f"{cents / 100:.2f}"
        body = order_body(order, at=at, customer_id=customer, total=total, **more)
        with self.runtime.database.system() as session:
            react(session, orders.apply(session, [parse_order(self.shop.id, body, at)]))

    def merged(self, kept: int, absorbed: int) -> None:
        """Shopify made one of two customers."""
        with self.runtime.database.system() as session:
            changes, regrouped = service.merge(session, [Merge(self.shop.id, kept, absorbed)])
            react(session, changes, frozenset(regrouped))

    def parted(self) -> None:
        """Every merge is undone."""
        with self.runtime.database.system() as session:
            facts = session.execute(text("select shop_id, id from account_merges")).all()
            regrouped = merging.undo(session, [(row.shop_id, row.id) for row in facts], "staff:1")
            react(session, Changes(accounts=set(regrouped)), frozenset(regrouped))

    def of_customer(self, session: Session, customer: int) -> Holder:
        """The account that a customer had first."""
        key = (self.shop.id, customer)
        return Holder(self.shop.id, self.program, accounts.own_accounts_of_customers(session, {key})[key])

    def of_guest(self, session: Session, email: str) -> Holder:
        """The account that an address leads to."""
        key = (self.shop.id, email)
        return Holder(self.shop.id, self.program, accounts.owners_of_emails(session, {key})[key])

    def post(self, holder: Holder, kind: str, points: int, *, ends: datetime | None = None, key: str = "") -> None:
        """A fact of an account: points by hand, from an import, spent."""
        key = key or f"{next(self._numbers):04}"
        source = Source(kind, str(uuid.uuid5(uuid.NAMESPACE_OID, key)) if kind == "redemption" else key)
        with self.runtime.database.system() as session:
            ledger.lock_balances(session, [holder])
            if kind == "redemption":
                session.add(_used(holder, source.id, -points))
            posting = Posting(
                holder=holder,
                source=source,
                points=points,
                reason="adjusted",
                business_at=START,
                dates=LotDates(START, ends),
            )
            ledger.post(session, [posting])
            loyalty.settle(session, [(holder.shop_id, holder.account_id)])

    def points(self, holder: Holder) -> int:
        """What an account holds."""
        with self.runtime.database.system() as session:
            return ledger.lock_balances(session, [holder])[holder]

    def customers_points(self, customer: int) -> int:
        """What the account that stands for a customer holds."""
        with self.runtime.database.system() as session:
            key = (self.shop.id, customer)
            account = accounts.accounts_of_customers(session, {key})[key]
        return self.points(Holder(self.shop.id, self.program, account))

    def picture(self, holder: Holder) -> dict[str, Any]:
        """All of an account that a merge and its undoing must leave as they were."""
        key = holder._asdict()
        where = "where (shop_id, program_id, account_id) = (:shop_id, :program_id, :account_id)"
        with self.runtime.database.system() as session:
            balance = session.execute(text(f"select points, lifetime from balances {where}"), key).one_or_none()
            sums = f"select source_kind, source_id, sum(points)::bigint from ledger_entries {where} group by 1, 2"
            lots = f"select source_kind, source_id, granted, available_at, expires_at from lots {where} and granted > 0"
            return {
                "balance": tuple(balance or (0, 0)),
                "sources": sorted(tuple(r) for r in session.execute(text(sums), key) if r[2] and r[0] != "expiry"),
                "lots": sorted(tuple(map(str, row)) for row in session.execute(text(lots), key)),
            }

    def agrees(self) -> bool:
        """Whether the ledger verifies."""
        with self.runtime.database.system() as session:
            return verify(session).disagreements == ()


def _used(holder: Holder, key: str, points: int) -> Redemption:
    return Redemption(
        **holder._asdict(), id=key, reward_id=1, points=points, code=key, state="used", created_at=START, returned=0
    )


@pytest.fixture
def people(runtime: Runtime, shop: Shop) -> People:
    """The people of a shop without any."""
    return People(runtime, shop)
