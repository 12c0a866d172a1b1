"""Lines of a bulk operation as COPY reads them, also where people typed what files are made of."""

import copy
from datetime import datetime
from functools import partial
from typing import Any

import orjson
import pytest

from app.intake import parts
from app.intake.pace import ahead, by_processes
from app.intake.rows import CUSTOMERS, LINES, ORDERS, Chunk
from app.payload import BadPayload
from benchmarks import bulk_shop

TOLD = "2026-11-01T00:00:00+00:00"
[ORDER, LINE] = [orjson.loads(line) for line in bulk_shop.orders(range(4, 5), 3)]


def read(*docs: dict[str, Any]) -> Chunk:
    chunk = Chunk(7, datetime.fromisoformat(TOLD))
    for doc in docs:
        chunk.add(doc, orjson.dumps(doc))
    return chunk


def fields(line: str, columns: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(columns, line.removesuffix("\n").split("\t"), strict=True))


def changed(doc: dict[str, Any], **news: Any) -> dict[str, Any]:
    return copy.deepcopy(doc) | news


def test_an_order_and_its_line_are_read_without_each_other() -> None:
    order = fields(read(ORDER).orders[0], ORDERS)
    assert (order["shop_id"], order["id"], order["customer_id"]) == ("7", "6000000000004", "7000000000001")
    assert (order["total_minor"], order["shipping_minor"], order["paid"]) == ("3404", "500", "True")
    assert (order["listed_refunds"], order["payment_gateways"]) == ("{}", '{"shopify_payments"}')
    assert order["triggered_at"] == TOLD
    line = fields(read(LINE).lines[0], LINES)
    assert (line["order_id"], line["price_minor"], line["tax_minor"]) == ("6000000000004", "925", "140")


def test_what_people_typed_is_escaped() -> None:
    order = fields(read(changed(ORDER, name="a\tb\\c\nd\re", email=" ADA@x.org ")).orders[0], ORDERS)
    assert (order["name"], order["email"]) == (r"a\tb\\c\nd\re", "ada@x.org")
    gateways = fields(read(changed(ORDER, paymentGatewayNames=['a "b"', "c\\d"])).orders[0], ORDERS)["payment_gateways"]
    assert gateways == '{"a \\\\"b\\\\"","c\\\\\\\\d"}'


def test_what_is_withheld_or_empty_is_null() -> None:
    bare = {name: value for name, value in ORDER.items() if name not in {"email", "phone"}}
    order = fields(read(changed(bare, name="  ", customer=None, displayFinancialStatus=None)).orders[0], ORDERS)
    assert {order[name] for name in ("email", "phone", "name", "customer_id", "financial_status")} == {r"\N"}
    assert order["paid"] == "False"


@pytest.mark.parametrize(("currency", "amount", "minor"), [("JPY", "1200.0", "1200"), ("KWD", "1.5", "1500")])
def test_money_has_the_places_of_its_currency(currency: str, amount: str, minor: str) -> None:
    doc = changed(ORDER, currencyCode=currency, subtotalPriceSet={"shopMoney": {"amount": amount}})
    for name in ("totalPriceSet", "currentSubtotalPriceSet", "currentTotalPriceSet", "totalTaxSet"):
        doc[name] = {"shopMoney": {"amount": "1.0"}, "presentmentMoney": {"amount": "1.0"}}
    assert fields(read(doc).orders[0], ORDERS)["subtotal_minor"] == minor


def test_ids_may_carry_parameters_and_have_64_bits() -> None:
    order = fields(read(changed(ORDER, id="gid://shopify/Order/9007199254740993?from=bulk")).orders[0], ORDERS)
    assert order["id"] == "9007199254740993"


@pytest.mark.parametrize("doc", [{}, {"id": "gid://shopify/Order/1"}, {"id": "gid://shopify/Shop/1"}, {"id": None}])
def test_a_line_that_nobody_asked_for_is_refused_without_its_words(doc: dict[str, Any]) -> None:
    with pytest.raises(BadPayload, match=r"^a line of a bulk operation cannot be read$"):
        read(doc)


def test_parts_come_in_order_one_ahead_and_their_errors_come_too() -> None:
    assert list(ahead(range(5))) == [0, 1, 2, 3, 4]
    made: list[int] = []

    def parts() -> Any:
        for n in range(4):
            made.append(n)
            yield n
        raise BadPayload("wrong-line", "the last")

    used = ahead(parts())
    assert next(used) == 0
    assert len(made) <= 2
    with pytest.raises(BadPayload):
        list(used)


def test_a_large_file_is_read_by_processes_as_by_a_thread_in_order_and_their_errors_come_too() -> None:
    told = partial(parts.read, source=parts.Source(7, datetime.fromisoformat(TOLD), figures=True))
    lines = [*bulk_shop.customers(40), *bulk_shop.orders(range(40), 40)]
    whole = list(parts.parts(iter([b"".join(lines)]), 4_000))
    assert len(whole) > 10
    read_here, elsewhere = [told(part) for part in whole], list(by_processes(told, whole))
    assert [vars(one.content) for one in elsewhere] == [vars(one.content) for one in read_here]
    assert [one.size for one in elsewhere] == [len(part) for part in whole]
    with pytest.raises(BadPayload) as raised:
        list(by_processes(told, [whole[0], b"{\n"]))
    assert (raised.value.reason, str(raised.value)) == ("wrong-line", "a line of a bulk operation is no JSON")


[CUSTOMER] = [orjson.loads(line) for line in bulk_shop.customers(1)]


def test_a_customer_is_one_line_with_consent_and_tags_and_figures_at_an_import_only() -> None:
    chunk = Chunk(7, datetime.fromisoformat(TOLD), figures=True)
    doc = changed(
        CUSTOMER, tags=["VIP", 'a"b\\c', "vip "], firstName="A\tB", defaultPhoneNumber={"phoneNumber": "0049 151 1"}
    )
    chunk.add(doc, orjson.dumps(doc))
    told = fields(chunk.customers[0], CUSTOMERS)
    assert (told["email"], told["first_name"], told["phone"]) == ("person-0@example.com", r"A\tB", "0049 151 1")
    assert (told["email_consent"], told["email_consent_level"], told["sms_consent"]) == (
        "subscribed", "single_opt_in", r"\N",
    )  # fmt: skip
    assert told["tags"] == (rf'{{"a\\"b\\\\c":{{"at":"{TOLD}","held":true}},"vip":{{"at":"{TOLD}","held":true}}}}')
    assert (told["imported_orders"], told["imported_spent_minor"], told["imported_at"]) == ("3", "12000", TOLD)
    told = fields(read(CUSTOMER).customers[0], CUSTOMERS)
    assert {told[name] for name in ("imported_orders", "imported_spent_minor", "imported_at")} == {r"\N"}


@pytest.mark.parametrize("change", [{"verifiedEmail": None}, {"defaultEmailAddress": None, "firstName": " "}])
def test_of_a_customer_what_is_not_said_is_null(change: dict[str, Any]) -> None:
    told = fields(read(changed(CUSTOMER, **change)).customers[0], CUSTOMERS)
    gone = {"verifiedEmail": "verified_email", "defaultEmailAddress": "email", "firstName": "first_name"}
    assert {told[gone[name]] for name in change} == {r"\N"}
    assert told["last_name"] == "Number 0"
