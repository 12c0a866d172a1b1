"""Codes at the checkout: honoured under their rules, refused with a reason, allocated to the cent."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev_store import discounts
from dev_store.commerce import CheckoutRefused, Commerce, OrderLine
from dev_store.refusals import RefusalError
from tests.dev_store.scene import NOON, MakeShop

LINES = [OrderLine("Mug", 2, "12.50", product_id=1), OrderLine("Pot", 1, "7.99", product_id=2)]


def buy(shop: Commerce, *codes: str, **more: Any) -> dict[str, Any]:
    """Places an order with the codes and returns its document."""
    order_id = shop.place_order(**{"at": NOON, "lines": LINES, **more}, discount_codes=codes)
    found = shop.state.get(shop.shop, "order", order_id)
    assert found is not None
    return found


def refusal(shop: Commerce, *codes: str, **more: Any) -> str:
    with pytest.raises(CheckoutRefused) as refused:
        buy(shop, *codes, **more)
    return refused.value.reason


def change(shop: Commerce, discount_id: int, **fields: Any) -> None:
    document = shop.state.get(shop.shop, "discount", discount_id)
    assert document is not None
    shop.state.put(shop.shop, "discount", discount_id, {**document, **fields})


def test_a_fixed_amount_is_spread_over_the_lines(shop: Commerce) -> None:
    shop.create_discount(at=NOON, code="FIVE", amount="5.00")
    order = buy(shop, " five")
    assert order["discount_codes"] == [{"code": "five", "amount": "5.00", "type": "fixed_amount"}]
    assert [line["discount_allocations"][0]["amount"] for line in order["line_items"]] == ["3.79", "1.21"]
    assert (order["total_discounts"], order["subtotal_price"]) == ("5.00", "27.99")


def test_an_amount_stops_at_what_the_goods_cost(shop: Commerce) -> None:
    shop.create_discount(at=NOON, code="LOTS", amount="500.00")
    order = buy(shop, "LOTS", shipping="4.50")
    assert (order["subtotal_price"], order["total_price"], order["financial_status"]) == ("0.00", "4.50", "paid")


def test_a_percentage_is_rounded_once(shop: Commerce) -> None:
    shop.create_discount(at=NOON, code="THIRD", percentage="0.333")
    order = buy(shop, "THIRD")
    assert order["total_discounts"] == "10.99"
    assert order["discount_applications"][0]["value_type"] == "percentage"


def test_a_discount_on_a_product_leaves_the_other_lines_alone(shop: Commerce) -> None:
    shop.create_discount(at=NOON, code="POTS", percentage="0.5", products=[2])
    order = buy(shop, "POTS")
    assert order["line_items"][0]["discount_allocations"] == []
    assert order["total_discounts"] == "4.00"


def test_product_discounts_come_before_order_discounts(shop: Commerce) -> None:
    shop.create_discount(at=NOON, code="HALF", percentage="0.5", combines=True)
    shop.create_discount(at=NOON, code="MUGS", amount="5.00", products=[1], combines=True)
    assert buy(shop, "HALF", "MUGS")["subtotal_price"] == "13.99"


def test_a_code_nobody_made_is_refused(shop: Commerce) -> None:
    assert refusal(shop, "NOPE") == discounts.NOT_FOUND


def test_a_code_is_valid_between_its_dates_only(shop: Commerce) -> None:
    ends = (NOON + timedelta(days=1)).isoformat()
    shop.create_discount(at=NOON, code="SOON", amount="5.00", ends_at=ends)
    assert refusal(shop, "SOON", at=NOON - timedelta(seconds=1)) == discounts.NOT_STARTED
    assert refusal(shop, "SOON", at=NOON + timedelta(days=1)) == discounts.EXPIRED
    buy(shop, "SOON", at=NOON + timedelta(hours=23))


def test_a_used_up_code_stays_used_up_when_the_order_is_cancelled(shop: Commerce) -> None:
    shop.create_discount(at=NOON, code="ONCE", amount="5.00", usage_limit=1)
    shop.cancel(buy(shop, "ONCE")["id"], at=NOON)
    assert refusal(shop, "ONCE") == discounts.USED_UP


def test_codes_of_one_discount_have_a_limit_each(shop: Commerce) -> None:
    key = shop.create_discount(at=NOON, code="A1", amount="5.00", usage_limit=1)
    change(shop, key, codes=[{"id": n, "code": f"A{n}", "usage_count": 0} for n in (1, 2)])
    buy(shop, "A1")
    buy(shop, "A2")
    assert refusal(shop, "A1") == discounts.USED_UP


def test_once_per_customer_knows_account_and_address(shop: Commerce) -> None:
    ann = shop.create_customer(at=NOON, email="ann@example.com")
    shop.create_discount(at=NOON, code="FIRST", amount="5.00", once_per_customer=True)
    assert refusal(shop, "FIRST") == discounts.CUSTOMER_NEEDED
    buy(shop, "FIRST", customer_id=ann)
    assert refusal(shop, "FIRST", customer_id=ann) == discounts.ALREADY_USED
    buy(shop, "FIRST", email="Guest@example.com")
    assert refusal(shop, "FIRST", email="guest@example.com ") == discounts.ALREADY_USED


def test_a_personal_code_serves_its_customer_only(shop: Commerce) -> None:
    ann = shop.create_customer(at=NOON, email="ann@example.com")
    bob = shop.create_customer(at=NOON, email="bob@example.com")
    shop.create_discount(at=NOON, code="ANNS", amount="5.00", customers=[ann])
    assert refusal(shop, "ANNS") == discounts.CUSTOMER_NEEDED
    assert refusal(shop, "ANNS", customer_id=bob) == discounts.OTHER_CUSTOMER
    assert refusal(shop, "ANNS", email="stranger@example.com") == discounts.CUSTOMER_NEEDED
    buy(shop, "ANNS", customer_id=ann)
    buy(shop, "ANNS", email="ANN@example.com")


def test_a_discount_for_segments_is_not_given_by_guess(shop: Commerce) -> None:
    key = shop.create_discount(at=NOON, code="VIPS", amount="5.00")
    change(shop, key, context={"segments": ["gid://shopify/Segment/1"]})
    assert refusal(shop, "VIPS") == discounts.SEGMENT_UNKNOWN


@pytest.mark.parametrize(
    ("minimum", "reason"),
    [({"subtotal": "33.00"}, discounts.MINIMUM_SUBTOTAL), ({"quantity": 4}, discounts.MINIMUM_QUANTITY)],
)
def test_a_minimum_must_be_reached(shop: Commerce, minimum: dict[str, Any], reason: str) -> None:
    key = shop.create_discount(at=NOON, code="BIG", amount="5.00")
    change(shop, key, minimum_requirement=minimum)
    assert refusal(shop, "BIG") == reason
    buy(shop, "BIG", lines=[*LINES, OrderLine("Lid", 1, "0.01")])


def test_a_code_for_absent_products_is_refused(shop: Commerce) -> None:
    shop.create_discount(at=NOON, code="HATS", amount="5.00", products=[99])
    assert refusal(shop, "HATS") == discounts.NO_ITEMS


def test_codes_combine_only_when_both_allow_it(shop: Commerce) -> None:
    shop.create_discount(at=NOON, code="ONE", amount="5.00", combines=True)
    shop.create_discount(at=NOON, code="TWO", amount="5.00")
    assert refusal(shop, "ONE", "TWO") == discounts.NOT_COMBINABLE
    assert refusal(shop, "ONE", "one") == discounts.NOT_COMBINABLE


def test_a_refused_code_places_no_order_and_uses_nothing_up(shop: Commerce) -> None:
    shop.create_discount(at=NOON, code="ONE", amount="5.00", usage_limit=1)
    refusal(shop, "ONE", "NOPE")
    assert shop.state.count(shop.shop, "order") == 0
    buy(shop, "ONE")


def test_a_taken_code_cannot_be_made_again(shop: Commerce) -> None:
    shop.create_discount(at=NOON, code="ONE", amount="5.00")
    with pytest.raises(RefusalError, match="taken"):
        shop.create_discount(at=NOON, code="one", percentage="0.1")


_numbers = count()  # every example opens a shop of its own
prices = st.integers(0, 100_000).map(lambda cents: f"{cents // 100}.{cents % 100:02}")
carts = st.lists(st.builds(OrderLine, st.just("Thing"), st.integers(1, 9), prices), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(carts, prices.filter(lambda price: price != "0.00"), st.integers(0, 100))
def test_allocations_sum_to_what_each_code_took_off(
    make_shop: MakeShop, lines: list[OrderLine], amount: str, percent: int
) -> None:
    shop = make_shop(f"s{next(_numbers)}.myshopify.com")
    shop.create_discount(at=NOON, code="AMOUNT", amount=amount, combines=True)
    shop.create_discount(at=NOON, code="SHARE", percentage=str(Decimal(percent) / 100), combines=True)
    order = buy(shop, "AMOUNT", "SHARE", lines=lines)
    for index, code in enumerate(order["discount_codes"]):
        allocated = [
            Decimal(entry["amount"])
            for line in order["line_items"]
            for entry in line["discount_allocations"]
            if entry["discount_application_index"] == index
        ]
        assert sum(allocated) == Decimal(code["amount"])
    taken = sum(Decimal(code["amount"]) for code in order["discount_codes"])
    assert Decimal(order["subtotal_price"]) == Decimal(order["total_line_items_price"]) - taken >= 0
