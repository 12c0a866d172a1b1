"""Editing a placed order: lines more, pieces fewer.

Added lines carry no discount and leave money outstanding (`partially_paid` until `mark_paid`); removed pieces lower the
current figures and are no refund. The figures of the sale itself stay.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from dev_store.checkout import TaxRule
from dev_store.commerce.line_documents import OrderLine, line_document
from dev_store.commerce.orders import OrderVerbs
from dev_store.commerce.refunds import line_of, take_off
from dev_store.commerce.verbs import tender_of, verb
from dev_store.refusals import RefusalError
from dev_store.state import Document


class EditVerbs(OrderVerbs):
    @verb
    def edit_order(
        self,
        order_id: int,
        *,
        at: datetime,
        add: Sequence[OrderLine] = (),
        remove: Mapping[int, int] | None = None,
    ) -> list[int]:
        """Adds lines, removes pieces (line id -> pieces); returns the ids of the new lines."""
        order = self._document("order", order_id)
        if order["cancelled_at"] or not (add or remove):
            raise RefusalError(f"order {order_id} is cancelled, or there is nothing to change")
        removed = [_remove(order, line_id, pieces) for line_id, pieces in (remove or {}).items()]
        added = [self._add(order, line) for line in add]
        self._save_order(order, at)
        body = {"order_edit": self._edit_document(order, at, added, removed)}
        self._emit(at, ("orders/edited", body), ("orders/updated", order))
        return [entry["id"] for entry in added]

    def _add(self, order: Document, line: OrderLine) -> dict[str, int]:
        tender = tender_of(order)
        tax = TaxRule(Decimal(self.shop_document()["_tax_rate"]), order["taxes_included"])
        owed = tax.on(line.in_cart(tender.shop).total) if line.taxable else 0
        document = line_document(self._new("line_item"), line, tender, taken_off=(), tax=owed, rate=tax.rate)
        order["line_items"].append(document)
        return {"id": document["id"], "delta": line.quantity}

    def _edit_document(
        self, order: Document, at: datetime, added: list[dict[str, int]], removed: list[dict[str, int]]
    ) -> dict[str, Any]:
        stamp = self._stamp(at)
        nothing: dict[str, list[Any]] = {"additions": [], "removals": []}
        return {
            "id": self._new("order_edit"),
            "app_id": None,
            "order_id": order["id"],
            "created_at": stamp,
            "committed_at": stamp,
            "notify_customer": False,
            "staff_note": "",
            "user_id": None,
            "line_items": {"additions": added, "removals": removed},
            "discounts": {"line_item": nothing},
            "shipping_lines": nothing,
        }


def _remove(order: Document, line_id: int, pieces: int) -> dict[str, int]:
    line = line_of(order, line_id)
    if not 1 <= pieces <= line["current_quantity"]:
        raise RefusalError(f"line {line_id} has {line['current_quantity']} pieces left, not {pieces}")
    take_off(line, pieces)
    return {"id": line_id, "delta": pieces}
