"""Turns the input of discountCodeBasicCreate and -Update into the document `dev_store.discounts` describes.

What an update leaves out stays; `add` and `remove` change a list of the same kind and replace one of another kind.
"""

from datetime import datetime
from typing import Any

from dev_store.graphql.context import Context
from dev_store.graphql.gids import number_of
from dev_store.graphql.scalars import instant_text
from dev_store.state import Document

_NO_COMBINATION = {"order_discounts": False, "product_discounts": False, "shipping_discounts": False}
_PLAIN = (
    ("title", "title"), ("usageLimit", "usage_limit"), ("appliesOncePerCustomer", "applies_once_per_customer"),
    ("recurringCycleLimit", "recurring_cycle_limit"), ("tags", "tags"),
)  # fmt: skip


def new_discount(context: Context, wanted: dict[str, Any]) -> Document:
    """The document of a checked input, with its one code."""
    code = {"id": context.state.next_id(context.shop, "redeem_code"), "code": wanted["code"].strip(), "usage_count": 0}
    document = {
        "id": context.state.next_id(context.shop, "discount"),
        "title": "",
        "codes": [code],
        "ends_at": None,
        "context": {"all": True},
        "customer_gets": {"one_time_purchase": True, "subscription": False},
        "minimum_requirement": None,
        "combines_with": dict(_NO_COMBINATION),
        "usage_limit": None,
        "applies_once_per_customer": False,
        "recurring_cycle_limit": None,
        "tags": [],
        "created_at": instant_text(context.at),
    }
    return changed(context, document, {key: item for key, item in wanted.items() if key != "code"})


def changed(context: Context, document: Document, wanted: dict[str, Any]) -> Document:
    """The document after a checked input; `updated_at` moves on."""
    document = {**document, "updated_at": instant_text(context.at)}
    for key, column in _PLAIN:
        if key in wanted:
            document[column] = wanted[key]
    for key, column in (("startsAt", "starts_at"), ("endsAt", "ends_at")):
        if key in wanted:
            moment: datetime | None = wanted[key]
            document[column] = instant_text(moment) if moment else None
    if wanted.get("code") is not None:
        document["codes"][0]["code"] = wanted["code"].strip()
    if wanted.get("combinesWith") is not None:
        document["combines_with"] = _combines_with(wanted["combinesWith"])
    if "minimumRequirement" in wanted:
        document["minimum_requirement"] = _minimum(wanted["minimumRequirement"] or {})
    if wanted.get("customerGets"):
        document["customer_gets"] = _customer_gets(document["customer_gets"], wanted["customerGets"])
    if chosen := wanted.get("context") or _of_selection(wanted.get("customerSelection")):
        document["context"] = _context(document["context"], chosen)
    return document


def _combines_with(wanted: dict[str, Any]) -> dict[str, bool]:
    pairs = (("orderDiscounts", "order_discounts"), ("productDiscounts", "product_discounts"))
    both = (*pairs, ("shippingDiscounts", "shipping_discounts"))
    return {column: bool(wanted.get(key)) for key, column in both}


def _minimum(wanted: dict[str, Any]) -> dict[str, Any] | None:
    subtotal = (wanted.get("subtotal") or {}).get("greaterThanOrEqualToSubtotal")
    quantity = (wanted.get("quantity") or {}).get("greaterThanOrEqualToQuantity")
    if subtotal is not None:
        return {"subtotal": str(subtotal)}
    return {"quantity": int(quantity)} if quantity is not None else None


def _customer_gets(held: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    gets = dict(held)
    for key, column in (("appliesOnOneTimePurchase", "one_time_purchase"), ("appliesOnSubscription", "subscription")):
        if wanted.get(key) is not None:
            gets[column] = wanted[key]
    if value := wanted.get("value"):
        amount = value.get("discountAmount")
        gets["value"] = (
            {"amount": str(amount["amount"]), "each_item": bool(amount.get("appliesOnEachItem"))}
            if amount
            else {"percentage": str(value["percentage"])}
        )
    if items := wanted.get("items"):
        gets["items"] = _items(gets.get("items", {}), items)
    return gets


def _items(held: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    if wanted.get("all"):
        return {"all": True}
    if collections := wanted.get("collections"):
        return {"collections": _edited(held.get("collections", []), collections, "Collection", "add", "remove")}
    products = wanted.get("products") or {}
    variants = ("ProductVariant", "productVariantsToAdd", "productVariantsToRemove")
    return {
        "products": _edited(held.get("products", []), products, "Product", "productsToAdd", "productsToRemove"),
        "variants": _edited(held.get("variants", []), products, *variants),
    }


def _context(held: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    if customers := wanted.get("customers"):
        return {"customers": _edited(held.get("customers", []), customers, "Customer", "add", "remove")}
    if segments := wanted.get("customerSegments"):
        kept = [gid for gid in held.get("segments", []) if gid not in (segments.get("remove") or [])]
        return {"segments": [*kept, *(gid for gid in segments.get("add") or [] if gid not in kept)]}
    return {"all": True}


def _of_selection(selection: dict[str, Any] | None) -> dict[str, Any] | None:
    """The deprecated `customerSelection` says the same in other words."""
    if not selection:
        return None
    return {"all": "ALL"} if selection.get("all") else selection


def _edited(held: list[int], wanted: dict[str, Any], kind: str, add: str, remove: str) -> list[int]:
    gone = {number_of(gid, kind) for gid in wanted.get(remove) or []}
    new = [number_of(gid, kind) for gid in wanted.get(add) or []]
    return list(dict.fromkeys([number for number in held if number not in gone] + new))
