"""Cancelling an order.

With `refund` everything still on the order comes back: goods, postage and tip; an order that was never paid becomes
`voided`, its lines leave it by a refund without a transaction. Without `refund` the shop keeps money and figures.
"""

from datetime import datetime

from dev_store.commerce.refunds import Extra, RefundVerbs
from dev_store.commerce.verbs import verb
from dev_store.refusals import RefusalError
from dev_store.state import Document

REASONS = ("customer", "fraud", "inventory", "declined", "staff", "other")


class CancellationVerbs(RefundVerbs):
    @verb
    def cancel(self, order_id: int, *, at: datetime, refund: bool = True, reason: str = "customer") -> int | None:
        """Cancels; returns the refund's id, if there is one. RefusalError when it was cancelled before."""
        order = self._document("order", order_id)
        if order["cancelled_at"]:
            raise RefusalError(f"order {order_id} is cancelled already")
        if reason not in REASONS:
            raise RefusalError(f"{reason} is no reason to cancel; there are {', '.join(REASONS)}")
        order["cancelled_at"] = order["closed_at"] = self._stamp(at)
        order["cancel_reason"] = reason
        topics = [("orders/cancelled", order), ("orders/updated", order)]
        document = self._refund_rest(order, at) if refund or not order["_paid"] else None
        if document:
            topics.append(("refunds/create", document))
        self._save_order(order, at)
        self._emit(at, *topics)
        return int(document["id"]) if document else None

    def _refund_rest(self, order: Document, at: datetime) -> Document | None:
        pieces = {line["id"]: line["current_quantity"] for line in order["line_items"] if line["current_quantity"]}
        paid = order["_received"] - order["_refunded"]
        if not pieces and not paid:
            return None
        postage = min(order["_shipping"] - order["_shipping_refunded"], paid)
        return self._refund(order, at, pieces, Extra(postage=postage, tip=order["_tip"], everything=True))
