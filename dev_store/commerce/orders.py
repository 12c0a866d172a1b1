"""Orders: placing, paying, deleting.

A paid order announces orders/create, orders/paid and orders/updated with one body and one `updated_at`: at Shopify,
too, creation and payment fall into the same second, and only X-Shopify-Triggered-At tells them apart.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from dev_store.checkout import Applied, TaxRule, apply_codes, discounted
from dev_store.commerce.customers import as_buyer
from dev_store.commerce.line_documents import OrderLine, line_document
from dev_store.commerce.order_documents import Facts, order_document
from dev_store.commerce.totals import recompute
from dev_store.commerce.verbs import Verbs, verb
from dev_store.discounts import Buyer, Cart, CartLine, record_use
from dev_store.money import Tender, to_minor
from dev_store.refusals import RefusalError
from dev_store.state import FIRST_ID, Document


class OrderVerbs(Verbs):
    @verb
    def place_order(
        self,
        *,
        at: datetime,
        lines: Sequence[OrderLine],
        customer_id: int | None = None,
        email: str | None = None,
        discount_codes: Sequence[str] = (),
        shipping: str = "0.00",
        tip: str = "0.00",
        financial_status: str = "paid",
        source_name: str = "web",
        test: bool = False,
        company_id: int | None = None,
        name: str | None = None,
        presentment_currency: str | None = None,
        presentment_rate: str = "1",
    ) -> int:
        """Places an order and returns its id. `email` alone makes a guest's order (its `customer` is null).

        `presentment_rate` is how many units of the presentment currency one unit of shop money costs. Raises
        CheckoutRefused for a code that may not be used, RefusalError for an order that makes no sense.
        """
        shop = self.shop_document()
        tender = Tender(shop["currency"], presentment_currency or shop["currency"], Decimal(presentment_rate))
        tax = TaxRule(Decimal(shop["_tax_rate"]), shop["taxes_included"])
        customer = self._document("customer", customer_id) if customer_id else None
        email = email or (customer["email"] if customer else None)
        _check(lines, financial_status)
        cart = Cart([line.in_cart(tender.shop) for line in lines], Buyer(customer_id, email), at, tender.shop)
        applied = apply_codes(self.state, self.shop, cart, list(discount_codes))
        number = self.state.next_id(self.shop, f"order number of {self.shop}") - FIRST_ID + 1
        facts = Facts(
            id=self._new("order"),
            number=number,
            name=name or f"#{1000 + number}",
            stamp=self._stamp(at),
            shop=shop,
            tender=tender,
            tax=tax,
            buyer=as_buyer(customer) if customer else None,
            email=email,
            accepts_marketing=_subscribed(customer),
            lines=self._lines(lines, cart.lines, applied, tax, tender),
            applied=applied,
            shipping=to_minor(shipping, tender.shop),
            shipping_id=self._new("shipping_line"),
            tip=to_minor(tip, tender.shop),
            paid=financial_status == "paid",
            source_name=source_name,
            test=test,
            company={"id": company_id, "location_id": company_id} if company_id else None,
            location_id=shop["primary_location_id"] if source_name == "pos" else None,
        )
        order = order_document(facts)
        for one in applied:
            record_use(self.state, self.shop, one.coupon, cart.buyer, facts.id)
        return self._announce_sale(order, at, paid=facts.paid)

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

    def _lines(
        self,
        lines: Sequence[OrderLine],
        cart: list[CartLine],
        applied: list[Applied],
        tax: TaxRule,
        tender: Tender,
    ) -> list[dict[str, Any]]:
        """The `line_items` with their discounts and taxes."""
        documents = []
        for index, (line, left) in enumerate(zip(lines, discounted(cart, applied), strict=True)):
            documents.append(
                line_document(
                    self._new("line_item"),
                    line,
                    tender,
                    taken_off=[(place, one.per_line[index]) for place, one in enumerate(applied)],
                    tax=tax.on(left) if line.taxable else 0,
                    rate=tax.rate,
                )
            )
        return documents

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


def _check(lines: Sequence[OrderLine], financial_status: str) -> None:
    if not lines or any(line.quantity < 1 or Decimal(line.price) < 0 for line in lines):
        raise RefusalError("an order needs lines with a quantity of 1 or more and a price of 0 or more")
    if financial_status not in {"paid", "pending"}:
        raise RefusalError(f"an order is placed paid or pending, not {financial_status}")
