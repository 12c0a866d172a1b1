"""An order's money, computed from its lines: the original figures once, the current ones after every change.

Orders, refunds, edits and cancellations call `recompute` before they save. What must stay true:
- `current_subtotal_price` is goods after discounts without the pieces taken off the order (refunded or removed). Money
  given back without a line (`refund_discrepancy`) does not lower it, nor any other `current_*` figure: Shopify keeps
  that difference apart (`Order.refundDiscrepancySet`).
- The figures without `current_` never change after the order was placed.
"""

from typing import Any

from dev_store.commerce.verbs import tender_of
from dev_store.money import Tender, share, to_minor
from dev_store.state import Document


class LineMoney:
    """The minor units a line carries, whole and by pieces."""

    def __init__(self, line: dict[str, Any], currency: str) -> None:
        self.quantity: int = line["quantity"]
        self.gone = self.quantity - line["current_quantity"]
        self.list_price = to_minor(line["price"], currency) * self.quantity
        self.discount = sum(to_minor(entry["amount"], currency) for entry in line["discount_allocations"])
        self.tax = sum(to_minor(entry["price"], currency) for entry in line["tax_lines"])
        self.net = self.list_price - self.discount

    def rest(self, amount: int) -> int:
        """The part of `amount` that the pieces still on the order carry."""
        return amount - share(amount, self.gone, self.quantity)

    def next_pieces(self, amount: int, pieces: int) -> int:
        """The part of `amount` that goes when `pieces` more are taken off."""
        return share(amount, self.gone + pieces, self.quantity) - share(amount, self.gone, self.quantity)


def recompute(order: Document) -> None:
    """Writes every `current_*` figure, `total_outstanding` and `financial_status` from lines, shipping and payments."""
    tender = tender_of(order)
    lines = [LineMoney(line, tender.shop) for line in order["line_items"]]
    subtotal = sum(line.rest(line.net) for line in lines)
    tax = sum(line.rest(line.tax) for line in lines)
    shipping = order["_shipping"] - order["_shipping_refunded"]
    total = subtotal + shipping + order["_tip"] + (0 if order["taxes_included"] else tax)
    order["current_shipping_price_set"] = tender.set(shipping)
    write(order, tender, "current_subtotal_price", subtotal)
    write(order, tender, "current_total_tax", tax)
    write(order, tender, "current_total_discounts", sum(line.rest(line.discount) for line in lines))
    write(order, tender, "current_total_price", total)
    outstanding = total - order["_loose"] - (order["_received"] - order["_refunded"])
    order["_outstanding"] = 0 if order["cancelled_at"] else outstanding
    order["total_outstanding"] = tender.text(order["_outstanding"])
    order["financial_status"] = _financial_status(order)


def write(order: Document, tender: Tender, field: str, minor: int) -> None:
    """Writes a figure in both of its forms, `field` and `field_set`."""
    order[field] = tender.text(minor)
    order[f"{field}_set"] = tender.set(minor)


def _financial_status(order: Document) -> str:
    if not order["_paid"]:
        return "voided" if order["cancelled_at"] else "pending"
    if order["_refunded"]:
        return "refunded" if order["_refunded"] >= order["_received"] else "partially_refunded"
    return "partially_paid" if order["_outstanding"] > 0 else "paid"
