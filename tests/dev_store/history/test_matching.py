"""Cancellations find their purchases as issue 2 section 4 says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from dev_store.history.replay import invoices
from dev_store.history.replay.invoices import Line
from dev_store.history.replay.report import Report
from dev_store.history.steps import Step

DAY = datetime(2011, 1, 1, 9, tzinfo=UTC)


def line(invoice: str, quantity: int, *, day: int = 0, code: str = "A", price: str = "1.00", customer: int = 7) -> Line:
    at = DAY + timedelta(days=day)
    return Line(invoice, code, f"Thing {code}", quantity, at, Decimal(price), customer)


def lived(*lines: Line) -> tuple[list[Step], Report]:
    return invoices.history(list(lines))


def refunds(*lines: Line) -> list[tuple[str, dict[int, int]]]:
    steps, _ = lived(*lines)
    return [(step.args["order"], step.args["lines"]) for step in steps if step.verb == "refund"]


def test_newest_earlier_invoice_gives_first() -> None:
    assert refunds(line("1", 5), line("2", 5, day=1), line("3", 5, day=3), line("C4", -2, day=2)) == [("2", {0: 2})]


def test_a_cancellation_is_split_over_invoices_from_the_newest_back() -> None:
    found = refunds(line("1", 5), line("2", 5, day=1), line("C3", -7, day=2))
    assert found == [("2", {0: 5}), ("1", {0: 2})]


def test_what_was_given_back_is_not_given_twice() -> None:
    found = refunds(line("1", 5), line("C2", -3, day=1), line("C3", -3, day=2))
    assert found == [("1", {0: 3}), ("1", {0: 2})]


def test_what_finds_no_purchase_is_counted_and_changes_nothing() -> None:
    steps, report = lived(line("1", 5), line("C2", -8, day=1), line("C3", -1, day=1, code="B"))
    assert [step.args["lines"] for step in steps if step.verb == "refund"] == [{0: 5}]
    assert report.counts["cancellation lines without a purchase to match, or with too small a one"] == 2
    assert report.counts["pieces on them that could not be matched"] == 4


def test_another_customers_purchase_is_not_touched() -> None:
    assert refunds(line("1", 5, customer=8), line("2", 5), line("C3", -1, day=1)) == [("2", {0: 1})]


def test_a_purchase_of_the_same_minute_is_not_earlier() -> None:
    assert refunds(line("1", 5), line("C2", -1)) == []


def test_of_two_purchases_of_one_instant_the_higher_number_is_newer() -> None:
    assert refunds(line("1", 5), line("2", 5), line("C3", -6, day=1)) == [("2", {0: 5}), ("1", {0: 1})]


def test_several_lines_of_one_code_give_in_their_order() -> None:
    found = refunds(line("1", 2, price="1.00"), line("1", 4, price="0.80"), line("C2", -3, day=1))
    assert found == [("1", {0: 2, 1: 1})]


def test_postage_is_shipping_and_comes_back_as_shipping() -> None:
    goods, post = line("1", 1, price="9.99"), line("1", 2, code="POST", price="18.00")
    steps, _ = lived(goods, post, line("C2", -1, day=1, code="POST", price="18.00"))
    placed, refund = steps[1], steps[2]
    assert (len(placed.args["lines"]), placed.args["shipping"]) == (1, "36.00")
    assert (refund.args["lines"], refund.args["shipping"]) == ({}, "18.00")


def test_codes_that_are_no_goods_are_ordinary_lines_except_postage() -> None:
    steps, _ = lived(line("1", 1, code="M", price="3.50"), line("1", 1, code="BANK CHARGES", price="15.00"))
    assert [entry["sku"] for entry in steps[1].args["lines"]] == ["M", "BANK CHARGES"]


def test_worthless_lines_guests_and_wrong_signs_are_left_out_and_counted() -> None:
    guest = line("5", 1)._replace(customer=None)
    steps, report = lived(line("1", 1), line("1", 1, price="0"), line("2", -1), line("C3", 1), guest)
    assert [step.verb for step in steps] == ["create_customer", "place_order"]
    assert report.counts["lines left out: price of nothing or less"] == 1
    assert report.counts["lines left out: no customer"] == 1
    assert report.counts["lines left out: quantity of the wrong sign"] == 2


def test_a_tenth_of_a_penny_is_a_price_that_rounds_to_nothing() -> None:
    steps, _ = lived(line("1", 1, code="PADS", price="0.001"))
    assert steps[1].args["lines"][0]["price"] == "0.00"
