"""Refunds: goods, postage, and money that is tied to no line.

Goods that come back leave the order (`current_quantity`) and are worth their share of the discounted line. The buyer
never gets more than was paid: what goods exceed it is not paid out, loose money and postage beyond it are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from dev_store.commerce.orders import OrderVerbs
from dev_store.commerce.refund_documents import Parts, refund_document, refund_line
from dev_store.commerce.verbs import verb
from dev_store.money import to_minor
from dev_store.refusals import RefusalError, Unknown
from dev_store.state import Document


@dataclass(frozen=True)
class Extra:
    """What is refunded beside goods, in minor units; `everything` pays out all that was paid."""

    loose: int = 0
    postage: int = 0
    tip: int = 0
    everything: bool = False


class RefundVerbs(OrderVerbs):
    @verb
    def refund(
        self,
        order_id: int,
        *,
        at: datetime,
        lines: Mapping[int, int] | None = None,
        amount: str | None = None,
        shipping: str = "0.00",
    ) -> int:
        """Refunds pieces of lines (line id -> pieces), loose money (`amount`) and postage; returns the refund's id.

        RefusalError for an unpaid order's money, more pieces than are left, more money than was paid, or nothing.
        """
        order = self._document("order", order_id)
        loose, postage = to_minor(amount or "0", order["currency"]), to_minor(shipping, order["currency"])
        if loose < 0 or postage < 0 or not (lines or loose or postage):
            raise RefusalError("a refund needs lines, an amount or shipping, and none of them negative")
        refund = self._refund(order, at, dict(lines or {}), Extra(loose=loose, postage=postage))
        if (loose or postage) and refund["_due"] > refund["_paid_out"]:
            raise RefusalError(f"order {order_id}: more would be refunded than was paid")
        self._save_order(order, at)
        self._emit(at, ("refunds/create", refund), ("orders/updated", order))
        return int(refund["id"])

    def _refund(self, order: Document, at: datetime, pieces: dict[int, int], extra: Extra) -> Document:
        """Writes the refund into the order and beside it, without announcing either; pays out what was paid at most."""
        if extra.postage > order["_shipping"] - order["_shipping_refunded"]:
            raise RefusalError(f"order {order['id']}: more postage would be refunded than was charged")
        goods = [self._take(order, line_id, count) for line_id, count in pieces.items()]
        due = sum(entry.pop("_due") for entry in goods) + extra.loose + extra.postage + extra.tip
        left = order["_received"] - order["_refunded"]
        parts = Parts(
            id=self._new("refund"),
            stamp=self._stamp(at),
            lines=goods,
            loose=extra.loose,
            shipping=extra.postage,
            paid_out=left if extra.everything else min(due, left),
            transaction_id=self._new("transaction"),
            postage_id=self._new("refund_shipping_line"),
            adjustment_id=self._new("adjustment"),
            user_id=self.shop_document()["id"],
        )
        document = {**refund_document(order, parts), "_due": due, "_paid_out": parts.paid_out}
        order["refunds"].append(document)
        order["_refunded"] += parts.paid_out
        order["_loose"] += extra.loose
        order["_shipping_refunded"] += extra.postage
        order["_tip"] -= extra.tip
        self.state.put(self.shop, "refund", parts.id, document)
        return document

    def _take(self, order: Document, line_id: int, pieces: int) -> dict[str, Any]:
        """Takes pieces off the order and returns their refund line."""
        line = line_of(order, line_id)
        if not 1 <= pieces <= line["current_quantity"]:
            raise RefusalError(f"line {line_id} has {line['current_quantity']} pieces left, not {pieces}")
        entry = refund_line(
            self._new("refund_line_item"), order, line, pieces, self.shop_document()["primary_location_id"]
        )
        take_off(line, pieces)
        return entry


def line_of(order: Document, line_id: int) -> dict[str, Any]:
    for line in order["line_items"]:
        if line["id"] == line_id:
            return cast(dict[str, Any], line)
    raise Unknown(f"order {order['id']} has no line {line_id}")


def take_off(line: dict[str, Any], pieces: int) -> None:
    line["current_quantity"] -= pieces
    line["fulfillable_quantity"] -= pieces
