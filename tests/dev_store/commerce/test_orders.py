"""Orders to the cent: totals, taxes, payment, refunds, cancellations, edits."""

from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev_store.commerce import Commerce, OrderLine
from dev_store.refusals import RefusalError, Unknown
from tests.dev_store.scene import NOON, MakeShop, Sent

LINES = [OrderLine("Mug", 2, "12.50"), OrderLine("Pot", 3, "7.99")]


def order_of(shop: Commerce, order_id: int) -> dict[str, Any]:
    found = shop.state.get(shop.shop, "order", order_id)
    assert found is not None
    return found


def line_ids(shop: Commerce, order_id: int) -> list[int]:
    return [line["id"] for line in order_of(shop, order_id)["line_items"]]


def test_totals_add_goods_postage_and_tip(shop: Commerce) -> None:
    order = order_of(shop, shop.place_order(at=NOON, lines=LINES, shipping="4.50", tip="1.00"))
    assert (order["total_line_items_price"], order["subtotal_price"], order["total_price"]) == (
        "48.97",
        "48.97",
        "54.47",
    )
    assert order["current_subtotal_price_set"]["shop_money"] == {"amount": "48.97", "currency_code": "USD"}
    assert (order["financial_status"], order["total_outstanding"]) == ("paid", "0.00")
    assert order["customer"] is None


@pytest.mark.parametrize(("included", "tax", "total"), [(False, "9.79", "58.76"), (True, "8.17", "48.97")])
def test_taxes_are_added_or_contained_and_rounded_for_each_line(
    make_shop: MakeShop, included: bool, tax: str, total: str
) -> None:
    shop = make_shop(taxes_included=included, tax_rate="0.2")
    order = order_of(shop, shop.place_order(at=NOON, lines=LINES))
    assert (order["subtotal_price"], order["total_tax"], order["total_price"]) == ("48.97", tax, total)
    assert order["taxes_included"] is included


def test_presentment_money_stands_beside_shop_money(shop: Commerce) -> None:
    order = order_of(shop, shop.place_order(at=NOON, lines=LINES, presentment_currency="EUR", presentment_rate="0.9"))
    assert order["subtotal_price_set"]["presentment_money"] == {"amount": "44.07", "currency_code": "EUR"}
    assert order["subtotal_price"] == "48.97"


def test_a_pending_order_is_announced_paid_when_it_is_paid(shop: Commerce, sent: Sent) -> None:
    order_id = shop.place_order(at=NOON, lines=LINES, financial_status="pending")
    assert order_of(shop, order_id)["financial_status"] == "pending"
    assert order_of(shop, order_id)["total_outstanding"] == "48.97"
    shop.mark_paid(order_id, at=NOON)
    assert [topic for topic, _ in sent()] == ["orders/create", "orders/updated", "orders/paid", "orders/updated"]
    assert [body["financial_status"] for _, body in sent()] == ["pending", "pending", "paid", "paid"]
    assert len({body["updated_at"] for _, body in sent()}) == 1
    with pytest.raises(RefusalError):
        shop.mark_paid(order_id, at=NOON)


def test_refunded_goods_lower_the_current_figures_and_not_those_of_the_sale(shop: Commerce) -> None:
    order_id = shop.place_order(at=NOON, lines=LINES, shipping="4.50")
    mug, pot = line_ids(shop, order_id)
    shop.refund(order_id, at=NOON, lines={mug: 1, pot: 2}, shipping="4.50")
    order = order_of(shop, order_id)
    assert (order["current_subtotal_price"], order["current_total_price"]) == ("20.49", "20.49")
    assert (order["subtotal_price"], order["total_price"]) == ("48.97", "53.47")
    assert [line["current_quantity"] for line in order["line_items"]] == [1, 1]
    assert order["financial_status"] == "partially_refunded"
    refund = order["refunds"][0]
    assert [entry["subtotal"] for entry in refund["refund_line_items"]] == [12.5, 15.98]
    assert refund["transactions"][0]["amount"] == "32.98"
    assert refund["order_adjustments"] == []
    [postage] = refund["refund_shipping_lines"]
    assert postage["subtotal_amount_set"]["shop_money"]["amount"] == "4.50"
    assert postage["shipping_line_id"] == order["shipping_lines"][0]["id"]


def test_loose_money_is_a_discrepancy_and_leaves_the_subtotal_alone(shop: Commerce, sent: Sent) -> None:
    order_id = shop.place_order(at=NOON, lines=LINES)
    shop.refund(order_id, at=NOON, amount="5.00")
    order = order_of(shop, order_id)
    assert (order["current_subtotal_price"], order["total_outstanding"]) == ("48.97", "0.00")
    assert order["financial_status"] == "partially_refunded"
    topic, body = sent()[-2]
    assert topic == "refunds/create"
    assert [(one["kind"], one["amount"]) for one in body["order_adjustments"]] == [("refund_discrepancy", "-5.00")]
    assert body["refund_line_items"] == []


@pytest.mark.parametrize(
    "wanted", [{"amount": "48.98"}, {"shipping": "0.01"}, {"amount": "-1.00"}, {}, {"lines": {1: 1}}]
)
def test_a_refund_that_cannot_be_is_refused(shop: Commerce, wanted: dict[str, Any]) -> None:
    order_id = shop.place_order(at=NOON, lines=LINES)
    with pytest.raises(RefusalError):
        shop.refund(order_id, at=NOON, **wanted)
    assert order_of(shop, order_id)["refunds"] == []


def test_more_pieces_than_are_left_cannot_be_refunded(shop: Commerce) -> None:
    order_id = shop.place_order(at=NOON, lines=LINES)
    mug = line_ids(shop, order_id)[0]
    shop.refund(order_id, at=NOON, lines={mug: 2})
    with pytest.raises(RefusalError, match="0 pieces left"):
        shop.refund(order_id, at=NOON, lines={mug: 1})


def test_cancelling_a_paid_order_refunds_all_of_it(shop: Commerce, sent: Sent) -> None:
    order_id = shop.place_order(at=NOON, lines=LINES, shipping="4.50", tip="1.00")
    shop.refund(order_id, at=NOON, amount="3.00")
    shop.cancel(order_id, at=NOON)
    order = order_of(shop, order_id)
    assert (order["financial_status"], order["current_total_price"], order["cancel_reason"]) == (
        "refunded",
        "0.00",
        "customer",
    )
    paid_back = [Decimal(one["amount"]) for refund in order["refunds"] for one in refund["transactions"]]
    assert sum(paid_back) == Decimal("54.47")
    assert [topic for topic, _ in sent()[-3:]] == ["orders/cancelled", "orders/updated", "refunds/create"]
    with pytest.raises(RefusalError):
        shop.cancel(order_id, at=NOON)


def test_cancelling_an_unpaid_order_voids_it_without_a_transaction(shop: Commerce) -> None:
    order_id = shop.place_order(at=NOON, lines=LINES, financial_status="pending")
    shop.cancel(order_id, at=NOON, refund=False)
    order = order_of(shop, order_id)
    assert (order["financial_status"], order["current_subtotal_price"]) == ("voided", "0.00")
    assert order["refunds"][0]["transactions"] == []


def test_cancelling_without_refund_keeps_the_money(shop: Commerce) -> None:
    order_id = shop.place_order(at=NOON, lines=LINES)
    assert shop.cancel(order_id, at=NOON, refund=False) is None
    order = order_of(shop, order_id)
    assert (order["financial_status"], order["current_subtotal_price"], order["refunds"]) == ("paid", "48.97", [])


def test_an_edit_moves_the_current_figures_and_leaves_a_balance(shop: Commerce, sent: Sent) -> None:
    order_id = shop.place_order(at=NOON, lines=LINES)
    mug = line_ids(shop, order_id)[0]
    [lid] = shop.edit_order(order_id, at=NOON, add=[OrderLine("Lid", 4, "5.00")], remove={mug: 1})
    order = order_of(shop, order_id)
    assert (order["subtotal_price"], order["current_subtotal_price"]) == ("48.97", "56.47")
    assert (order["financial_status"], order["total_outstanding"]) == ("partially_paid", "7.50")
    assert order["refunds"] == []
    topic, body = sent()[-2]
    assert topic == "orders/edited"
    assert body["order_edit"]["line_items"] == {
        "additions": [{"id": lid, "delta": 4}],
        "removals": [{"id": mug, "delta": 1}],
    }
    shop.mark_paid(order_id, at=NOON)
    assert order_of(shop, order_id)["financial_status"] == "paid"


def test_a_deleted_order_is_gone_with_its_refunds(shop: Commerce, sent: Sent) -> None:
    order_id = shop.place_order(at=NOON, lines=LINES)
    shop.refund(order_id, at=NOON, amount="1.00")
    shop.delete_order(order_id, at=NOON)
    assert sent()[-1] == ("orders/delete", {"id": order_id})
    assert shop.state.count(shop.shop, "refund") == 0
    with pytest.raises(Unknown):
        shop.mark_paid(order_id, at=NOON)


@pytest.mark.parametrize(
    "lines", [[], [OrderLine("Mug", 0, "1.00")], [OrderLine("Mug", 1, "-1.00")]], ids=["none", "no pieces", "negative"]
)
def test_an_order_without_sense_is_refused(shop: Commerce, lines: list[OrderLine]) -> None:
    with pytest.raises(RefusalError):
        shop.place_order(at=NOON, lines=lines)


_numbers = count()  # every example opens a shop of its own
prices = st.integers(0, 50_000).map(lambda cents: f"{cents // 100}.{cents % 100:02}")
carts = st.lists(st.builds(OrderLine, st.just("Thing"), st.integers(1, 6), prices), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(carts, st.integers(0, 100), st.randoms(use_true_random=False), st.sampled_from(["0", "0.2", "0.0825"]))
def test_refunding_everything_in_any_portions_pays_back_exactly_what_was_paid(
    make_shop: MakeShop, lines: list[OrderLine], percent: int, rng: Any, rate: str
) -> None:
    shop = make_shop(f"s{next(_numbers)}.myshopify.com", tax_rate=rate)
    shop.create_discount(at=NOON, code="SOME", percentage=str(Decimal(percent) / 100))
    order_id = shop.place_order(at=NOON, lines=lines, discount_codes=["SOME"])
    pieces = [line["id"] for line in order_of(shop, order_id)["line_items"] for _ in range(line["quantity"])]
    rng.shuffle(pieces)
    while pieces:
        portion = [pieces.pop() for _ in range(min(len(pieces), rng.randint(1, 4)))]
        shop.refund(order_id, at=NOON, lines={line_id: portion.count(line_id) for line_id in set(portion)})
    order = order_of(shop, order_id)
    assert order["current_subtotal_price"] == order["current_total_price"] == order["current_total_tax"] == "0.00"
    paid_back = [Decimal(one["amount"]) for refund in order["refunds"] for one in refund["transactions"]]
    assert sum(paid_back) == Decimal(order["total_price"])
    assert order["total_outstanding"] == "0.00"
