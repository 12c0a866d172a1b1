"""What accounts should hold, by hand-made cases through the development store's own verbs."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from dev_store.commerce import Commerce, OrderLine, open_shop
from dev_store.config import AppConfig
from dev_store.history import figures
from dev_store.state import State
from dev_store.webhooks.outbox import Outbox
from dev_store.webhooks.queue import Queue

SHOP = "fern.myshopify.com"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(days=1)
FERN = OrderLine("Fern", 2, "10.25")
POT = OrderLine("Pot", 1, "4.99")


@pytest.fixture
def shop() -> Iterator[Commerce]:
    state = State(None)
    open_shop(state, SHOP, name="Fern", at=AT, currency="GBP", timezone="Europe/London", country="GB")
    yield Commerce(state, SHOP, Outbox(state, Queue(state, random.Random(1)), AppConfig("2026-10", ())))
    state.close()


def earned(shop: Commerce) -> dict[str, int]:
    accounts = figures.expected(shop.state, SHOP)["accounts"]
    return {owner: row["earned"] for owner, row in accounts.items()}


def order(shop: Commerce, customer: int, lines: tuple[OrderLine, ...] = (FERN, POT), **args: object) -> int:
    return shop.place_order(at=AT, customer_id=customer, lines=lines, **args)


def lines_of(shop: Commerce, order_id: int) -> list[int]:
    document = shop.state.get(SHOP, "order", order_id)
    assert document
    return [line["id"] for line in document["line_items"]]


@pytest.fixture
def ana(shop: Commerce) -> int:
    return shop.create_customer(at=AT, email="ana@example.com")


def test_goods_count_in_whole_units_and_postage_and_tips_do_not(shop: Commerce, ana: int) -> None:
    order(shop, ana, shipping="4.50", tip="2.00")
    assert earned(shop) == {str(ana): 25}


def test_each_order_is_rounded_down_by_itself(shop: Commerce, ana: int) -> None:
    order(shop, ana, (POT,))
    order(shop, ana, (POT,))
    assert earned(shop) == {str(ana): 8}


def test_pending_earns_nothing_until_paid_and_stays_after_an_edit_leaves_money_open(shop: Commerce, ana: int) -> None:
    placed = order(shop, ana, financial_status="pending")
    assert earned(shop) == {str(ana): 0}
    shop.mark_paid(placed, at=LATER)
    assert earned(shop) == {str(ana): 25}
    shop.edit_order(placed, at=LATER, add=[OrderLine("Seeds", 1, "3.45")])
    assert earned(shop) == {str(ana): 28}


@pytest.mark.parametrize("refund", [True, False])
def test_cancelled_earns_nothing_whether_or_not_the_money_went_back(shop: Commerce, ana: int, refund: bool) -> None:
    shop.cancel(order(shop, ana), at=LATER, refund=refund)
    assert earned(shop) == {str(ana): 0}


def test_tests_and_deleted_orders_earn_nothing(shop: Commerce, ana: int) -> None:
    order(shop, ana, test=True)
    shop.delete_order(order(shop, ana), at=LATER)
    assert earned(shop) == {str(ana): 0}


def test_several_refunds_of_lines_lower_the_goods(shop: Commerce, ana: int) -> None:
    placed = order(shop, ana)
    fern, pot = lines_of(shop, placed)
    shop.refund(placed, at=LATER, lines={fern: 1})
    assert earned(shop) == {str(ana): 15}
    shop.refund(placed, at=LATER, lines={pot: 1})
    assert earned(shop) == {str(ana): 10}


def test_postage_given_back_changes_nothing(shop: Commerce, ana: int) -> None:
    placed = order(shop, ana, shipping="4.50")
    shop.refund(placed, at=LATER, shipping="4.50")
    assert earned(shop) == {str(ana): 25}


def test_money_without_a_line_lowers_the_goods_never_below_nothing(shop: Commerce, ana: int) -> None:
    placed = order(shop, ana, shipping="9.00", tip="5.00")
    fern, pot = lines_of(shop, placed)
    shop.refund(placed, at=LATER, amount="5.00")
    assert earned(shop) == {str(ana): 20}
    shop.refund(placed, at=LATER, lines={fern: 1, pot: 1}, amount="4.00", shipping="9.00")
    assert earned(shop) == {str(ana): 1}
    shop.refund(placed, at=LATER, amount="6.00")
    assert earned(shop) == {str(ana): 0}


def test_removing_pieces_by_an_edit_lowers_the_goods(shop: Commerce, ana: int) -> None:
    placed = order(shop, ana)
    shop.edit_order(placed, at=LATER, remove={lines_of(shop, placed)[0]: 2})
    assert earned(shop) == {str(ana): 4}


def test_guests_are_mailboxes_and_confirmed_ones_belong_to_their_customer(shop: Commerce, ana: int) -> None:
    shop.create_customer(at=AT, email="unsure@example.com", verified_email=False)
    for email in (" Guest@Example.com", "guest@example.com ", "ANA@example.com", "Unsure@example.com"):
        shop.place_order(at=AT, email=email, lines=[FERN])
    assert earned(shop) == {str(ana): 20, "guest@example.com": 40, "unsure@example.com": 20}


def test_a_merged_customers_orders_count_to_the_one_that_stays(shop: Commerce, ana: int) -> None:
    twin = shop.create_customer(at=AT, email="anna@example.com")
    order(shop, ana)
    order(shop, twin)
    shop.merge_customers(ana, twin, at=LATER)
    assert earned(shop) == {str(ana): 50}


def test_every_reward_code_cost_a_hundred_points(shop: Commerce, ana: int) -> None:
    _reward(shop, ana, "THANKS-1")
    _reward(shop, ana, "THANKS-2")
    order(shop, ana, discount_codes=["thanks-1"])
    found = figures.expected(shop.state, SHOP)
    assert found["accounts"][str(ana)] == {"orders": 1, "earned": 20, "codes": 2, "balance": -180}
    wanted = {"codes_issued": 2, "codes_used": 1, "points_spent": 200, "points_earned": 20, "points_outstanding": -180}
    assert wanted.items() <= found.items()


def test_a_discounted_line_given_back_takes_its_share_of_the_discount_along(shop: Commerce, ana: int) -> None:
    _reward(shop, ana, "THANKS")
    placed = order(shop, ana, (OrderLine("Fern", 2, "10.00"),), discount_codes=["THANKS"])
    assert earned(shop) == {str(ana): 15}
    shop.refund(placed, at=LATER, lines={lines_of(shop, placed)[0]: 1})
    assert earned(shop) == {str(ana): 7}


def _reward(shop: Commerce, customer: int, code: str) -> None:
    key = shop.state.next_id(SHOP, "discount")
    document = {
        "id": key,
        "title": code,
        "codes": [{"id": key, "code": code, "usage_count": 0}],
        "starts_at": AT.isoformat(),
        "ends_at": None,
        "context": {"customers": [customer]},
        "customer_gets": {"value": {"amount": "5.00", "each_item": False}, "items": {"all": True}},
        "minimum_requirement": None,
        "combines_with": dict.fromkeys(("order_discounts", "product_discounts", "shipping_discounts"), False),
        "usage_limit": 1,
        "applies_once_per_customer": True,
    }
    shop.state.put(SHOP, "discount", key, document)
