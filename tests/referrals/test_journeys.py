"""The last trace: Shopify's own record of a buyer's visits, asked for once."""

from typing import Any

import pytest

from app import clock
from app.jobs import drain
from app.orders import service as orders
from app.orders.payload import parse_order
from app.reactions import react
from app.referrals.journeys import code_of
from dev_store.commerce import OrderLine
from tests.orders.conftest import Shopify, connected  # noqa: F401 - a fixture
from tests.referrals.conftest import ANN, Circle


def deliver(shop: Shopify, order: int) -> None:
    snapshot = parse_order(shop.shop.id, shop.document(order), clock.now())
    with shop.runtime.database.system() as session:
        react(session, orders.apply(session, [snapshot]))


def bought(shop: Shopify, email: str, page: str | None) -> int:
    buyer = shop.commerce.create_customer(at=clock.now(), email=email)
    tea = OrderLine(title="Tea", quantity=1, price="50.00")
    order = shop.commerce.place_order(
        at=clock.now(), customer_id=buyer, email=email, lines=[tea], landing_site=page, source_name="web"
    )
    deliver(shop, order)
    return int(order)


def test_visits_tell_whom_a_friend_came_through(connected: Shopify) -> None:  # noqa: F811 - the fixture
    circle = Circle(connected.runtime, connected.shop)
    circle.customer(ANN, "ann@example.com")
    # Shopify knows other names of the parameter than we give our links.
    order = bought(connected, "ben@example.com", f"/?r={circle.code()}")
    assert circle.referrals() == []
    assert drain(connected.runtime) == 1
    assert circle.referrals() == [(order, "journey", None)]
    assert circle.brings(ANN) == 500
    deliver(connected, order)
    assert drain(connected.runtime) == 0


def test_who_came_by_himself_is_asked_about_once(connected: Shopify) -> None:  # noqa: F811 - the fixture
    circle = Circle(connected.runtime, connected.shop)
    order = bought(connected, "ben@example.com", None)
    assert drain(connected.runtime) == 1
    deliver(connected, order)
    assert drain(connected.runtime) == 0
    assert circle.referrals() == []


def test_a_shop_without_rewards_asks_nothing(connected: Shopify) -> None:  # noqa: F811 - the fixture
    Circle(connected.runtime, connected.shop, None)
    bought(connected, "ben@example.com", "/?r=ANN")
    assert drain(connected.runtime) == 0


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        ({}, None),
        ({"firstVisit": None, "lastVisit": None}, None),
        ({"firstVisit": {"referralCode": "ann", "landingPage": "/?ref=BEN"}}, "ANN"),
        ({"firstVisit": {"referralCode": "not a code", "landingPage": "/?ref=BEN"}}, "BEN"),
        ({"firstVisit": {"referralCode": None, "landingPage": "/"}, "lastVisit": {"referralCode": "CEM"}}, "CEM"),
    ],
)
def test_the_first_visit_is_believed_before_the_last(summary: dict[str, Any], code: str | None) -> None:
    assert code_of(summary) == code
