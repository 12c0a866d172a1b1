"""Basic discount codes: their documents, and the rules that say whether a cart may use one and what it takes off.

Read by `checkout`; the GraphQL mutations write the documents. A `discount` document is

    {id, title, codes: [{id, code, usage_count}], starts_at, ends_at | null        instants RFC 3339
     context: {"all": true} | {"customers": [id, …]} | {"segments": [gid, …]},
     customer_gets: {"value": {"percentage": "0.1"} | {"amount": "5.00", "each_item": false},
                     "items": {"all": true} | {"products": [id, …], "variants": [id, …]}},
     minimum_requirement: null | {"subtotal": "50.00"} | {"quantity": 3},
     combines_with: {order_discounts, product_discounts, shipping_discounts: bool},
     usage_limit | null (each code on its own), applies_once_per_customer, tags, created_at, updated_at}

A discount on all items is of the order class, one on named products of the product class (Shopify: DiscountClass).
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from dev_store.money import allocate, rounded, to_minor
from dev_store.refusals import CheckoutRefused
from dev_store.state import Document, State

NOT_FOUND = "not_found"
NOT_STARTED = "not_started"
EXPIRED = "expired"
USED_UP = "usage_limit_reached"
ALREADY_USED = "already_used_by_customer"
CUSTOMER_NEEDED = "customer_needed"
OTHER_CUSTOMER = "not_for_this_customer"
SEGMENT_UNKNOWN = "segments_not_evaluated"
MINIMUM_SUBTOTAL = "minimum_subtotal"
MINIMUM_QUANTITY = "minimum_quantity"
NO_ITEMS = "no_entitled_items"
NOT_COMBINABLE = "not_combinable"


@dataclass(frozen=True)
class CartLine:
    """A line before discounts; `price` is of one piece in minor units."""

    price: int
    quantity: int
    product_id: int | None = None
    variant_id: int | None = None

    @property
    def total(self) -> int:
        return self.price * self.quantity


@dataclass(frozen=True)
class Buyer:
    """Who stands at the checkout. A guest who typed a customer's address is known by it, as at Shopify."""

    customer_id: int | None
    email: str | None

    @property
    def key(self) -> str | None:
        """Under which a use is remembered; None for somebody who gave neither account nor address."""
        return str(self.customer_id) if self.customer_id else (self.email or "").strip().lower() or None


@dataclass(frozen=True)
class Cart:
    """What a code is tried on; `currency` is the shop's."""

    lines: list[CartLine]
    buyer: Buyer
    at: datetime
    currency: str


@dataclass(frozen=True)
class Coupon:
    """A code that exists in the shop, as the buyer spelt it, with its discount and its own entry there."""

    entered: str
    discount: Document
    entry: Document

    def refuse(self, reason: str, message: str) -> CheckoutRefused:
        return CheckoutRefused(self.entered, reason, message)

    @property
    def order_class(self) -> bool:
        return bool(self.discount["customer_gets"]["items"].get("all"))


def find_coupon(state: State, shop: str, entered: str) -> Coupon:
    """Codes are not case-sensitive. Raises CheckoutRefused (NOT_FOUND)."""
    wanted = entered.strip().lower()
    for discount in state.find(shop, "discount", "code", wanted):
        for entry in discount["codes"]:
            if entry["code"].lower() == wanted:
                return Coupon(entered.strip(), discount, entry)
    raise CheckoutRefused(entered, NOT_FOUND, "there is no such discount code")


def check(state: State, shop: str, coupon: Coupon, cart: Cart) -> None:
    """Raises CheckoutRefused with the first rule that forbids the code."""
    _check_dates(coupon, cart.at)
    _check_uses(state, shop, coupon, cart.buyer)
    _check_buyer(state, shop, coupon, cart.buyer)
    _check_minimum(coupon, cart)


def _check_dates(coupon: Coupon, at: datetime) -> None:
    starts, ends = coupon.discount["starts_at"], coupon.discount.get("ends_at")
    if at < _instant(starts):
        raise coupon.refuse(NOT_STARTED, f"not valid before {starts}")
    if ends and at >= _instant(ends):
        raise coupon.refuse(EXPIRED, f"expired at {ends}")


def _check_uses(state: State, shop: str, coupon: Coupon, buyer: Buyer) -> None:
    limit = coupon.discount.get("usage_limit")
    if limit is not None and coupon.entry["usage_count"] >= limit:
        raise coupon.refuse(USED_UP, f"already used {coupon.entry['usage_count']} times, the limit is {limit}")
    if not coupon.discount.get("applies_once_per_customer"):
        return
    if buyer.key is None:
        raise coupon.refuse(CUSTOMER_NEEDED, "once per customer: an e-mail address is needed")
    if state.get(shop, "discount_use", use_key(coupon, buyer)):
        raise coupon.refuse(ALREADY_USED, "once per customer, and this customer has used it")


def _check_buyer(state: State, shop: str, coupon: Coupon, buyer: Buyer) -> None:
    context = coupon.discount.get("context") or {"all": True}
    if context.get("all"):
        return
    if "customers" not in context:
        raise coupon.refuse(SEGMENT_UNKNOWN, "for segments or markets, which the dev store does not evaluate")
    known = {buyer.customer_id}
    if buyer.email:
        known |= {found["id"] for found in state.find(shop, "customer", "email", buyer.email.strip().lower())}
    if known == {None}:
        raise coupon.refuse(CUSTOMER_NEEDED, "for certain customers only: sign in or give your e-mail address")
    if not known & set(context["customers"]):
        raise coupon.refuse(OTHER_CUSTOMER, "for another customer")


def _check_minimum(coupon: Coupon, cart: Cart) -> None:
    entitled = [line for line in cart.lines if entitles(coupon, line)]
    if not any(line.quantity for line in entitled):
        raise coupon.refuse(NO_ITEMS, "nothing in the cart is entitled to it")
    minimum = coupon.discount.get("minimum_requirement") or {}
    if "subtotal" in minimum and sum(line.total for line in entitled) < to_minor(minimum["subtotal"], cart.currency):
        raise coupon.refuse(MINIMUM_SUBTOTAL, f"needs goods for at least {minimum['subtotal']}")
    if "quantity" in minimum and sum(line.quantity for line in entitled) < int(minimum["quantity"]):
        raise coupon.refuse(MINIMUM_QUANTITY, f"needs at least {minimum['quantity']} items")


def check_together(coupons: list[Coupon]) -> None:
    """Every pair must allow the other's class in `combines_with`. Raises CheckoutRefused (NOT_COMBINABLE)."""
    for one in coupons:
        for other in coupons:
            if one is other:
                continue
            allowed = one.discount.get("combines_with") or {}
            field = "order_discounts" if other.order_class else "product_discounts"
            if one.entry["id"] == other.entry["id"] or not allowed.get(field):
                raise one.refuse(NOT_COMBINABLE, f"does not combine with {other.entered}")


def entitles(coupon: Coupon, line: CartLine) -> bool:
    items = coupon.discount["customer_gets"]["items"]
    if items.get("all"):
        return True
    return line.product_id in items.get("products", []) or line.variant_id in items.get("variants", [])


def taken_off(coupon: Coupon, cart: Cart, left: list[int]) -> list[int]:
    """Minor units taken off each line; `left` is what earlier discounts left of it, and never becomes negative.

    A percentage is taken of the entitled sum and rounded half up once; an amount stops at what is left. Both are then
    split over the lines in proportion to what is left of them.
    """
    bases = [rest if entitles(coupon, line) else 0 for line, rest in zip(cart.lines, left, strict=True)]
    value = coupon.discount["customer_gets"]["value"]
    if "percentage" in value:
        return allocate(rounded(sum(bases) * Decimal(str(value["percentage"]))), bases)
    amount = to_minor(value["amount"], cart.currency)
    if value.get("each_item"):
        return [min(base, amount * line.quantity) for line, base in zip(cart.lines, bases, strict=True)]
    return allocate(min(amount, sum(bases)), bases)


def use_key(coupon: Coupon, buyer: Buyer) -> str:
    return f"{coupon.discount['id']}/{buyer.key}"


def record_use(state: State, shop: str, coupon: Coupon, buyer: Buyer, order_id: int) -> None:
    """Counts a use; cancelling the order does not give it back (Shopify's rule)."""
    discount = state.get(shop, "discount", coupon.discount["id"])
    if discount is None:
        return
    for entry in discount["codes"]:
        if entry["id"] == coupon.entry["id"]:
            entry["usage_count"] += 1
    state.put(shop, "discount", discount["id"], discount)
    if buyer.key:
        state.put(shop, "discount_use", use_key(coupon, buyer), {"order_id": order_id})


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
