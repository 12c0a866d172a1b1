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
    found = [entry for entry in source["order_adjustments"] if entry["kind"] == "refund_discrepancy"]
    return connection([{**entry, "reason": "REFUND_DISCREPANCY"} for entry in found], **page)


@resolves("Refund", "refundShippingLines")
def refund_shipping_lines(source: Document, context: Context, **page: Any) -> dict[str, Any]:
    both = tender(order(source, context))
    lines = order(source, context)["shipping_lines"]
    entries = [
        {
            "id": entry["id"],
            "shippingLine": {**lines[0], "originalPriceSet": lines[0]["price_set"]},
            "subtotalAmountSet": both.set(-to_minor(entry["amount"], both.shop)),
            "taxAmountSet": both.set(-to_minor(entry["tax_amount"], both.shop)),
        }
        for entry in source["order_adjustments"]
        if entry["kind"] == "shipping_refund" and lines
    ]
    return connection(entries, **page)


@resolves("Refund", "transactions")
def refund_transactions(source: Document, context: Context, **page: Any) -> dict[str, Any]:
    document = order(source, context)
    return connection([_transaction(one, document) for one in source["transactions"]], **page)


@resolves("Order", "transactions")
def transactions(source: Document, _context: Context, first: int | None = None, **_filters: Any) -> list[Document]:
    """The sale, if money came in, then one for each refund."""
    found = [_sale(source)] if source["_received"] else []
    found += [_transaction(one, source) for refund in source["refunds"] for one in refund["transactions"]]
    return found[:first]


def _sale(order: Document) -> Document:
    both = tender(order)
    return {
        "id": order["id"],
        "kind": "sale",
        "status": "success",
        "gateway": order["payment_gateway_names"][0],
        "amount": both.text(order["_received"]),
        "amountSet": both.set(order["_received"]),
        "created_at": order["processed_at"],
        "processed_at": order["processed_at"],
        "test": order["test"],
        "parentTransaction": None,
    }


def _transaction(one: Document, order: Document) -> Document:
    both = tender(order)
    sale = _sale(order) if order["_received"] else None
    return {**one, "amountSet": both.set(to_minor(one["amount"], both.shop)), "parentTransaction": sale}


def _order_of(source: Document, context: Context) -> Document | None:
    return source.get("_order") or context.state.get(context.shop, "order", source["order_id"])
