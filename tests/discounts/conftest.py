"""A shop connected to a scripted Shopify, and a member with points."""

import uuid
from collections.abc import Iterator

import pytest
import responses
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import clock
from app.customers import accounts
from app.customers.models import Customer
from app.discounts import jobs as discount_jobs
from app.discounts.models import DiscountCode
from app.discounts.use import record_uses
from app.loyalty import programs, service
from app.loyalty.ledger import Holder
from app.loyalty.models import Balance, LedgerEntry, Redemption, Reward
from app.loyalty.redemption import cancel, redeem
from app.orders.models import Order, OrderCode
from app.runtime import Runtime
from app.shops.models import Shop
from app.shops.secrets import seal
from tests.discounts.fake_shopify import FakeShopify

CUSTOMER = 7_000_000_000_001


@pytest.fixture
def shopify(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeShopify]:
    """Shopify at the wire; waiting for it takes no time."""
    fake = FakeShopify()
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        fake.install(mock)
        yield fake


class Member:
    """A customer of the connected shop who holds points, and what a test does with them."""

    def __init__(self, runtime: Runtime, shop: Shop, points: int) -> None:
        self.runtime, self.shop, self.points, self.customer = runtime, shop, points, CUSTOMER
        with runtime.database.system() as session:
            connected = session.merge(shop)
            connected.access_token = seal(runtime.keyring, shop.id, "access_token", b"shpat_test")
            self.reward = session.query(Reward).filter_by(shop_id=shop.id).one().id
            self._arrive(session)

    def _arrive(self, session: Session) -> None:
        now, key = clock.now(), (self.shop.id, self.customer)
        self.account = accounts.accounts_of_customers(session, {key})[key]
        session.add(Customer(shop_id=self.shop.id, id=self.customer, updated_at=now, triggered_at=now))
        program = programs.default_program(session, self.shop.id)
        self.holder = Holder(self.shop.id, program.id, self.account)
        service.adjust(session, self.holder, self.points, request_id=str(uuid.uuid4()), note="start", actor="test")

    def start_over(self) -> None:
        """Become another customer with fresh points, and leave no code due."""
        with self.runtime.database.system() as session:
            session.execute(update(DiscountCode).values(due_at=None))
            session.query(OrderCode).delete()
            session.query(Order).delete()
            self.customer += 1
            self._arrive(session)

    def redeem(self, request_id: str | None = None) -> Redemption:
        """Redeem the shop's reward, as the API does."""
        with self.runtime.database.shop(self.shop.id) as session:
            return self.redeem_in(session, request_id)

    def redeem_in(self, session: Session, request_id: str | None = None) -> Redemption:
        """Redeem in a transaction of the test's own."""
        return redeem(
            session,
            self.shop,
            self.runtime.keyring,
            account_id=self.account,
            customer_id=self.customer,
            reward_id=self.reward,
            request_id=request_id or str(uuid.uuid4()),
            actor="key:1",
        )

    def cancel(self, redemption: Redemption) -> Redemption:
        """Ask for the points back."""
        with self.runtime.database.shop(self.shop.id) as session:
            return cancel(session, self.shop, redemption.id)

    def order_with(self, *codes: str, order_id: int = 5_000_000_000_001) -> None:
        """An order that carries these codes arrives."""
        now = clock.now()
        with self.runtime.database.system() as session:
            session.add(Order(shop_id=self.shop.id, id=order_id, processed_at=now, updated_at=now))
            session.flush()
            for code in codes:
                session.add(OrderCode(shop_id=self.shop.id, order_id=order_id, code=code, amount_minor=500, kind="x"))
            session.flush()
            record_uses(session, {(self.shop.id, order_id)})

    def work(self) -> None:
        """What a worker does with due codes now."""
        discount_jobs.carry_out_due(self.runtime, shop_id=self.shop.id)

    def wait_until_due(self) -> None:
        """Let every lease and every pause be over."""
        with self.runtime.database.system() as session:
            due = update(DiscountCode).where(DiscountCode.due_at.is_not(None))
            session.execute(due.values(due_at=clock.wall_now()))
            paused = update(Shop).where(Shop.connection == "paused")
            session.execute(paused.values(connection_retry_at=clock.wall_now()))

    def code(self, redemption: Redemption) -> DiscountCode:
        """The code's row now."""
        with self.runtime.database.shop(self.shop.id) as session:
            return session.get_one(DiscountCode, (self.shop.id, redemption.code))

    def state(self, redemption: Redemption) -> str:
        """The redemption's state now."""
        with self.runtime.database.shop(self.shop.id) as session:
            return session.get_one(Redemption, (self.shop.id, redemption.id)).state

    def balance(self) -> int:
        """The points on the account."""
        with self.runtime.database.shop(self.shop.id) as session:
            return session.get_one(Balance, self.holder).points

    def posted(self, redemption: Redemption) -> list[tuple[int, str]]:
        """The ledger's entries of a redemption, oldest first."""
        entries = select(LedgerEntry.points, LedgerEntry.reason).where(LedgerEntry.source_id == redemption.id)
        with self.runtime.database.shop(self.shop.id) as session:
            return [(row.points, row.reason) for row in session.execute(entries.order_by(LedgerEntry.id))]


@pytest.fixture
def member(runtime: Runtime, shop: Shop) -> Member:
    """A member with 250 points: enough for two rewards of 100."""
    return Member(runtime, shop, 250)
