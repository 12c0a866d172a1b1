"""Basic code discounts as the Admin API shows them: by id, by code, by search."""

from typing import Any

from dev_store.graphql.connections import connection, count
from dev_store.graphql.context import Context
from dev_store.graphql.discount_summary import short_summary, summary
from dev_store.graphql.gids import gid, number_of, number_or_none
from dev_store.graphql.scalars import instant
from dev_store.graphql.schema import query, resolves
from dev_store.graphql.search import Reader, matches, parse
from dev_store.state import Document

NODE = "DiscountCodeNode"
_SORTS = {
    "CREATED_AT": "created_at", "UPDATED_AT": "updated_at", "STARTS_AT": "starts_at", "TITLE": "title",
}  # fmt: skip


def status(discount: Document, context: Context) -> str:
    """SCHEDULED before it starts, EXPIRED from its end on, ACTIVE between: by the clock, never stored."""
    if context.at < instant(discount["starts_at"]):
        return "SCHEDULED"
    if discount["ends_at"] and context.at >= instant(discount["ends_at"]):
        return "EXPIRED"
    return "ACTIVE"


def classes(discount: Document) -> list[str]:
    """All items: the order class; named products or collections: the product class."""
    return ["ORDER"] if discount["customer_gets"]["items"].get("all") else ["PRODUCT"]


def node_of(discount: Document | None, type_name: str = NODE) -> dict[str, Any] | None:
    """The node object; both node types carry the id of a code discount."""
    if discount is None:
        return None
    body = {**discount, "__typename": "DiscountCodeBasic"}
    return {"__typename": type_name, "id": gid(NODE, discount["id"]), "codeDiscount": body, "discount": body}


@query("codeDiscountNode")
def code_discount_node(_source: Any, context: Context, id_: str) -> dict[str, Any] | None:
    return node_of(context.state.get(context.shop, "discount", number_of(id_, NODE)))


@query("discountNode")
def discount_node(_source: Any, context: Context, id_: str) -> dict[str, Any] | None:
    number = number_or_none(id_, NODE)
    return node_of(context.state.get(context.shop, "discount", number) if number else None, "DiscountNode")


@query("codeDiscountNodeByCode")
def code_discount_node_by_code(_source: Any, context: Context, code: str) -> dict[str, Any] | None:
    """Not case-sensitive, and any code of a discount with several finds it."""
    return node_of(next(iter(context.state.find(context.shop, "discount", "code", code.strip().lower())), None))


@query("discountNodes", "codeDiscountNodes")
def discount_nodes(
    _source: Any,
    context: Context,
    query: str | None = None,
    sort_key: str = "ID",
    **page: Any,
) -> dict[str, Any]:
    page.pop("saved_search_id", None)
    found = _found(context, query)
    if sort_key in _SORTS:
        found.sort(key=lambda doc: (doc[_SORTS[sort_key]], doc["id"]))
    nodes = [{**(node_of(doc, "DiscountNode") or {}), "_number": doc["id"]} for doc in found]
    return connection(nodes, key=lambda node: node["_number"], **page)


@query("discountNodesCount")
def discount_nodes_count(
    _source: Any, context: Context, query: str | None = None, limit: int | None = 10_000, **_more: Any
) -> dict[str, Any]:
    return count(len(_found(context, query)), limit)


def _found(context: Context, text: str | None) -> list[Document]:
    terms = parse(text)
    return [doc for doc in context.state.all(context.shop, "discount") if matches(terms, doc, _readers(context))]


def _readers(context: Context) -> dict[str, Reader]:
    return {
        "default": lambda doc: " ".join([doc["title"], *(code["code"] for code in doc["codes"])]),
        "title": lambda doc: doc["title"],
        "status": lambda doc: status(doc, context),
        "discount_class": classes,
        "discount_type": lambda doc: ["percentage", "fixed_amount"]["amount" in doc["customer_gets"]["value"]],
        "method": lambda _doc: "code",
        "type": lambda _doc: "all",
        "id": lambda doc: doc["id"],
        "code": lambda doc: doc["codes"][0]["code"] if len(doc["codes"]) == 1 else None,
        "tag": lambda doc: doc["tags"],
        "starts_at": lambda doc: instant(doc["starts_at"]),
        "ends_at": lambda doc: doc["ends_at"] and instant(doc["ends_at"]),
        "created_at": lambda doc: instant(doc["created_at"]),
        "updated_at": lambda doc: instant(doc["updated_at"]),
        "times_used": lambda doc: sum(code["usage_count"] for code in doc["codes"]),
    }


@resolves("DiscountCodeBasic", "status")
def basic_status(source: Document, context: Context) -> str:
    return status(source, context)


@resolves("DiscountCodeBasic", "summary")
def basic_summary(source: Document, context: Context) -> str:
    return summary(source, context)


@resolves("DiscountCodeBasic", "shortSummary")
def basic_short_summary(source: Document, context: Context) -> str:
    return short_summary(source, context)


@resolves("DiscountCodeBasic", "discountClasses")
def basic_classes(source: Document, _context: Context) -> list[str]:
    return classes(source)


@resolves("DiscountCodeBasic", "discountClass")
def basic_class(source: Document, _context: Context) -> str:
    return classes(source)[0]


@resolves("DiscountCodeBasic", "hasTimelineComment")
def has_timeline_comment(_source: Document, _context: Context) -> bool:
    return False


@resolves("DiscountCodeBasic", "shareableUrls")
def shareable_urls(source: Document, context: Context) -> list[dict[str, Any]]:
    address = f"https://{context.shop}/discount/{source['codes'][0]['code']}"
    return [{"title": "Home page", "targetType": "HOME", "targetItemImage": None, "url": address}]


@resolves("DiscountCodeBasic", "asyncUsageCount")
def usage_count(source: Document, _context: Context) -> int:
    return sum(code["usage_count"] for code in source["codes"])


@resolves("DiscountCodeBasic", "codes")
def codes(source: Document, _context: Context, query: str | None = None, **page: Any) -> dict[str, Any]:
    for unused in ("sort_key", "saved_search_id"):
        page.pop(unused, None)
    readers: dict[str, Reader] = {"default": lambda code: code["code"], "code": lambda code: code["code"]}
    terms = parse(query)
    found = [redeem_code(code) for code in source["codes"] if matches(terms, code, readers)]
    return connection(found, **page)


@resolves("DiscountCodeBasic", "codesCount")
def codes_count(source: Document, _context: Context) -> dict[str, Any]:
    return count(len(source["codes"]))


def redeem_code(code: Document) -> dict[str, Any]:
    return {"id": code["id"], "code": code["code"], "asyncUsageCount": code["usage_count"], "createdBy": None}


@resolves("DiscountCodeBasic", "context")
def buyers(source: Document, context: Context) -> dict[str, Any]:
    chosen, state = source["context"], context.state
    if "customers" in chosen:
        found = [state.get(context.shop, "customer", number) for number in chosen["customers"]]
        customers = [{**doc, "__typename": "Customer"} for doc in found if doc]
        return {"__typename": "DiscountCustomers", "customers": customers}
    if "segments" in chosen:
        found = [state.get(context.shop, "segment", number_of(text, "Segment")) for text in chosen["segments"]]
        return {"__typename": "DiscountCustomerSegments", "segments": [doc for doc in found if doc]}
    return {"__typename": "DiscountBuyerSelectionAll", "all": "ALL"}


@resolves("DiscountCodeBasic", "customerGets")
def customer_gets(source: Document, context: Context) -> dict[str, Any]:
    gets = source["customer_gets"]
    return {
        "value": _value(gets["value"], context),
        "items": _items(gets["items"]),
        "appliesOnOneTimePurchase": gets.get("one_time_purchase", True),
        "appliesOnSubscription": gets.get("subscription", False),
    }


@resolves("DiscountCodeBasic", "minimumRequirement")
def minimum_requirement(source: Document, context: Context) -> dict[str, Any] | None:
    minimum = source["minimum_requirement"] or {}
    if "subtotal" in minimum:
        money = context.money(minimum["subtotal"])
        return {"__typename": "DiscountMinimumSubtotal", "greaterThanOrEqualToSubtotal": money}
    if "quantity" in minimum:
        return {"__typename": "DiscountMinimumQuantity", "greaterThanOrEqualToQuantity": minimum["quantity"]}
    return None


def _value(value: dict[str, Any], context: Context) -> dict[str, Any]:
    if "percentage" in value:
        return {"__typename": "DiscountPercentage", "percentage": float(value["percentage"])}
    amount = context.money(value["amount"])
    return {"__typename": "DiscountAmount", "amount": amount, "appliesOnEachItem": value["each_item"]}


def _items(items: dict[str, Any]) -> dict[str, Any]:
    if items.get("all"):
        return {"__typename": "AllDiscountItems", "allItems": True}
    if "collections" in items:
        return {"__typename": "DiscountCollections", "_collections": items["collections"]}
    return {"__typename": "DiscountProducts", "_products": items["products"], "_variants": items["variants"]}


@resolves("DiscountProducts", "products")
def discounted_products(source: Document, context: Context, **page: Any) -> dict[str, Any]:
    found = [context.state.get(context.shop, "product", number) for number in source["_products"]]
    return connection([doc for doc in found if doc], **page)
