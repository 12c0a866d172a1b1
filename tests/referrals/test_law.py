"""Whatever the order of deliveries: the same referrals, the same points (the convergence law, for friends)."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.changes import Changes, Key
from app.customers import service as customers
from app.customers.payload import Merge, parse_customer
from app.orders import service as orders
from app.orders.payload import parse_order, parse_refund
from app.reactions import react
from app.runtime import Runtime
from app.shops.models import Shop
from tests.referrals.conftest import ANN, AWAY, BEN, CEM, HOME, Circle
from tests.soak_page import write_section
from tests.webhooks.deliveries import START, customer_body, order_body, refund_body

DAN = 10
PEOPLE = (ANN, BEN, CEM, DAN)
EMAILS = {ANN: "ann@example.com", BEN: "ben@example.com", CEM: "cem@example.com", DAN: "Ann+d@example.com"}
Step = Callable[[Session], None]


def _react(session: Session, changes: Changes, regrouped: frozenset[Key] = frozenset()) -> None:
    react(session, changes, regrouped)


class History:
    """What happened in a shop, drawn from a seed; each step is one delivery."""

    def __init__(self, shop_id: int, seed: int, codes: dict[int, str]) -> None:
        self.shop_id, self.rng, self.codes = shop_id, Random(seed), codes
        self._second = count(1)
        self.steps: list[Step] = [self._person(one) for one in PEOPLE]
        for number in range(1, 7):
            self.steps += self._order(number)
        if self.rng.random() < 0.3:
            self.steps.append(self._merge(*self.rng.sample(PEOPLE, 2)))

    def _at(self) -> datetime:
        return START + timedelta(seconds=next(self._second))

    def _person(self, customer: int) -> Step:
        at = self._at()
        phone = "+4915112345678" if customer in (ANN, CEM) and self.rng.random() < 0.3 else None
        snapshot = parse_customer(self.shop_id, customer_body(customer, at=at, email=EMAILS[customer], phone=phone), at)
        return lambda session: _react(session, customers.apply(session, [snapshot]))

    def _order(self, number: int) -> list[Step]:
        rng, buyer = self.rng, self.rng.choice(PEOPLE)
        placed = (START + timedelta(days=rng.randrange(10))).isoformat()
        ref = rng.choice([*self.codes.values(), self.codes[ANN], None])
        fixed: dict[str, Any] = {
            "customer_id": buyer,
            "processed_at": placed,
            "email": EMAILS[buyer],
            "shipping_address": HOME if rng.random() < 0.2 else AWAY | {"zip": str(buyer)},
            "note_attributes": [{"name": "_ref", "value": ref}] if ref and rng.random() < 0.7 else [],
            "landing_site": f"/?ref={ref}" if ref else "/",
        }
        states: list[dict[str, Any]] = [{"status": rng.choice(("paid", "pending"))}, {"status": "paid"}]
        if rng.random() < 0.3:
            states.append({"status": "paid", "cancelled_at": placed})
        told = [self._telling(order_body(number, at=(at := self._at()), **fixed | state), at) for state in states]
        if rng.random() < 0.3:
            told.append(self._refund(number, rng.choice(("90.00", "100.00"))))
        return told

    def _telling(self, body: dict[str, Any], at: datetime) -> Step:
        snapshot = parse_order(self.shop_id, body, at)
        return lambda session: _react(session, orders.apply(session, [snapshot]))

    def _refund(self, number: int, lines: str) -> Step:
        refund = parse_refund(self.shop_id, refund_body(number + 100, number, lines=lines))
        return lambda session: _react(session, orders.apply_refunds(session, [refund]))

    def _merge(self, kept: int, absorbed: int) -> Step:
        def step(session: Session) -> None:
            changes, regrouped = customers.merge(session, [Merge(self.shop_id, kept, absorbed)])
            react(session, changes, frozenset(regrouped))

        return step


def live(circle: Circle, steps: Sequence[Step], batch: int) -> None:
    for first in range(0, len(steps), batch):
        with circle.runtime.database.system() as session:
            for step in steps[first : first + batch]:
                step(session)


def ending(circle: Circle) -> tuple[list[Any], list[Any]]:
    """Referrals, and points by customer and source."""
    with circle.runtime.database.system() as session:
        referrals = session.execute(text("select order_id, code, matched_by, refused from referrals order by 1")).all()
        points = session.execute(
            text("""select i.value, e.source_kind, e.source_id, sum(e.points)::bigint from ledger_entries e
                    join identities i on i.account_id = e.account_id and i.kind = 'customer'
                    where e.source_kind in ('order', 'referral')
                    group by 1, 2, 3 having sum(e.points) <> 0 order by 1, 2, 3""")
        ).all()
    return [tuple(row) for row in referrals], [tuple(row) for row in points]


def check(runtime: Runtime, shop: Shop, seed: int, shuffles: int) -> int:
    """Live one history several times; returns how many of its orders were rewarded."""
    circle, endings = Circle(runtime, shop), []
    rng = Random(seed)
    for turn in range(shuffles):
        circle.start_over()
        for customer in PEOPLE:
            circle.code(customer)
        with runtime.database.system() as session:
            session.execute(text("update referral_codes set code = 'C' || account_id"))
        history = History(shop.id, seed, {customer: f"C{place}" for place, customer in enumerate(PEOPLE, start=1)})
        steps = [*history.steps, *rng.sample(history.steps, 3)] if turn else history.steps
        live(circle, rng.sample(steps, len(steps)) if turn else steps, batch=rng.choice((1, 3, 20)))
        endings.append(ending(circle))
        circle.require_true()
    assert endings == [endings[0]] * shuffles
    return sum(refused is None for *_, refused in endings[0][0])


@pytest.mark.requirement(37, partly=True)
def test_the_order_of_deliveries_does_not_matter(runtime: Runtime, shop: Shop) -> None:
    assert sum(check(runtime, shop, seed, shuffles=3) for seed in range(2)) > 0


@pytest.mark.soak
def test_the_order_of_deliveries_does_not_matter_in_many_histories(runtime: Runtime, shop: Shop) -> None:
    rewarded = sum(check(runtime, shop, seed, shuffles=4) for seed in range(100, 400))
    write_section(
        "Friends are the same in any order of deliveries",
        f"300 generated histories of members and friends, each lived 4 times in another order with repetitions: equal "
        f"referrals and equal points, {rewarded} orders rewarded.",
    )
