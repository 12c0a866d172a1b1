"""The checkout: prices a cart to the cent under the codes that were entered, or says why a code may not be used.

Called by `commerce.orders`; the rules of codes are in `discounts`. The order of things is Shopify's: discounts of the
product class first, then of the order class on what is left, each split over the lines; then tax on every discounted
line. Taxes are kept simple on purpose: one rate for the shop (`_tax_rate` of its document, 0 unless set), on taxable
goods only, rounded half up for each line; shipping and tips are not taxed.
"""

from dataclasses import dataclass
from decimal import Decimal

from dev_store.discounts import Cart, CartLine, Coupon, check, check_together, find_coupon, taken_off
from dev_store.money import rounded
from dev_store.state import State


@dataclass(frozen=True)
class TaxRule:
    """`rate` 0.2 means 20 %; `included` means that prices already contain the tax."""

    rate: Decimal
    included: bool

    def on(self, amount: int) -> int:
        if self.included:
            return rounded(amount * self.rate / (1 + self.rate))
        return rounded(amount * self.rate)


@dataclass(frozen=True)
class Applied:
    """A code at work: what it takes off each line, in minor units."""

    coupon: Coupon
    per_line: list[int]

    @property
    def amount(self) -> int:
        return sum(self.per_line)


def apply_codes(state: State, shop: str, cart: Cart, codes: list[str]) -> list[Applied]:
    """Raises CheckoutRefused for the first code that may not be used on this cart, or not with the others."""
    coupons = [find_coupon(state, shop, code) for code in codes]
    for coupon in coupons:
        check(state, shop, coupon, cart)
    check_together(coupons)
    left = [line.total for line in cart.lines]
    applied = []
    for coupon in sorted(coupons, key=lambda one: one.order_class):
        per_line = taken_off(coupon, cart, left)
        left = [rest - off for rest, off in zip(left, per_line, strict=True)]
        applied.append(Applied(coupon, per_line))
    return applied


def discounted(lines: list[CartLine], applied: list[Applied]) -> list[int]:
    """What is left of each line, in minor units."""
    return [line.total - sum(one.per_line[index] for one in applied) for index, line in enumerate(lines)]
