"""Invoice lines of a shop that is not on Shopify (columns as in the UCI data set Online Retail) as steps.

An invoice becomes an order paid at once, a cancellation (number with a leading C) becomes refunds of the orders that
`matching` finds. POST is the shipping of its invoice; every other code is an ordinary line. Left out and counted: lines
without a customer (there is nobody to hold points), prices of nothing or less, quantities of the wrong sign.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from dev_store.history.replay.matching import Bought, Returned, Shelf
from dev_store.history.replay.report import Report
from dev_store.history.replay.rows import UnreadableFileError, instant, money, whole
from dev_store.history.steps import Step

COLUMNS = frozenset(
    {"InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"}
)
_CELLS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID")
CURRENCY = "GBP"
SHIPPING_CODE = "POST"
# A shop takes no order without a line.
_POSTAGE_ONLY = {"title": "Postage only", "sku": SHIPPING_CODE, "quantity": 1, "price": "0.00"}


class Line(NamedTuple):
    invoice: str
    code: str
    title: str
    quantity: int
    at: datetime
    price: Decimal  # unrounded, so that "more than nothing" is asked of what the file says
    customer: int | None


class Invoice(NamedTuple):
    number: str
    customer: int
    at: datetime
    lines: list[Line]

    @property
    def cancels(self) -> bool:
        return self.number.startswith("C")


def lines_of_table(table: Mapping[str, list[Any]]) -> list[Line]:
    """Lines of a parquet file's columns. Raises UnreadableFileError for a cell that cannot be read."""
    if missing := COLUMNS - set(table):
        raise UnreadableFileError(f"The parquet file lacks the columns {', '.join(sorted(missing))}.")
    rows = zip(*(table[name] for name in _CELLS), strict=True)
    return [_line(number, cells) for number, cells in enumerate(rows, start=1)]


def lines_of_csv(rows: Iterable[Mapping[str, str]]) -> list[Line]:
    """Lines of a CSV file with a header (row 1)."""
    return [_line(number, tuple(row[name] for name in _CELLS)) for number, row in enumerate(rows, start=2)]


def _line(row: int, cells: tuple[Any, ...]) -> Line:
    invoice, code, title, quantity, at, price, customer = cells
    return Line(
        invoice=str(invoice).strip(),
        code=str(code).strip(),
        title=str(title or code).strip(),
        quantity=whole(quantity, row, "Quantity"),
        at=instant(at, row, "InvoiceDate"),
        price=_price(price, row),
        customer=None if customer in {None, ""} else whole(customer, row, "CustomerID"),
    )


def _price(price: Any, row: int) -> Decimal:
    rounded = money(price, row, "UnitPrice")
    # A tenth of a penny is a price, though it rounds to none.
    return rounded if rounded or not price else Decimal(str(price))


def product_of(code: str) -> int:
    """The product that a stock code is in the replayed shop: the same in every run."""
    return 6_000_000_000_000 + zlib.crc32(code.encode()) * 1_000 + len(code)


def history(lines: list[Line]) -> tuple[list[Step], Report]:
    """The steps that live through these invoices, in time order, and what was left out."""
    report = Report()
    steps: list[Step] = []
    shelf = Shelf()
    shipping: dict[tuple[str, int], Decimal] = {}
    customers: set[int] = set()
    for invoice in _invoices(lines, report):
        if invoice.cancels:
            steps += _refunds(invoice, shelf, shipping, report)
            continue
        if invoice.customer not in customers:
            customers.add(invoice.customer)
            steps.append(_joins(invoice))
        steps.append(_order(invoice, shelf, shipping))
        report.count("purchase invoices of known customers")
    report.count("customers", len(customers))
    return steps, report


def _invoices(lines: list[Line], report: Report) -> list[Invoice]:
    """Invoices in time order, purchases before the cancellations of the same instant."""
    wanted: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if reason := _left_out(line):
            report.count(reason)
        else:
            wanted[line.invoice].append(line)
    known = {line.invoice: line.customer for line in lines if line.customer is not None}
    report.count(
        "purchase invoices of known customers left out because nothing on them has a price",
        sum(not number.startswith("C") and number not in wanted for number in known),
    )
    made = [Invoice(number, known[number] or 0, min(x.at for x in one), one) for number, one in wanted.items()]
    return sorted(made, key=lambda invoice: (invoice.at, invoice.cancels, invoice.number))


def _left_out(line: Line) -> str | None:
    if line.customer is None:
        return "lines left out: no customer"
    if line.price <= 0:
        return "lines left out: price of nothing or less"
    if (line.quantity < 0) != line.invoice.startswith("C") or not line.quantity:
        return "lines left out: quantity of the wrong sign"
    return None


def _joins(invoice: Invoice) -> Step:
    details = {"email": f"{invoice.customer}@customers.example", "last_name": f"Customer {invoice.customer}"}
    return Step(invoice.at, "create_customer", details, makes=f"c{invoice.customer}")


def _order(invoice: Invoice, shelf: Shelf, shipping: dict[tuple[str, int], Decimal]) -> Step:
    goods = [line for line in invoice.lines if line.code != SHIPPING_CODE]
    posts = [line for line in invoice.lines if line.code == SHIPPING_CODE]
    for index, line in (*enumerate(goods), *enumerate(posts)):
        bought = Bought(index, line.quantity)
        shelf.bought(invoice.customer, line.code, invoice=invoice.number, at=invoice.at, line=bought)
    shipping.update({(invoice.number, index): line.price for index, line in enumerate(posts)})
    lines = [
        {
            "title": line.title,
            "sku": line.code,
            "product_id": product_of(line.code),
            "quantity": line.quantity,
            "price": _cents(line.price),
        }
        for line in goods
    ]
    args: dict[str, Any] = {
        "customer": f"c{invoice.customer}",
        "lines": lines or [_POSTAGE_ONLY],
        "shipping": _cents(sum((line.price * line.quantity for line in posts), Decimal(0))),
        "name": invoice.number,
    }
    return Step(invoice.at, "place_order", args, makes=invoice.number)


def _refunds(invoice: Invoice, shelf: Shelf, shipping: Mapping[tuple[str, int], Decimal], report: Report) -> list[Step]:
    """One refund for each order the cancellation touches."""
    goods: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    postage: dict[str, Decimal] = defaultdict(Decimal)
    for line in invoice.lines:
        taken, unmatched = shelf.returned(invoice.customer, line.code, invoice.at, -line.quantity)
        _count(report, taken, unmatched)
        for part in taken:
            if line.code == SHIPPING_CODE:
                postage[part.invoice] += shipping[part.invoice, part.index] * part.quantity
            else:
                goods[part.invoice][part.index] += part.quantity
    report.count("cancellation invoices of known customers")
    return [
        Step(invoice.at, "refund", {"order": order, "lines": dict(goods[order]), "shipping": _cents(postage[order])})
        for order in dict.fromkeys((*goods, *postage))
    ]


def _count(report: Report, taken: list[Returned], unmatched: int) -> None:
    if taken:
        report.count("cancellation lines matched to their purchase")
        report.count("of these, split over several invoices", len({part.invoice for part in taken}) > 1)
    if unmatched:
        report.count("cancellation lines without a purchase to match, or with too small a one")
        report.count("pieces on them that could not be matched", unmatched)


def _cents(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP"))
