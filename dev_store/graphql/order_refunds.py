"""Refunds and payments of an order."""

from typing import Any

from dev_store.commerce.verbs import tender_of
from dev_store.graphql.connections import connection
from dev_store.graphql.context import Context
from dev_store.graphql.gids import gid, number_of
from dev_store.graphql.schema import query, resolves
from dev_store.money import Tender, to_minor
from dev_store.state import Document


def tender(order: Document) -> Tender:
    """The two currencies of an order."""
    return tender_of(order)


@resolves("Order", "refunds")
def refunds(source: Document, _context: Context, first: int | None = None) -> list[Document]:
    return [{**refund, "_order": source} for refund in source["refunds"]][:first]


@query("refund")
def refund(_source: Any, context: Context, id_: str) -> Document | None:
    return context.state.get(context.shop, "refund", number_of(id_, "Refund"))


@resolves("Refund", "order")
def order(source: Document, context: Context) -> Document:
    document: Document | None = _order_of(source, context)
    assert document is not None, "a refund goes with its order"
    return document


@resolves("Refund", "legacyResourceId")
def legacy_resource_id(source: Document, _context: Context) -> int:
    return int(source["id"])


@resolves("Refund", "updatedAt")
def updated_at(source: Document, _context: Context) -> str:
    return str(source["created_at"])


@resolves("Refund", "return", "staffMember")
def nothing(_source: Document, _context: Context) -> None:
    return None


@resolves("Refund", "totalRefundedSet")
def total_refunded(source: Document, context: Context) -> dict[str, Any]:
    """What the buyer really got, which is what its transactions say."""
    both = tender(order(source, context))
    bag: dict[str, Any] = both.set(sum(to_minor(one["amount"], both.shop) for one in source["transactions"]))
    return bag


@resolves("Refund", "refundLineItems")
def refund_line_items(source: Document, context: Context, **page: Any) -> dict[str, Any]:
    document = order(source, context)
    lines = {line["id"]: line for line in document["line_items"]}
    entries = [
        {**entry, "_line": {**lines[entry["line_item_id"]], "_order": document}}
        for entry in source["refund_line_items"]
    ]
    return connection(entries, **page)


@resolves("RefundLineItem", "lineItem")
def line_item(source: Document, _context: Context) -> Document:
    line: Document = source["_line"]
    return line


@resolves("RefundLineItem", "priceSet")
def price(source: Document, _context: Context) -> Any:
    return source["_line"]["price_set"]


@resolves("RefundLineItem", "restocked")
def restocked(source: Document, _context: Context) -> bool:
    return bool(source["restock_type"] != "no_restock")


@resolves("RefundLineItem", "location")
def location(source: Document, _context: Context) -> dict[str, Any] | None:
    number = source["location_id"]
    return {"id": gid("Location", number), "name": f"Location {number}"} if number else None


@resolves("Refund", "orderAdjustments")
def order_adjustments(source: Document, _context: Context, **page: Any) -> dict[str, Any]:
    """Money tied to no line, with the sign the webhook has; shipping that was refunded is listed apart."""
    return connection([{**entry, "reason": "REFUND_DISCREPANCY"} for entry in source["order_adjustments"]], **page)


@resolves("Refund", "refundShippingLines")
def refund_shipping_lines(source: Document, context: Context, **page: Any) -> dict[str, Any]:
    both = tender(order(source, context))
    entries = [
        {
            "id": entry["id"],
            "shippingLine": {**entry["shipping_line"], "originalPriceSet": entry["shipping_line"]["price_set"]},
            "subtotalAmountSet": entry["subtotal_amount_set"],
            "taxAmountSet": both.set(0),
        }
        for entry in source["refund_shipping_lines"]
    ]
    return connection(entries, **page)


@resolves("Refund", "transactions")
def refund_transactions(source: Document, context: Context, **page: Any) -> dict[str, Any]:
    document = order(source, context)
    return connection([_transaction(one, document) for one in source["transactions"]], **page)


@resolves("Order", "transactions")
def transactions(source: Document, _context: Context, first: int | None = None, **_filters: Any) -> list[Document]:
    """The sale, if money came in, then one for each refund."""
    found = sales(source)
    found += [_transaction(one, source) for refund in source["refunds"] for one in refund["transactions"]]
    return found[:first]


def sales(order: Document) -> list[Document]:
    """What came in, by gateway: gift cards and store credit as far as they went, the last one the rest."""
    left, found = order["_received"], list[Document]()
    for gateway in order["payment_gateway_names"]:
        amount = min(order.get("_paid_with", {}).get(gateway, left), left)
        left -= amount
        if amount:
            found.append(_sale(order, gateway, amount, len(found)))
    return found


def _sale(order: Document, gateway: str, amount: int, place: int) -> Document:
    both = tender(order)
    return {
        "id": order["id"] if not place else f"{order['id']}{place:02}",
        "kind": "sale",
        "status": "success",
        "gateway": gateway,
        "amount": both.text(amount),
        "amountSet": both.set(amount),
        "created_at": order["processed_at"],
        "processed_at": order["processed_at"],
        "test": order["test"],
        "parentTransaction": None,
    }


def _transaction(one: Document, order: Document) -> Document:
    both = tender(order)
    sale = next((sale for sale in sales(order) if sale["gateway"] == one["gateway"]), None)
    return {**one, "amountSet": both.set(to_minor(one["amount"], both.shop)), "parentTransaction": sale}


def _order_of(source: Document, context: Context) -> Document | None:
    return source.get("_order") or context.state.get(context.shop, "order", source["order_id"])
