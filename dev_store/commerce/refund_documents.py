"""The refund document, as refunds/create carries it and as it stands in its order's `refunds`.

Since 2024-10 (Shopify's changelog) `order_adjustments` tells differences only; postage is in `refund_shipping_lines`.
"""

from dataclasses import dataclass
from typing import Any

from dev_store.commerce.totals import LineMoney
from dev_store.commerce.verbs import gid, tender_of
from dev_store.state import Document


@dataclass(frozen=True)
class Parts:
    """What a refund consists of, in minor units; `paid_out` is what the buyer really gets."""

    id: int
    stamp: str
    lines: list[dict[str, Any]]
    loose: int
    shipping: int
    paid_out: int
    transaction_id: int
    postage_id: int
    adjustment_id: int
    user_id: int


def refund_document(order: Document, parts: Parts) -> Document:
    """Money without a line is an order adjustment of kind refund_discrepancy, negative as seen by the shop."""
    return {
        "id": parts.id,
        "admin_graphql_api_id": gid("Refund", parts.id),
        "order_id": order["id"],
        "created_at": parts.stamp,
        "processed_at": parts.stamp,
        "note": "",
        "user_id": parts.user_id,
        "restock": bool(parts.lines),
        "return": None,
        "duties": [],
        "total_duties_set": tender_of(order).set(0),
        "order_adjustments": [_discrepancy(order, parts)] if parts.loose else [],
        "refund_shipping_lines": [_postage(order, parts)] if parts.shipping else [],
        "refund_line_items": parts.lines,
        "transactions": [_transaction(order, parts)] if parts.paid_out else [],
    }


def refund_line(key: int, order: Document, line: dict[str, Any], pieces: int, location_id: int) -> dict[str, Any]:
    """A `refund_line_items` entry for pieces still on the order; `subtotal` is after discounts, without added tax."""
    tender = tender_of(order)
    money = LineMoney(line, tender.shop)
    subtotal, tax = money.next_pieces(money.net, pieces), money.next_pieces(money.tax, pieces)
    return {
        "id": key,
        "line_item_id": line["id"],
        "line_item": {name: value for name, value in line.items() if name != "current_quantity"},
        "location_id": location_id,
        "quantity": pieces,
        "restock_type": "cancel" if order["cancelled_at"] else "return",
        "subtotal": float(tender.text(subtotal)),
        "subtotal_set": tender.set(subtotal),
        "total_tax": float(tender.text(tax)),
        "total_tax_set": tender.set(tax),
        "_due": subtotal + (0 if order["taxes_included"] else tax),
    }


def _postage(order: Document, parts: Parts) -> dict[str, Any]:
    line = order["shipping_lines"][0]
    return {
        "id": parts.postage_id,
        "shipping_line_id": line["id"],
        "shipping_line": line,
        "subtotal_amount_set": tender_of(order).set(parts.shipping),
    }


def _discrepancy(order: Document, parts: Parts) -> dict[str, Any]:
    tender = tender_of(order)
    return {
        "id": parts.adjustment_id,
        "order_id": order["id"],
        "refund_id": parts.id,
        "amount": tender.text(-parts.loose),
        "amount_set": tender.set(-parts.loose),
        "kind": "refund_discrepancy",
        "reason": "Refund discrepancy",
        "tax_amount": tender.text(0),
        "tax_amount_set": tender.set(0),
    }


def _unsettled(amounts: dict[str, Any]) -> dict[str, Any]:
    """The one money set whose currency is called `currency`."""
    return {name: {"amount": money["amount"], "currency": money["currency_code"]} for name, money in amounts.items()}


def _transaction(order: Document, parts: Parts) -> dict[str, Any]:
    tender, key = tender_of(order), parts.transaction_id
    return {
        "id": key,
        "admin_graphql_api_id": gid("OrderTransaction", key),
        "order_id": order["id"],
        "parent_id": None,
        "amount": tender.text(parts.paid_out),
        "amount_rounding": None,
        "authorization": None,
        "created_at": parts.stamp,
        "processed_at": parts.stamp,
        "currency": tender.shop,
        "device_id": None,
        "error_code": None,
        "gateway": order["payment_gateway_names"][-1],
        "kind": "refund",
        "location_id": None,
        "manual_payment_gateway": False,
        "message": None,
        "payment_id": f"{order['name']}.{len(order['refunds']) + 2}",
        "receipt": {},
        "source_name": order["source_name"],
        "status": "success",
        "test": order["test"],
        "total_unsettled_set": _unsettled(tender.set(0)),
        "user_id": None,
    }
