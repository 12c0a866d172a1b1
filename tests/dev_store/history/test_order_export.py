"""Shopify's order export becomes the same orders, as far as the file tells them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dev_store.history.replay import History, UnreadableFileError, read
from dev_store.history.steps import Step

# fmt: off
COLUMNS = [
    "Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at",
    "Accepts Marketing", "Currency", "Subtotal", "Shipping", "Taxes", "Total",
    "Discount Code", "Discount Amount", "Created at", "Lineitem quantity", "Lineitem name", "Lineitem price",
    "Lineitem sku", "Billing Name", "Notes", "Cancelled at", "Refunded Amount", "Id",
    "Source", "Phone",
]
# fmt: on
CREATED = "2026-05-01 10:00:00 +0200"


def row(**cells: str) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "") | {key.replace("_", " "): value for key, value in cells.items()}


def order(name: str = "#1001", **cells: Any) -> dict[str, str]:
    whole = {
        "Email": "ana@example.com",
        "Financial_Status": "paid",
        "Paid_at": CREATED,
        "Currency": "EUR",
        "Subtotal": "20.00",
        "Shipping": "5.00",
        "Taxes": "0.00",
        "Total": "25.00",
        "Created_at": CREATED,
    }
    return row(Name=name, **{**whole, **item("2", "10.00"), **cells})


def item(quantity: str, price: str, name: str = "Fern", sku: str = "F") -> dict[str, str]:
    return {"Lineitem_quantity": quantity, "Lineitem_price": price, "Lineitem_name": name, "Lineitem_sku": sku}


def replayed(tmp_path: Path, *rows: dict[str, str]) -> History:
    import csv

    file = tmp_path / "orders_export.csv"
    with file.open("w", newline="", encoding="utf-8-sig") as text:
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return read(file)


def steps(tmp_path: Path, *rows: dict[str, str]) -> list[Step]:
    return replayed(tmp_path, *rows).steps


def goods(step: Step) -> Decimal:
    return sum((Decimal(line["price"]) * line["quantity"] for line in step.args["lines"]), Decimal(0))


def test_an_order_spans_rows_and_its_own_fields_stand_in_the_first(tmp_path: Path) -> None:
    first = order(Subtotal="27.50", Total="32.50", Notes='Says "hello,\nworld"', Billing_Name="Ana María Ruiz")
    found = steps(tmp_path, first, row(Name="#1001", Email="ana@example.com", **item("3", "2.50", "Seeds", "S")))
    joined, placed = found
    assert (joined.args["first_name"], joined.args["last_name"]) == ("Ana María", "Ruiz")
    assert [line["sku"] for line in placed.args["lines"]] == ["F", "S"]
    assert (placed.args["financial_status"], placed.args["shipping"]) == ("paid", "5.00")
    assert placed.at.isoformat() == "2026-05-01T08:00:00+00:00"


def test_two_orders_of_one_name_stay_two(tmp_path: Path) -> None:
    found = steps(tmp_path, order(), order())
    assert [step.verb for step in found] == ["create_customer", "place_order", "place_order"]


def test_one_mailbox_is_one_customer_and_a_telephone_number_serves_where_there_is_none(tmp_path: Path) -> None:
    rows = order(), order(Email=" ANA@example.com"), order(Email="", Phone="'+34600000001"), order(Email="")
    history = replayed(tmp_path, *rows)
    joined = [step.args for step in history.steps if step.verb == "create_customer"]
    assert [args.get("email") or args["phone"] for args in joined] == ["ana@example.com", "+34600000001"]
    assert history.steps[-1].args["customer"] is None
    assert any("nobody gets points" in line for line in history.report.lines())


def test_an_order_paid_later_is_placed_pending(tmp_path: Path) -> None:
    placed, paid = steps(tmp_path, order(Paid_at="2026-05-03 09:00:00 +0200"))[1:]
    assert (placed.args["financial_status"], paid.verb) == ("pending", "mark_paid")


@pytest.mark.parametrize("status", ["pending", "authorized", "partially_paid", "voided", "expired"])
def test_an_order_that_was_never_fully_paid_stays_pending(tmp_path: Path, status: str) -> None:
    (placed,) = steps(tmp_path, order(Financial_Status=status, Paid_at=""))[1:]
    assert placed.args["financial_status"] == "pending"


def test_discounts_bring_the_lines_to_the_subtotal_to_the_cent(tmp_path: Path) -> None:
    rows = order(Subtotal="24.99", Discount_Amount="5.01"), row(Name="#1001", **item("1", "10.00"))
    placed = steps(tmp_path, *rows)[1]
    assert goods(placed) == Decimal("24.99")
    assert [line["price"] for line in placed.args["lines"]] == ["8.33", "8.33"]
    odd = steps(tmp_path, order(Subtotal="19.99"))[1]
    assert odd.args["lines"] == [{"title": "2 × Fern", "sku": "F", "quantity": 1, "price": "19.99"}]


def test_a_subtotal_above_the_lines_becomes_a_line(tmp_path: Path) -> None:
    assert goods(steps(tmp_path, order(Subtotal="21.00"))[1]) == Decimal("21.00")


def test_a_tip_is_no_goods(tmp_path: Path) -> None:
    placed = steps(tmp_path, order(), row(Name="#1001", **item("1", "3.00", "Tip", "")))[1]
    assert (goods(placed), placed.args["tip"]) == (Decimal("20.00"), "3.00")


def test_a_full_refund_takes_everything_back(tmp_path: Path) -> None:
    refund = steps(tmp_path, order(Financial_Status="refunded", Refunded_Amount="25.00"))[2]
    assert refund.args == {"order": "o0", "lines": {0: 2}, "shipping": "5.00"}
    assert refund.at.isoformat() == "2026-05-01T08:00:01+00:00"


def test_a_partial_refund_is_goods_money_without_the_taxes_on_top(tmp_path: Path) -> None:
    taxed = order(Taxes="5.00", Total="30.00", Refunded_Amount="12.00", Financial_Status="partially_refunded")
    assert steps(tmp_path, taxed)[2].args == {"order": "o0", "amount": "10.00"}
    included = order(Taxes="4.00", Refunded_Amount="12.00", Financial_Status="partially_refunded")
    assert steps(tmp_path, included)[2].args["amount"] == "12.00"


def test_goods_money_never_exceeds_the_goods(tmp_path: Path) -> None:
    assert steps(tmp_path, order(Refunded_Amount="24.00"))[2].args["amount"] == "20.00"


def test_a_cancelled_order_is_cancelled_after_all_else(tmp_path: Path) -> None:
    cancelled = order(Cancelled_at="2026-05-02 10:00:00 +0200", Refunded_Amount="25.00", Financial_Status="refunded")
    last = steps(tmp_path, cancelled)[-1]
    assert (last.verb, last.args["refund"]) == ("cancel", True)


def test_foreign_currencies_are_left_out_and_counted(tmp_path: Path) -> None:
    history = replayed(tmp_path, order(), order(Currency="USD"))
    assert history.currency == "EUR"
    assert history.report.counts["orders left out: not in EUR"] == 1


def test_a_file_that_begins_in_the_middle_of_an_order_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="Row 2"):
        replayed(tmp_path, row(Name="#1", **item("1", "1.00")), order())
