"""Shopify's own order export (Orders → Export → CSV) as steps.

An order is one row for each of its lines; what concerns the whole order stands in the first only. The file holds no
customer id, so a customer is an e-mail address, else a telephone number, else nobody. It says how much was refunded but
neither when nor of which lines: see `_refund`. Subtotal is goods after discounts and is taken at its word: `_lines`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from dev_store.history.replay.report import Report
from dev_store.history.replay.rows import CENT, UnreadableFileError, instant, money, whole
from dev_store.history.steps import Step, in_time_order

NEEDED = frozenset(
    {"Name", "Email", "Financial Status", "Currency", "Subtotal", "Total", "Created at"}
    | {"Lineitem quantity", "Lineitem name", "Lineitem price"}
)
PAID = {"paid", "partially_refunded", "refunded"}
AT_ONCE = timedelta(minutes=1)  # an order paid within this was paid at the checkout

Row = Mapping[str, str]
Line = dict[str, object]


@dataclass(frozen=True, slots=True)
class Exported:
    """One order of the file, read: `row` is its first, for messages."""

    row: int
    fields: Row
    lines: list[Line]
    tip: Decimal
    created: datetime

    def amount(self, column: str) -> Decimal:
        return money(self.fields.get(column), self.row, column)

    def moment(self, column: str) -> datetime | None:
        text = self.fields.get(column)
        return instant(text, self.row, column) if text else None

    @property
    def last_moment(self) -> datetime:
        """The last thing the file knows of the order; money can hardly have gone back before it."""
        known = (self.moment(column) for column in ("Paid at", "Fulfilled at", "Cancelled at"))
        return max((self.created, *(moment for moment in known if moment)))


def history(rows: Iterable[Row]) -> tuple[list[Step], Report, str]:
    """Steps in time order, what was left out, and the shop's currency. Raises UnreadableFileError."""
    report = Report()
    orders = sorted(_orders(rows), key=lambda order: order.created)
    if not orders:
        raise UnreadableFileError("The export holds no order.")
    currency = orders[0].fields["Currency"]
    steps: list[Step] = []
    customers: set[str] = set()
    for number, order in enumerate(orders):
        if order.fields["Currency"] != currency:
            report.count(f"orders left out: not in {currency}")
            continue
        steps += [*_joins(order, customers), *_order(order, f"o{number}", report)]
        report.count("orders")
    report.count("customers", len(customers))
    return in_time_order(steps), report, currency


def _orders(rows: Iterable[Row]) -> Iterator[Exported]:
    """Groups the rows: one that carries a creation time begins an order, the others continue it."""
    group: list[Row] = []
    first = 2
    for number, row in enumerate(rows, start=2):
        if row["Created at"] and group:
            yield _read(first, group)
            group = []
        if not group:
            first = number
        group.append(row)
    if group:
        yield _read(first, group)


def _read(row: int, group: list[Row]) -> Exported:
    fields = group[0]
    if not fields["Created at"]:
        raise UnreadableFileError(f"Row {row}: the first row of an order must say when it was created.")
    read = [_line(row + number, cells) for number, cells in enumerate(group)]
    tips = sum((Decimal(str(line["price"])) for line in read if _is_tip(line)), Decimal(0))
    goods = [line for line in read if not _is_tip(line)]
    return Exported(row, fields, goods, tips, instant(fields["Created at"], row, "Created at"))


def _line(row: int, cells: Row) -> Line:
    return {
        "title": cells["Lineitem name"] or "Item",
        "sku": cells.get("Lineitem sku") or "",
        "quantity": whole(cells["Lineitem quantity"], row, "Lineitem quantity"),
        "price": str(money(cells["Lineitem price"], row, "Lineitem price")),
    }


def _is_tip(line: Line) -> bool:
    return line["title"] == "Tip" and not line["sku"]


def _contact(order: Exported) -> dict[str, str]:
    if email := order.fields["Email"].strip().lower():
        return {"email": email}
    phone = (order.fields.get("Phone") or "").strip().lstrip("'")
    return {"phone": phone} if phone else {}


def _joins(order: Exported, customers: set[str]) -> list[Step]:
    contact = _contact(order)
    if not contact or (name := next(iter(contact.values()))) in customers:
        return []
    customers.add(name)
    first, _, last = (order.fields.get("Billing Name") or "").strip().rpartition(" ")
    details = {**contact, "first_name": first or None, "last_name": last or None}
    accepts = (order.fields.get("Accepts Marketing") or "").lower() in {"yes", "true"}
    return [Step(order.created, "create_customer", {**details, "accepts_marketing": accepts}, makes=name)]


def _order(order: Exported, name: str, report: Report) -> list[Step]:
    """Placing, paying, refunding and cancelling, as far as the file tells."""
    contact = _contact(order)
    if not contact:
        report.count("orders without e-mail address and telephone number, which nobody gets points for")
    status = order.fields["Financial Status"].strip().lower()
    paid_at = order.moment("Paid at") or order.created
    late = status in PAID and paid_at - order.created > AT_ONCE
    args = {
        "customer": next(iter(contact.values()), None),
        "lines": _lines(order, report),
        "shipping": str(order.amount("Shipping")),
        "tip": str(order.tip),
        "financial_status": "paid" if status in PAID and not late else "pending",
        "source_name": order.fields.get("Source") or "web",
        "name": order.fields["Name"],
    }
    steps = [Step(order.created, "place_order", args, makes=name)]
    if late:
        steps.append(Step(paid_at, "mark_paid", {"order": name}))
    if status not in PAID:
        report.count("orders that were never fully paid, which earn nothing")
    return [*steps, *_afterwards(order, name, status, report)]


def _afterwards(order: Exported, name: str, status: str, report: Report) -> list[Step]:
    if cancelled := order.moment("Cancelled at"):
        report.count("orders cancelled")
        refunded = status in PAID and order.amount("Refunded Amount") > 0
        return [Step(max(cancelled, order.last_moment), "cancel", {"order": name, "refund": refunded})]
    if status in PAID and order.amount("Refunded Amount") > 0:
        return _refund(order, name, report)
    return []


def _refund(order: Exported, name: str, report: Report) -> list[Step]:
    """All lines when all money went back; else the goods' part of it as money tied to no line.

    That part: the refund without its share of the taxes (where they come on top), and at most the goods themselves.
    Which shoppers got postage back the file does not say; taking it for goods errs on the side of fewer points.
    """
    refunded, total = order.amount("Refunded Amount"), order.amount("Total")
    at = order.last_moment + timedelta(seconds=1)
    if refunded >= total:
        report.count("orders refunded in full")
        everything = {index: int(str(line["quantity"])) for index, line in enumerate(_lines(order, Report()))}
        args = {"order": name, "lines": everything, "shipping": str(order.amount("Shipping"))}
        return [Step(at, "refund", args)]
    report.count("orders refunded in part, the goods' share of it estimated")
    taxes = order.amount("Taxes") if _taxes_on_top(order) else Decimal(0)
    goods = min((refunded - refunded * taxes / total).quantize(CENT), order.amount("Subtotal"))
    return [Step(at, "refund", {"order": name, "amount": str(goods)})] if goods > 0 else []


def _taxes_on_top(order: Exported) -> bool:
    parts = order.amount("Subtotal") + order.amount("Shipping") + order.amount("Taxes") + order.tip
    return abs(parts - order.amount("Total")) <= CENT


def _lines(order: Exported, report: Report) -> list[Line]:
    """The lines, brought to the order's subtotal where discounts or edits moved it away from them."""
    gross = [Decimal(str(line["price"])) * int(str(line["quantity"])) for line in order.lines]
    subtotal, listed = order.amount("Subtotal"), sum(gross, Decimal(0))
    if subtotal > listed:
        report.count("orders whose subtotal exceeds their lines; the difference became a line")
        missing: Line = {"title": "Not itemised in the export", "sku": "", "quantity": 1}
        return [*order.lines, {**missing, "price": str(subtotal - listed)}]
    if subtotal == listed:
        return order.lines
    report.count("orders whose discounts were spread over their lines")
    return [_priced(line, net) for line, net in zip(order.lines, _shares(gross, subtotal), strict=True)]


def _shares(parts: list[Decimal], total: Decimal) -> list[Decimal]:
    """`total` divided in proportion to `parts`, to the cent: each share ends where the running sum rounds to."""
    whole_sum, ends, running = sum(parts, Decimal(0)), [Decimal(0)], Decimal(0)
    for part in parts:
        running += part
        ends.append((total * running / whole_sum).quantize(CENT))
    return [end - begin for begin, end in pairwise(ends)]


def _priced(line: Line, net: Decimal) -> Line:
    """The line at `net` altogether; as one piece where the pieces cannot cost the same."""
    quantity = int(str(line["quantity"]))
    each = (net / quantity).quantize(CENT)
    if each * quantity == net:
        return {**line, "price": str(each)}
    return {**line, "title": f"{quantity} × {line['title']}", "quantity": 1, "price": str(net)}
