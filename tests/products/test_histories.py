"""Customers who were there before us: what Shopify counts of them, and that nobody is new whose past is unknown."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from app import clock
from app.customers.imported import Figures, note_figures
from app.loyalty.verify import verify
from app.orders.models import AccountTotals
from app.reactions import react
from app.shops.models import Shop
from tests.products.conftest import Market, line

WELCOME = [{"kind": "nth_order", "points": 100, "orders": [1]}, {"kind": "nth_order", "points": 9, "every": 4}]


@pytest.fixture
def installed(market: Market) -> Market:
    """Perennial was installed an hour ago; orders of before did not come."""
    with market.runtime.database.system() as session:
        session.execute(update(Shop).values(orders_complete_from=clock.now() - timedelta(hours=1)))
    return market


def bought_before(market: Market, orders: int) -> int:
    """A customer with orders of $10.00 that were never told."""
    ann = market.customer()
    for _ in range(orders):
        market.order(ann, line("10.00"), at=clock.now() - timedelta(days=1))
    market.store.state.change("delete from deliveries", [()])
    return ann


def buy(market: Market, customer: int, at: datetime | None = None) -> int:
    order = market.order(customer, line("10.00"), at=at or clock.now())
    market.deliver()
    return order


def totals(market: Market) -> AccountTotals:
    with market.runtime.database.system() as session:
        return session.scalars(select(AccountTotals)).one()


def test_orders_of_before_are_counted_when_a_rule_asks_for_numbers(installed: Market) -> None:
    installed.use_rules(earning=WELCOME)
    ann = bought_before(installed, 2)
    buy(installed, ann)
    assert installed.points(ann) == 0, "the third, not the first"
    installed.hour_later()
    buy(installed, ann)
    assert installed.points(ann) == 9, "the fourth"
    held = totals(installed)
    assert (held.orders, held.lifetime_orders, held.lifetime_spent_minor, held.history_known) == (2, 4, 40_00, True)
    assert held.first_order_at is None, "it was before us"


def test_nobody_is_asked_about_who_came_after_the_installation(installed: Market) -> None:
    installed.use_rules(earning=WELCOME)
    bea = installed.commerce.create_customer(at=clock.now(), email="bea@example.com")
    installed.deliver()
    at = clock.now()
    buy(installed, bea, at)
    assert installed.points(bea) == 100
    held = totals(installed)
    assert (held.lifetime_orders, held.history_known, held.first_order_at) == (1, True, at.replace(microsecond=0))
    with installed.runtime.database.system() as session:
        assert session.scalar(text("select imported_at from customers")) is None


def test_an_order_that_comes_before_its_customer_counts_as_the_first_when_the_customer_is_known(
    installed: Market,
) -> None:
    installed.use_rules(earning=WELCOME)
    bea = installed.commerce.create_customer(at=clock.now(), email="bea@example.com")
    installed.order(bea, line("10.00"), at=clock.now())
    told = installed.waiting()
    installed.loses_jobs = True
    installed.take([item for item in told if item.topic.startswith("orders/")])
    assert installed.points(bea) == 0
    installed.take([item for item in told if item.topic.startswith("customers/")])
    assert installed.points(bea) == 100


def test_unknown_is_not_new(installed: Market) -> None:
    """No rule asks for numbers, so nobody has read the figures."""
    ann = bought_before(installed, 1)
    buy(installed, ann)
    held = totals(installed)
    assert (held.orders, held.lifetime_orders, held.history_known, held.first_order_at) == (1, 1, False, None)
    installed.use_rules(earning=WELCOME)
    with installed.runtime.database.system() as session:
        react(session, note_figures(session, installed.shop.id, []))
    assert installed.points(ann) == 10


def test_a_guest_is_never_new(installed: Market) -> None:
    installed.use_rules(earning=WELCOME)
    installed.commerce.place_order(at=clock.now(), email="guest@example.com", lines=[line("10.00")])
    installed.deliver()
    with installed.runtime.database.system() as session:
        assert session.scalar(text("select count(*) from ledger_entries")) == 0


@pytest.mark.parametrize("first", ["figures", "customer", "order"])
def test_figures_count_the_same_whatever_comes_first(installed: Market, first: str) -> None:
    installed.use_rules(earning=WELCOME)
    ann = bought_before(installed, 1)
    at = clock.now()
    figures = [Figures(ann, 2, 20_00, at), Figures(ann, 3, 30_00, at + timedelta(hours=1))]

    def note() -> None:
        with installed.runtime.database.system() as session:
            for item in figures if first == "customer" else figures[::-1]:
                react(session, note_figures(session, installed.shop.id, [item]))

    steps: dict[str, Any] = {
        "figures": note,
        "customer": lambda: installed.commerce.update_customer(ann, at=at, note="x"),
        "order": lambda: installed.order(ann, line("10.00"), at=at - timedelta(seconds=5)),
    }
    for name in (first, *(name for name in steps if name != first)):
        steps[name]()
        installed.deliver()
    held = totals(installed)
    assert (held.orders, held.lifetime_orders, held.lifetime_spent_minor, held.history_known) == (1, 2, 20_00, True)
    with installed.runtime.database.system() as session:
        assert verify(session).disagreements == ()
        assert session.scalar(text("select imported_at from customers")) == at


def test_a_refund_of_an_order_that_shopify_counted_lowers_what_was_spent(installed: Market) -> None:
    ann = bought_before(installed, 1)
    order = buy(installed, ann, clock.now() - timedelta(minutes=10))
    with installed.runtime.database.system() as session:
        counted = Figures(ann, 2, 20_00, clock.now() - timedelta(minutes=5))
        react(session, note_figures(session, installed.shop.id, [counted]))
    assert totals(installed).lifetime_spent_minor == 20_00
    document = installed.store.state.get(installed.shop.domain, "order", order)
    assert document is not None
    installed.commerce.refund(order, at=clock.now(), lines={document["line_items"][0]["id"]: 1})
    installed.deliver()
    assert (totals(installed).lifetime_spent_minor, totals(installed).spent_minor) == (10_00, 0)
