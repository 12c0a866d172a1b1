"""Orders: placing, paying, deleting.

A paid order announces orders/create, orders/paid and orders/updated with one body and one `updated_at`: at Shopify,
too, creation and payment fall into the same second, and only X-Shopify-Triggered-At tells them apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from dev_store.checkout import Applied, TaxRule, apply_codes, discounted
from dev_store.commerce.customers import as_buyer
from dev_store.commerce.line_documents import OrderLine, line_document
from dev_store.commerce.order_documents import Facts, order_document
from dev_store.commerce.totals import recompute
from dev_store.commerce.verbs import Verbs, verb
from dev_store.discounts import Buyer, Cart, record_use
from dev_store.money import Tender, to_minor
from dev_store.refusals import RefusalError
from dev_store.state import FIRST_ID, Document


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is ordered, and how; money as decimal strings in shop currency.

    `email` alone makes a guest's order (its `customer` is null). `presentment_rate` is how many units of the
    presentment currency one unit of shop money costs. `paid_with` are amounts by gateway, such as `gift_card` and
    `shopify_store_credit`; what is left is paid at the test gateway.
    """

    lines: Sequence[OrderLine]
    customer_id: int | None = None
    email: str | None = None
    discount_codes: Sequence[str] = ()
    shipping: str = "0.00"
    tip: str = "0.00"
    financial_status: str = "paid"
    source_name: str = "web"
    test: bool = False
    company_id: int | None = None
    name: str | None = None
    presentment_currency: str | None = None
    presentment_rate: str = "1"
    paid_with: Mapping[str, str] = field(default_factory=dict)
    # The cart's attributes, and the path with which the buyer's visit began.
    note_attributes: Sequence[Mapping[str, str]] = ()
    landing_site: str | None = None


class OrderVerbs(Verbs):
    @verb
    def place_order(self, /, *, at: datetime, **wish: Any) -> int:
        """Places an order (the fields of `Wish`) and returns its id.

        Raises CheckoutRefused for a code that may not be used, RefusalError for an order that makes no sense.
        """
        wanted, shop = Wish(**wish), self.shop_document()
        _check(wanted)
        customer = self._document("customer", wanted.customer_id) if wanted.customer_id else None
        email = wanted.email or (customer["email"] if customer else None)
        goods = [line.in_cart(shop["currency"]) for line in wanted.lines]
        cart = Cart(goods, Buyer(wanted.customer_id, email), at, shop["currency"])
        applied = apply_codes(self.state, self.shop, cart, list(wanted.discount_codes))
        order = order_document(self._facts(wanted, shop, customer, cart, applied))
        order["note_attributes"] = [dict(attribute) for attribute in wanted.note_attributes]
        order["landing_site"] = wanted.landing_site
        for one in applied:
            record_use(self.state, self.shop, one.coupon, cart.buyer, order["id"])
        return self._announce_sale(order, at, paid=wanted.financial_status == "paid")

    @verb
    def mark_paid(self, order_id: int, *, at: datetime) -> None:
        """The buyer pays what is outstanding. RefusalError when nothing is, or the order was cancelled."""
        order = self._document("order", order_id)
        if order["cancelled_at"] or (order["_paid"] and order["_outstanding"] <= 0):
            raise RefusalError(f"order {order_id} has nothing left to pay")
        receive(order)
        self._save_order(order, at)
        self._emit(at, ("orders/paid", order), ("orders/updated", order))

    @verb
    def update_order(self, order_id: int, *, at: datetime, note: str | None = None, tags: str | None = None) -> None:
        """Changes note or tags (one comma-separated string): an orders/updated in which no figure moves."""
        order = self._document("order", order_id)
        order["note"] = order["note"] if note is None else note
        order["tags"] = order["tags"] if tags is None else tags
        self._save_order(order, at)
        self._emit(at, ("orders/updated", order))

    @verb
    def delete_order(self, order_id: int, *, at: datetime) -> None:
        """Removes the order and its refunds; the webhook names the id and nothing else."""
        self._document("order", order_id)
        for refund in self.state.find(self.shop, "refund", "order_id", order_id):
            self.state.delete(self.shop, "refund", refund["id"])
        self.state.delete(self.shop, "order", order_id)
        self._emit(at, ("orders/delete", {"id": order_id}))

    def _announce_sale(self, order: Document, at: datetime, *, paid: bool) -> int:
        if paid:
            receive(order)
        self._save_order(order, at)
        topics = ("orders/create", "orders/paid", "orders/updated") if paid else ("orders/create", "orders/updated")
        self._emit(at, *((topic, order) for topic in topics))
        return int(order["id"])

    def _facts(
        self, wish: Wish, shop: Document, customer: Document | None, cart: Cart, applied: list[Applied]
    ) -> Facts:
        tender = Tender(shop["currency"], wish.presentment_currency or shop["currency"], Decimal(wish.presentment_rate))
        tax = TaxRule(Decimal(shop["_tax_rate"]), shop["taxes_included"])
        number = self.state.next_id(self.shop, f"order number of {self.shop}") - FIRST_ID + 1
        return Facts(
            id=self._new("order"),
            number=number,
            name=wish.name or f"#{1000 + number}",
            stamp=self._stamp(cart.at),
            shop=shop,
            tender=tender,
            tax=tax,
            buyer=as_buyer(customer) if customer else None,
            email=cart.buyer.email,
            accepts_marketing=_subscribed(customer),
            lines=self._lines(wish.lines, cart, applied, tax, tender),
            applied=applied,
            shipping=to_minor(wish.shipping, tender.shop),
            shipping_id=self._new("shipping_line"),
            tip=to_minor(wish.tip, tender.shop),
            source_name=wish.source_name,
            test=wish.test,
            company={"id": wish.company_id, "location_id": wish.company_id} if wish.company_id else None,
            location_id=shop["primary_location_id"] if wish.source_name == "pos" else None,
            paid_with={gateway: to_minor(amount, tender.shop) for gateway, amount in wish.paid_with.items()},
        )

    def _lines(
        self, lines: Sequence[OrderLine], cart: Cart, applied: list[Applied], tax: TaxRule, tender: Tender
    ) -> list[dict[str, Any]]:
        """The `line_items` with their discounts and taxes."""
        left = discounted(cart.lines, applied)
        return [
            line_document(
                self._new("line_item"),
                line,
                tender,
                taken_off=[(place, one.per_line[index]) for place, one in enumerate(applied)],
                tax=tax.on(left[index]) if line.taxable else 0,
                rate=tax.rate,
            )
            for index, line in enumerate(lines)
        ]

    def _save_order(self, order: Document, at: datetime) -> None:
        recompute(order)
        order["updated_at"] = self._stamp(at)
        self.state.put(self.shop, "order", order["id"], order)


def receive(order: Document) -> None:
    """Takes what is outstanding."""
    recompute(order)
    order["_received"] += max(order["_outstanding"], 0)
    order["_paid"] = True


def _subscribed(customer: Document | None) -> bool:
    return customer is not None and customer["_email_marketing_consent"]["state"] == "subscribed"


def _check(wish: Wish) -> None:
    if not wish.lines or any(line.quantity < 1 or Decimal(line.price) < 0 for line in wish.lines):
        raise RefusalError("an order needs lines with a quantity of 1 or more and a price of 0 or more")
    if Decimal(wish.shipping) < 0 or Decimal(wish.tip) < 0:
        raise RefusalError("postage and tip cannot be negative")
    if wish.financial_status not in {"paid", "pending"}:
        raise RefusalError(f"an order is placed paid or pending, not {wish.financial_status}")
