"""Shops that have lived: orders, refunds, actions, points by hand, rewards, expiries, merges, imports, by a seed."""

import io
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from app import clock, job_table
from app.customers import accounts
from app.customers import service as customers
from app.customers.payload import Merge, parse_customer
from app.errors import Problem
from app.loyalty import actions, expiry, programs, redemption, redemption_outcomes, service
from app.loyalty.ledger import Holder
from app.loyalty.models import ProductLabel, Reward, RuleVersion
from app.orders import service as orders
from app.orders.payload import parse_order
from app.reactions import react
from app.runtime import Runtime
from app.shops.models import Shop
from app.transfer import balances
from tests.webhooks.deliveries import START, customer_body, order_body, refund_body

job_table.load()
_VERSIONS = (
    (
        START + timedelta(days=20),
        {
            "earning": [{"kind": "per_unit", "points": 2}, {"kind": "nth_order", "points": 50, "orders": [2]}],
            "expiry": {"kind": "after", "days": 90},
            "actions": {"review": {"points": 25, "per_account": 2}},
        },
    ),
    (
        START + timedelta(days=60),
        {
            "earning": [{"kind": "per_unit", "points": 3, "only": {"tags": ["tea"]}}],
            "waiting_days": 14,
            "multipliers": [{"factor": "1.5", "from": "2026-05-10T00:00:00Z", "until": "2026-06-01T00:00:00Z"}],
            "expiry": {"kind": "inactivity", "days": 60},
            "actions": {"review": {"points": 30, "per_day": 1}},
        },
    ),
)
CUSTOMERS = (7, 8, 9)
EMAILS = ("guest@example.com", "other@example.com")


class Life:
    """What happens to one shop, drawn from a seed."""

    def __init__(self, runtime: Runtime, shop: Shop, seed: int) -> None:
        self.runtime, self.shop, self.dice = runtime, shop, random.Random(seed)
        self.orders: dict[int, tuple[datetime, int | None, str | None]] = {}
        self.imports: list[str] = []
        self.merged: set[int] = set()

    def run(self, events: int) -> None:
        """Live through so many events."""
        self._begin()
        happenings: list[Callable[[], None]] = [
            self._order, self._order, self._order, self._refund, self._cancel, self._action, self._adjust,
            self._adjust, self._redeem, self._redeem, self._expire, self._merge, self._import, self._undo,
        ]  # fmt: skip
        for _ in range(events):
            self.dice.choice(happenings)()

    def _begin(self) -> None:
        with self.runtime.database.system() as session:
            program = programs.default_program(session, self.shop.id)
            for number, (begins, rules) in enumerate(_VERSIONS, start=2):
                session.add(
                    RuleVersion(
                        shop_id=self.shop.id, program_id=program.id, version=number, in_force_from=begins,
                        rules=rules, created_at=START,
                    )
                )  # fmt: skip
            ends = datetime.max.replace(tzinfo=UTC)
            session.add(ProductLabel(shop_id=self.shop.id, product_id=5, label="tag:tea", since=START, until=ends))
            bodies = [customer_body(customer, email=f"c{customer}@example.com") for customer in CUSTOMERS]
            customers.apply(session, [parse_customer(self.shop.id, body, START) for body in bodies])

    def _tell(self, order_id: int, **more: object) -> None:
        at, customer, email = self.orders[order_id]
        line = {"id": order_id * 10, "product_id": self.dice.choice([5, 6]), "quantity": 2, "price": "60.00"}
        body = order_body(
            order_id, at=at + timedelta(days=len(more)), customer_id=customer, total="120.00", email=email,
            created_at=at.isoformat(), line_items=[line], **more,  # type: ignore[arg-type]  # fields of a body
        )  # fmt: skip
        body["processed_at"] = at.isoformat()
        with self.runtime.database.system() as session:
            react(session, orders.apply(session, [parse_order(self.shop.id, body, at + timedelta(days=len(more)))]))

    def _order(self) -> None:
        at = START + timedelta(days=self.dice.randrange(120), seconds=self.dice.randrange(9))
        customer = self.dice.choice([*CUSTOMERS, None])
        order_id = len(self.orders) + 1
        self.orders[order_id] = (at, customer, None if customer else self.dice.choice(EMAILS))
        self._tell(order_id)

    def _refund(self) -> None:
        if self.orders:
            order_id = self.dice.choice(list(self.orders))
            refund = refund_body(order_id * 100, order_id, lines="40.00", loose=self.dice.choice([None, "5.00"]))
            self._tell(order_id, current="80.00", refunds=[refund], status="partially_refunded")

    def _cancel(self) -> None:
        if self.orders:
            order_id = self.dice.choice(list(self.orders))
            at = self.orders[order_id][0]
            self._tell(order_id, cancelled_at=at.isoformat(), note=None, a=1, b=2, c=3)

    def _holder(self) -> tuple[int, Holder]:
        customer = self.dice.choice([c for c in CUSTOMERS if c not in self.merged])
        with self.runtime.database.system() as session:
            account = accounts.accounts_of_customers(session, [(self.shop.id, customer)])[self.shop.id, customer]
            return customer, Holder(self.shop.id, programs.default_program(session, self.shop.id).id, account)

    def _action(self) -> None:
        at = START + timedelta(days=self.dice.randrange(120))
        _, holder = self._holder()
        with self.runtime.database.system() as session:
            key = str(self.dice.randrange(10**6))
            actions.record(session, self.shop.id, holder.account_id, kind="review", key=key, at=at, actor="key:1")

    def _adjust(self) -> None:
        _, holder = self._holder()
        with self.runtime.database.system() as session:
            points = self.dice.choice([-150, -20, 40, 300])
            key = str(uuid.UUID(int=self.dice.getrandbits(128)))
            note = "by hand: “=1+1” \\ \t \u2028"
            service.adjust(session, holder, points, request_id=key, note=note, actor="staff:1", allow_negative=True)

    def _redeem(self) -> None:
        customer, holder = self._holder()
        key = str(uuid.UUID(int=self.dice.getrandbits(128)))
        with self.runtime.database.system() as session:
            reward = session.query(Reward).filter_by(shop_id=self.shop.id).first()
            assert reward is not None
            try:
                redemption.redeem(
                    session, self.shop, self.runtime.keyring, account_id=holder.account_id, customer_id=customer,
                    reward_id=reward.id, request_id=key, actor="key:1",
                )  # fmt: skip
            except Problem:
                return
        with self.runtime.database.system() as session:
            outcome = self.dice.choice(["held", "issued", "used", "failed"])
            if outcome == "failed":
                redemption_outcomes.failed(session, self.shop.id, key, "refused")
            if outcome in {"issued", "used"}:
                redemption_outcomes.issued(session, self.shop.id, key)
            if outcome == "used":
                redemption_outcomes.used(session, self.shop.id, [key], clock.now())

    def _expire(self) -> None:
        with self.runtime.database.system() as session:
            expiry.sweep(session)

    def _merge(self) -> None:
        left = [c for c in CUSTOMERS if c not in self.merged]
        if len(left) > 1 and self.dice.random() < 0.5:
            kept, absorbed = self.dice.sample(left, 2)
            self.merged.add(absorbed)
            with self.runtime.database.system() as session:
                changes, gone = customers.merge(session, [Merge(self.shop.id, kept, absorbed)])
                react(session, changes, frozenset(gone))

    def _import(self) -> None:
        number = len(self.imports)
        rows = f"c7@example.com,{number + 5},90,\nnew{number}@example.com,7,,2030-01-01\n"
        file = "email,points,lifetime,expires_at\n" + rows
        with self.runtime.database.system() as session:
            imported = balances.start(session, self.shop, io.BytesIO(file.encode()), actor="staff:1", again=True)
        balances.carry_on(self.runtime.database, self.shop.id, imported.id)
        self.imports.append(imported.id)

    def _undo(self) -> None:
        if self.imports:
            balances.take_back(self.runtime.database, self.shop.id, self.imports.pop(), actor="staff:1")
