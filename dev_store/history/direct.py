"""What every customer of an invoice file should hold, computed straight from the file: the judge of `make real-year`.

Imports nothing of the application, of the development store's commerce or of the replay; shares with them only the
written rules (issue 2, section 4): matching by customer and stock code on the newest earlier invoice with quantity
left, POST is no goods, prices of nothing or less do not exist, one point for a whole pound of what is left of an order.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

_COLUMNS = ("InvoiceNo", "InvoiceDate", "CustomerID", "StockCode", "Quantity", "UnitPrice")


def can_read(path: Path) -> bool:
    """Whether the file holds invoice lines; an order export of Shopify does not."""
    return set(_COLUMNS) <= set(_table(path).column_names)


@dataclass(frozen=True)
class Purchase:
    """A purchase invoice: its goods, and what came back of them when, as (code, pence) and (at, code, pence).

    `at` is UTC without a zone, as the file has it. Shipping is no goods.
    """

    number: str
    customer: int
    at: datetime
    goods: list[tuple[str, int]]
    back: list[tuple[datetime, str, int]]


def purchases(path: Path) -> list[Purchase]:
    """Every purchase invoice of a customer in time order, with all that was ever given back of it."""
    found: dict[str, Purchase] = {}
    stock: dict[tuple[int, str], list[list[Any]]] = defaultdict(list)
    for at, cancels, number, customer, lines in _invoices(path):
        if not cancels:
            goods = [(code, quantity * price) for code, quantity, price in lines if code != "POST"]
            found[number] = Purchase(number, customer, at, goods, [])
            for code, quantity, price in lines:
                stock[customer, code].append([at, number, quantity, price])
        else:
            for code, quantity, _price in lines:
                for order, pence in _give_back(stock[customer, code], at, -quantity):
                    if code != "POST":
                        found[order].back.append((at, code, pence))
    return list(found.values())


def points(path: Path) -> dict[int, int]:
    """Customer id → points, for every customer with a purchase invoice."""
    return worth(purchases(path))


def worth(bought: Iterable[Purchase]) -> dict[int, int]:
    """Customer id → points of these invoices."""
    totals: dict[int, int] = defaultdict(int)
    for order in bought:
        pence = sum(pence for _, pence in order.goods) - sum(pence for *_, pence in order.back)
        totals[order.customer] += pence // 100
    return dict(totals)


def _invoices(path: Path) -> list[tuple[Any, bool, str, int, list[tuple[str, int, int]]]]:
    from pyarrow import compute

    table = _table(path)
    known = compute.and_(compute.is_valid(table["CustomerID"]), compute.greater(table["UnitPrice"], 0))
    table = table.filter(known)
    found: dict[str, list[Any]] = {}
    for number, at, customer, code, quantity, price in zip(*(table[n].to_pylist() for n in _COLUMNS), strict=True):
        invoice = found.setdefault(number, [at, number[0] == "C", number, int(customer), []])
        invoice[0] = min(invoice[0], at)
        invoice[4].append((code.strip(), int(quantity), round(price * 100)))
    return sorted((tuple(invoice) for invoice in found.values()), key=lambda invoice: invoice[:3])


def _table(path: Path) -> Any:
    from pyarrow import csv, parquet, timestamp

    if path.suffix.lower() == ".parquet":
        return parquet.read_table(path)
    types = {"InvoiceNo": "string", "StockCode": "string", "InvoiceDate": timestamp("s")}
    stamps = [csv.ISO8601, "%m/%d/%Y %H:%M", "%m/%d/%y %H:%M"]
    options = csv.ConvertOptions(column_types=types, timestamp_parsers=stamps)
    try:
        return _csv(path, "utf-8", options)
    except UnicodeDecodeError:
        return _csv(path, "latin-1", options)


def _csv(path: Path, encoding: str, options: Any) -> Any:
    from pyarrow import csv

    reading, parsing = csv.ReadOptions(encoding=encoding), csv.ParseOptions(newlines_in_values=True)
    return csv.read_csv(path, read_options=reading, parse_options=parsing, convert_options=options)


def _give_back(bought: list[list[Any]], at: Any, quantity: int) -> list[tuple[str, int]]:
    """(invoice, pence) pairs the pieces are taken from, newest earlier invoice first, its lines in their order."""
    earlier = sorted({(line[0], line[1]) for line in bought if line[0] < at}, reverse=True)
    back = []
    for moment, number in earlier:
        for line in bought:
            if line[:2] == [moment, number] and quantity and line[2]:
                pieces = min(quantity, line[2])
                line[2] -= pieces
                quantity -= pieces
                back.append((number, pieces * line[3]))
    return back
