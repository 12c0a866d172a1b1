"""The sentence Shopify makes of a discount's settings: `10% off entire order • Minimum purchase of $50.00`."""

from decimal import Decimal
from typing import Any

from dev_store.graphql.context import Context
from dev_store.money import exponent
from dev_store.state import Document

_SIGNS = {"USD": "$", "CAD": "$", "AUD": "$", "NZD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def summary(discount: Document, context: Context) -> str:
    """All parts, joined by bullets."""
    parts = [short_summary(discount, context)]
    minimum = discount["minimum_requirement"] or {}
    if "subtotal" in minimum:
        parts.append(f"Minimum purchase of {_money(minimum['subtotal'], context)}")
    if "quantity" in minimum:
        parts.append(f"Minimum quantity of {minimum['quantity']}")
    if buyers := _buyers(discount["context"]):
        parts.append(buyers)
    if discount["applies_once_per_customer"]:
        parts.append("One use per customer")
    return " • ".join(parts)


def short_summary(discount: Document, context: Context) -> str:
    """The value and what it is taken off."""
    gets = discount["customer_gets"]
    value = gets["value"]
    if "percentage" in value:
        percent = format((Decimal(value["percentage"]) * 100).normalize(), "f")
        return f"{percent}% off {_goods(gets, context)}"
    return f"{_money(value['amount'], context)} off {_goods(gets, context)}"


def _goods(gets: dict[str, Any], context: Context) -> str:
    """In a shop that sells subscriptions Shopify says which kind of purchase is meant."""
    items = gets["items"]
    if items.get("all"):
        return _purchases(gets) if context.shop_document.get("_sells_subscriptions") else "entire order"
    products, collections = len(items.get("products", [])), len(items.get("collections", []))
    if collections:
        return _counted(collections, "collection")
    return _counted(products, "product") if products else _counted(len(items.get("variants", [])), "variant")


def _purchases(gets: dict[str, Any]) -> str:
    if gets.get("one_time_purchase", True) and gets.get("subscription", False):
        return "all products"
    return "subscription products" if gets.get("subscription", False) else "one-time purchase products"


def _buyers(chosen: dict[str, Any]) -> str | None:
    if customers := chosen.get("customers"):
        return f"For {_counted(len(customers), 'customer')}"
    if segments := chosen.get("segments"):
        return f"For {_counted(len(segments), 'customer segment')}"
    return None


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _money(amount: str, context: Context) -> str:
    places = exponent(context.currency)
    return f"{_SIGNS.get(context.currency, context.currency + ' ')}{Decimal(amount):,.{places}f}"
