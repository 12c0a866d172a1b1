"""Orders as the Admin API shows them. Documents are webhook-shaped, so most fields need no resolver of their own.

Lines are in `order_lines`, refunds and payments in `order_refunds`, sums in `order_money`, registered from here.
Shopify shows an app with `read_orders` the last 60 days only; this store shows all orders, whatever their age.
"""

from collections.abc import Iterator
from typing import Any

from dev_store.graphql import order_lines, order_money, order_refunds
from dev_store.graphql.connections import connection, count, last_id
from dev_store.graphql.context import Context
from dev_store.graphql.customers import mailing_address
from dev_store.graphql.gids import gid, number_of
from dev_store.graphql.scalars import instant
from dev_store.graphql.schema import query, resolves
from dev_store.graphql.search import Reader, matches, parse
from dev_store.state import Document

__all__ = ["order_lines", "order_money", "order_refunds"]

_BY_INSTANT = {"UPDATED_AT": "updated_at", "CREATED_AT": "created_at", "PROCESSED_AT": "processed_at"}
_SEARCH: dict[str, Reader] = {
    "default": lambda doc: f"{doc['name']} {doc['email']}",
    "id": lambda doc: doc["id"],
    "name": lambda doc: [doc["name"], doc["name"].lstrip("#")],
    "email": lambda doc: doc["email"],
    "customer_id": lambda doc: (doc["customer"] or {}).get("id"),
    "financial_status": lambda doc: doc["financial_status"],
    "fulfillment_status": lambda doc: doc["fulfillment_status"] or "unfulfilled",
    "status": lambda doc: ["any", _status(doc), *([] if doc["cancelled_at"] or doc["closed_at"] else ["not_closed"])],
    "test": lambda doc: str(doc["test"]),
    "tag": lambda doc: _split(doc["tags"]),
    "source_name": lambda doc: doc["source_name"],
    "discount_code": lambda doc: [entry["code"] for entry in doc["discount_codes"]],
    "updated_at": lambda doc: instant(doc["updated_at"]),
    "created_at": lambda doc: instant(doc["created_at"]),
    "processed_at": lambda doc: instant(doc["processed_at"]),
}


@query("order")
def order(_source: Any, context: Context, id_: str) -> Document | None:
    return context.state.get(context.shop, "order", number_of(id_, "Order"))


@query("orders")
def orders(
    _source: Any,
    context: Context,
    query: str | None = None,
    sort_key: str = "ID",
    reverse: bool = False,
    **page: Any,
) -> dict[str, Any]:
    """By id forwards, a page costs a page; any other order has to look at every order of the shop."""
    page.pop("saved_search_id", None)
    if sort_key == "ID" and not reverse and page.get("first") is not None and not page.get("before"):
        after = last_id(page["after"]) if page.get("after") else None
        found = _some(context, query, after, page["first"] + 1)
        return connection(found, first=page["first"], continues=after is not None)
    found = list(_matching(context.state.all(context.shop, "order"), query))
    if field := _BY_INSTANT.get(sort_key):
        found.sort(key=lambda doc: (instant(doc[field]), doc["id"]))
    return connection(found, reverse=reverse, **page)


@query("ordersCount")
def orders_count(
    _source: Any, context: Context, query: str | None = None, limit: int | None = 10_000, **_more: Any
) -> dict[str, Any]:
    if not query:
        return count(context.state.count(context.shop, "order"), limit)
    return count(sum(1 for _ in _matching(context.state.all(context.shop, "order"), query)), limit)


def _some(context: Context, text: str | None, after: int | None, wanted: int) -> list[Document]:
    """The next orders after an id that a search finds, at most `wanted`."""
    found: list[Document] = []
    while documents := context.state.page(context.shop, "order", after, 200):
        found += _matching(iter(documents), text)
        if len(found) >= wanted:
            break
        after = documents[-1]["id"]
    return found[:wanted]


def _matching(documents: Iterator[Document], text: str | None) -> Iterator[Document]:
    terms = parse(text)
    return (doc for doc in documents if matches(terms, doc, _SEARCH))


def _status(source: Document) -> str:
    if source["cancelled_at"]:
        return "cancelled"
    return "closed" if source["closed_at"] else "open"


def _split(tags: str) -> list[str]:
    return [tag for tag in tags.split(", ") if tag]


@resolves("Order", "tags")
def tags(source: Document, _context: Context) -> list[str]:
    return _split(source["tags"])


@resolves("Order", "legacyResourceId")
def legacy_resource_id(source: Document, _context: Context) -> int:
    return int(source["id"])


@resolves("Order", "customer")
def customer(source: Document, context: Context) -> Document | None:
    """The customer as of today; null for a guest, and for one that was deleted since."""
    buyer = source["customer"]
    return context.state.get(context.shop, "customer", buyer["id"]) if buyer else None


@resolves("Order", "purchasingEntity")
def purchasing_entity(source: Document, context: Context) -> dict[str, Any] | None:
    if company := source["company"]:
        location = {"id": gid("CompanyLocation", company["location_id"])}
        own = {"id": gid("Company", company["id"]), "name": f"Company {company['id']}", "externalId": None}
        return {"__typename": "PurchasingCompany", "company": own, "location": location, "contact": None}
    buyer = customer(source, context)
    return {**buyer, "__typename": "Customer"} if buyer else None


@resolves("Order", "retailLocation", "physicalLocation")
def retail_location(source: Document, _context: Context) -> dict[str, Any] | None:
    number = source["location_id"]
    return {"id": gid("Location", number), "name": f"Location {number}"} if number else None


@resolves("Order", "currencyCode")
def currency_code(source: Document, _context: Context) -> str:
    return str(source["currency"])


@resolves("Order", "presentmentCurrencyCode")
def presentment_currency_code(source: Document, _context: Context) -> str:
    return str(source["presentment_currency"])


@resolves("Order", "displayFinancialStatus")
def display_financial_status(source: Document, _context: Context) -> str:
    return str(source["financial_status"])


@resolves("Order", "displayFulfillmentStatus")
def display_fulfillment_status(source: Document, _context: Context) -> str:
    shown = {None: "unfulfilled", "partial": "partially_fulfilled", "fulfilled": "fulfilled"}
    return shown[source["fulfillment_status"]]


@resolves("Order", "returnStatus")
def return_status(_source: Document, _context: Context) -> str:
    return "NO_RETURN"


@resolves("Order", "closed")
def closed(source: Document, _context: Context) -> bool:
    return source["closed_at"] is not None


@resolves("Order", "cancellation")
def cancellation(source: Document, _context: Context) -> dict[str, Any] | None:
    return {"staffNote": None} if source["cancelled_at"] else None


@resolves("Order", "fullyPaid")
def fully_paid(source: Document, _context: Context) -> bool:
    return bool(source["_paid"]) and source["_outstanding"] <= 0


@resolves("Order", "unpaid")
def unpaid(source: Document, _context: Context) -> bool:
    return not source["_received"]


@resolves("Order", "refundable")
def refundable(source: Document, _context: Context) -> bool:
    return bool(source["_received"] > source["_refunded"])


@resolves("Order", "discountCodes")
def discount_codes(source: Document, _context: Context) -> list[str]:
    return [entry["code"] for entry in source["discount_codes"]]


@resolves("Order", "discountCode")
def discount_code(source: Document, _context: Context) -> str | None:
    return next((str(entry["code"]) for entry in source["discount_codes"]), None)


@resolves("Order", "customAttributes")
def custom_attributes(source: Document, _context: Context) -> list[dict[str, Any]]:
    return [{"key": entry["name"], "value": entry["value"]} for entry in source["note_attributes"]]


@resolves("Order", "shippingAddress", "billingAddress", "displayAddress")
def address(source: Document, _context: Context) -> dict[str, Any] | None:
    held = source["shipping_address"] or source["billing_address"]
    return mailing_address(held) if held else None


@resolves("Order", "shippingLines")
def shipping_lines(source: Document, _context: Context, **page: Any) -> dict[str, Any]:
    page.pop("include_removals", None)
    return connection([_shipping_line(line) for line in source["shipping_lines"]], **page)


@resolves("Order", "shippingLine")
def shipping_line(source: Document, _context: Context) -> dict[str, Any] | None:
    return next((_shipping_line(line) for line in source["shipping_lines"]), None)


def _shipping_line(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "originalPriceSet": line["price_set"], "custom": True, "deliveryCategory": None}


@resolves("Order", "statusPageUrl")
def status_page_url(source: Document, _context: Context, **_audience: Any) -> str:
    return str(source["order_status_url"])


@resolves("Order", "subtotalLineItemsQuantity")
def quantity(source: Document, _context: Context) -> int:
    return sum(line["quantity"] for line in source["line_items"])


@resolves("Order", "currentSubtotalLineItemsQuantity")
def current_quantity(source: Document, _context: Context) -> int:
    return sum(line["current_quantity"] for line in source["line_items"])
