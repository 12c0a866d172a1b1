"""A visitor's cart, priced: what the theme, Liquid and `/cart.js` show of it.

Codes that may not be used are kept and marked as such, as at Shopify: the cart says `applicable: false`, the checkout
says why. Prices are minor units of the shop's currency; the theme sees hundredths (`as_json`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from dev_store.checkout import Applied, apply_codes, discounted
from dev_store.discounts import Buyer, Cart, CartLine
from dev_store.money import hundredths, to_minor
from dev_store.refusals import CheckoutRefused
from dev_store.state import Document, State
from dev_store.storefront.visitors import Visitor


@dataclass(frozen=True)
class Item:
    """A line of the cart: a variant of a product."""

    product: Document
    variant: Document
    quantity: int
    price: int

    @property
    def title(self) -> str:
        plain = self.variant["title"] in {"Default Title", self.product["title"]}
        return self.product["title"] if plain else f"{self.product['title']} - {self.variant['title']}"


@dataclass(frozen=True)
class PricedCart:
    """Items with what the codes take off; `refused` says why a code does not apply, by code."""

    items: list[Item]
    totals: list[int]
    applied: list[Applied]
    refused: dict[str, CheckoutRefused]
    currency: str

    @property
    def total(self) -> int:
        return sum(self.totals)

    @property
    def original(self) -> int:
        return sum(item.price * item.quantity for item in self.items)

    @property
    def count(self) -> int:
        return sum(item.quantity for item in self.items)


def variants(state: State, shop: str) -> dict[str, tuple[Document, Document]]:
    """Product and variant by the variant's id as text."""
    return {
        str(variant["id"]): (product, variant)
        for product in state.all(shop, "product")
        for variant in product["variants"]
    }


def price(visitor: Visitor, currency: str, at: datetime, *, email: str | None = None) -> PricedCart:
    """The visitor's cart as it would be charged now, by the address given at the checkout if there is one."""
    known = variants(visitor.state, visitor.shop)
    items = [
        Item(*known[key], quantity, to_minor(known[key][1]["price"], currency))
        for key, quantity in visitor.lines.items()
        if key in known
    ]
    lines = [CartLine(item.price, item.quantity, item.product["id"], item.variant["id"]) for item in items]
    customer = visitor.customer
    address = email or (customer["email"] if customer else None)
    cart = Cart(lines, Buyer(customer["id"] if customer else None, address), at, currency)
    applied, refused = _apply(visitor, cart)
    return PricedCart(items, discounted(lines, applied), applied, refused, currency)


def _apply(visitor: Visitor, cart: Cart) -> tuple[list[Applied], dict[str, CheckoutRefused]]:
    """Codes in the order in which they were entered, leaving out each that does not go with those before it."""
    working: list[str] = []
    refused: dict[str, CheckoutRefused] = {}
    applied: list[Applied] = []
    for code in visitor.codes if cart.lines else []:
        try:
            applied = apply_codes(visitor.state, visitor.shop, cart, [*working, code])
            working.append(code)
        except CheckoutRefused as reason:
            refused[code] = reason
    return applied, refused


def as_json(visitor: Visitor, cart: PricedCart, root: str) -> dict[str, Any]:
    """The cart as `/cart.js` answers it, in Shopify's names."""
    codes = [{"code": code, "applicable": code not in cart.refused and bool(cart.items)} for code in visitor.codes]
    shown = partial(hundredths, currency=cart.currency)
    return {
        "token": visitor.document["token"],
        "note": visitor.document["note"],
        "attributes": visitor.document["attributes"],
        "original_total_price": shown(cart.original),
        "total_price": shown(cart.total),
        "total_discount": shown(cart.original - cart.total),
        "item_count": cart.count,
        "items": [_item(item, total, root, shown) for item, total in zip(cart.items, cart.totals, strict=True)],
        "requires_shipping": True,
        "currency": cart.currency,
        "items_subtotal_price": shown(cart.total),
        "discount_codes": codes,
    }


def _item(item: Item, total: int, root: str, shown: Callable[[int], int]) -> dict[str, Any]:
    return {
        "id": item.variant["id"],
        "key": f"{item.variant['id']}:",
        "quantity": item.quantity,
        "variant_id": item.variant["id"],
        "product_id": item.product["id"],
        "title": item.title,
        "product_title": item.product["title"],
        "handle": item.product["handle"],
        "url": f"{root}products/{item.product['handle']}",
        "sku": item.variant["sku"],
        "price": shown(item.price),
        "original_price": shown(item.price),
        "original_line_price": shown(item.price * item.quantity),
        "line_price": shown(item.price * item.quantity),
        "final_line_price": shown(total),
        "total_discount": shown(item.price * item.quantity - total),
        "gift_card": bool(item.product.get("gift_card")),
    }
