"""Lines of an order and the discounts on them."""

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from dev_store.commerce.totals import LineMoney
from dev_store.graphql.connections import connection
from dev_store.graphql.context import Context
from dev_store.graphql.order_refunds import tender
from dev_store.graphql.schema import resolves
from dev_store.money import share, to_minor
from dev_store.state import Document

_APPLICATIONS = {
    "discount_code": "DiscountCodeApplication", "automatic": "AutomaticDiscountApplication",
    "manual": "ManualDiscountApplication", "script": "ScriptDiscountApplication",
}  # fmt: skip


def query_parameters(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


@resolves("Order", "lineItems", "nonFulfillableLineItems")
def line_items(source: Document, _context: Context, **page: Any) -> dict[str, Any]:
    return connection([{**line, "_order": source} for line in source["line_items"]], **page)


@resolves("Order", "discountApplications")
def discount_applications(source: Document, _context: Context, **page: Any) -> dict[str, Any]:
    return connection(_applications(source), key=lambda item: item["index"], **page)


def _applications(order: Document) -> list[dict[str, Any]]:
    return [
        {**entry, "__typename": _APPLICATIONS[entry["type"]], "index": index, "value": _value(order, entry)}
        for index, entry in enumerate(order["discount_applications"])
    ]


def _value(order: Document, entry: dict[str, Any]) -> dict[str, Any]:
    if entry["value_type"] == "percentage":
        return {"__typename": "PricingPercentageValue", "percentage": float(entry["value"])}
    return {"__typename": "MoneyV2", "amount": entry["value"], "currencyCode": order["currency"]}


@resolves("LineItem", "discountAllocations")
def discount_allocations(source: Document, _context: Context) -> list[dict[str, Any]]:
    applications = _applications(source["_order"])
    return [
        {
            "allocatedAmountSet": entry["amount_set"],
            "allocatedAmount": entry["amount_set"]["shop_money"],
            "discountApplication": applications[entry["discount_application_index"]],
        }
        for entry in source["discount_allocations"]
    ]


@resolves("LineItem", "originalUnitPriceSet")
def original_unit_price(source: Document, _context: Context) -> Any:
    return source["price_set"]


@resolves("LineItem", "originalTotalSet")
def original_total(source: Document, _context: Context) -> dict[str, Any]:
    return _bag(source, _money(source).list_price)


@resolves("LineItem", "totalDiscountSet")
def total_discount(source: Document, _context: Context) -> dict[str, Any]:
    return _bag(source, to_minor(source["total_discount"], tender(source["_order"]).shop))


@resolves("LineItem", "discountedTotalSet")
def discounted_total(source: Document, _context: Context, with_code_discounts: bool = False) -> dict[str, Any]:
    """After discounts of the line; those of codes count only when asked for (schema description)."""
    line = _money(source)
    return _bag(source, line.net if with_code_discounts else line.list_price)


@resolves("LineItem", "discountedUnitPriceSet")
def discounted_unit_price(source: Document, _context: Context) -> Any:
    return source["price_set"]


@resolves("LineItem", "discountedUnitPriceAfterAllDiscountsSet")
def unit_price_after_all(source: Document, _context: Context) -> dict[str, Any]:
    line = _money(source)
    return _bag(source, share(line.net, 1, line.quantity))


@resolves("LineItem", "priceAfterAllDiscountsBeforeTaxesSet")
def price_before_taxes(source: Document, _context: Context) -> dict[str, Any]:
    line = _money(source)
    return _bag(source, line.net - (line.tax if source["_order"]["taxes_included"] else 0))


@resolves("LineItem", "refundableQuantity")
def refundable_quantity(source: Document, _context: Context) -> int:
    return int(source["current_quantity"])


@resolves("LineItem", "unfulfilledQuantity")
def unfulfilled_quantity(source: Document, _context: Context) -> int:
    return int(source["fulfillable_quantity"])


@resolves("LineItem", "nonFulfillableQuantity")
def non_fulfillable_quantity(source: Document, _context: Context) -> int:
    return int(source["quantity"]) - int(source["fulfillable_quantity"])


@resolves("LineItem", "isGiftCard")
def is_gift_card(source: Document, _context: Context) -> bool:
    return bool(source["gift_card"])


@resolves("LineItem", "customAttributes")
def custom_attributes(source: Document, _context: Context) -> list[dict[str, Any]]:
    return [{"key": entry["name"], "value": entry["value"]} for entry in source["properties"]]


@resolves("LineItem", "product")
def product(source: Document, context: Context) -> Document | None:
    number = source["product_id"]
    return context.state.get(context.shop, "product", number) if number else None


@resolves("LineItem", "variant")
def variant(source: Document, context: Context) -> Document | None:
    owner = product(source, context)
    found = [one for one in owner["variants"] if one["id"] == source["variant_id"]] if owner else []
    return {**found[0], "_product": owner} if found else None


@resolves("LineItem", "taxLines")
def tax_lines(source: Document, _context: Context, first: int | None = None) -> Any:
    return source["tax_lines"][:first]


@resolves("TaxLine", "ratePercentage")
def rate_percentage(source: Document, _context: Context) -> float:
    return float(Decimal(str(source["rate"])) * 100)


def _money(source: Document) -> LineMoney:
    return LineMoney(source, tender(source["_order"]).shop)


def _bag(source: Document, minor: int) -> dict[str, Any]:
    bag: dict[str, Any] = tender(source["_order"]).set(minor)
    return bag
