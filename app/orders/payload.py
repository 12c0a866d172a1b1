"""Webhook bodies of orders and refunds, read into snapshots. Pure; the field names are Shopify's (2026-10)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app import payload
from app.orders import origin
from app.orders.snapshot import CodeSnapshot, LineSnapshot, OrderSnapshot, RefundSnapshot
from app.payload import BadPayload, Body

# Shopify's limit; the code is part of a key, which has a limit of its own.
_LONGEST_CODE = 255


def parse_order(shop_id: int, body: Body, triggered_at: datetime) -> OrderSnapshot:
    """The snapshot in an `orders/*` body; raises BadPayload."""
    order_id = payload.needed_id(body)
    currency = _currency(body)
    customer = payload.mapping(body.get("customer") or {}, "customer")
    company = payload.mapping(body.get("company") or {}, "company")
    presentment = payload.text(body, "presentment_currency") or currency
    landing_site = payload.text(body, "landing_site")
    refunds = tuple(
        parse_refund(shop_id, refund, currency=currency, order_id=order_id) for refund in payload.items(body, "refunds")
    )
    return OrderSnapshot(
        shop_id=shop_id,
        id=order_id,
        customer_id=payload.optional_id(customer, "id"),
        email=payload.email(body) or payload.email(body, "contact_email"),
        phone=payload.text(body, "phone"),
        name=payload.text(body, "name"),
        source_name=payload.text(body, "source_name"),
        company_id=payload.optional_id(company, "id"),
        location_id=payload.optional_id(body, "location_id"),
        currency=currency,
        **_totals(body, currency),
        shipping_minor=_shipping(body, currency, refunds),
        presentment_currency=presentment,
        presentment_total_minor=payload.presentment_money(body, "total_price", presentment),
        taxes_included=payload.flag(body, "taxes_included"),
        payment_gateways=_gateways(body),
        test=payload.flag(body, "test"),
        financial_status=payload.text(body, "financial_status"),
        landing_site=landing_site,
        cart_ref=origin.cart_ref(body),
        landing_ref=origin.code_in(landing_site),
        address_digest=origin.address_digest(body),
        created_at=payload.instant(body, "created_at"),
        processed_at=payload.instant(body, "processed_at"),
        cancelled_at=payload.instant(body, "cancelled_at"),
        updated_at=payload.needed_instant(body, "updated_at"),
        triggered_at=triggered_at,
        lines=tuple(_line(line, currency) for line in payload.items(body, "line_items")),
        codes=_codes(body, currency),
        refunds=refunds,
    )


def parse_refund(
    shop_id: int,
    body: Body,
    *,
    currency: str | None = None,
    order_id: int | None = None,
    shop_currency: str = "USD",
) -> RefundSnapshot:
    """A refund alone (`refunds/create`) or inside its order; raises BadPayload.

    Alone it names its currency with each amount; `shop_currency` is for one that names none.
    """
    currency = currency or _refund_currency(body) or shop_currency
    lines = payload.items(body, "refund_line_items")
    differences = [
        payload.shop_money(adjustment, "amount", currency)
        for adjustment in payload.items(body, "order_adjustments")
        if adjustment.get("kind") == "refund_discrepancy"
    ]
    return RefundSnapshot(
        shop_id=shop_id,
        id=payload.needed_id(body),
        order_id=payload.optional_id(body, "order_id") or order_id or payload.needed_id(body, "order_id"),
        lines_minor=payload.total(
            (payload.shop_money(line, "subtotal", currency) for line in lines), "refund_line_items"
        ),
        # Negative: more was given back than the lines are worth. A positive one (goods back, less money) changes
        # nothing, because the goods have left the order.
        loose_minor=max(0, -payload.total(differences, "order_adjustments")),
        shipping_minor=payload.total(
            (
                payload.shop_money(shipping, "subtotal_amount", currency)
                for shipping in payload.items(body, "refund_shipping_lines")
            ),
            "refund_shipping_lines",
        ),
        lines=_refunded_pieces(lines),
        created_at=payload.instant(body, "created_at"),
        processed_at=payload.instant(body, "processed_at"),
    )


def _currency(body: Body) -> str:
    currency = payload.text(body, "currency")
    if currency is None or len(currency) != 3 or not (currency.isascii() and currency.isalpha()):
        raise BadPayload("wrong-currency", "currency is not a code of three letters")
    return currency.upper()


def _refund_currency(body: Body) -> str | None:
    """A refund names no currency of its own: each of its amounts does, in shop money first."""
    for group in ("refund_line_items", "order_adjustments", "transactions"):
        for item in payload.items(body, group):
            for name in ("subtotal_set", "amount_set"):
                shop_money = payload.mapping(payload.mapping(item.get(name) or {}).get("shop_money") or {})
                if shop_money.get("currency_code"):
                    return _currency({"currency": shop_money["currency_code"]})
    for item in payload.items(body, "transactions"):
        if item.get("currency"):
            return _currency(item)
    return None


def _totals(body: Body, currency: str) -> dict[str, Any]:
    subtotal = payload.shop_money(body, "subtotal_price", currency)
    total = payload.shop_money(body, "total_price", currency)
    return {
        "subtotal_minor": subtotal,
        "current_subtotal_minor": _current(body, "current_subtotal_price", currency, subtotal),
        "total_minor": total,
        "current_total_minor": _current(body, "current_total_price", currency, total),
        "tax_minor": payload.shop_money(body, "total_tax", currency),
        "tip_minor": payload.shop_money(body, "total_tip_received", currency),
        "discounts_minor": payload.shop_money(body, "total_discounts", currency),
    }


def _current(body: Body, name: str, currency: str, original: int) -> int:
    """The present figure; a body without one (old API versions) means that nothing has changed since."""
    if body.get(name) is None and body.get(f"{name}_set") is None:
        return original
    return payload.shop_money(body, name, currency)


def _shipping(body: Body, currency: str, refunds: Iterable[RefundSnapshot]) -> int:
    """Postage after discounts and before refunds. Shopify's total is before both, its current price after both."""
    if body.get("current_shipping_price_set") is None:
        return payload.shop_money(body, "total_shipping_price", currency)
    current = payload.shop_money(body, "current_shipping_price", currency)
    return payload.total((current, *(refund.shipping_minor for refund in refunds)), "current_shipping_price")


def _line(body: Body, currency: str) -> LineSnapshot:
    quantity = payload.number(body, "quantity")
    allocations = payload.items(body, "discount_allocations")
    return LineSnapshot(
        id=payload.needed_id(body),
        product_id=payload.optional_id(body, "product_id"),
        variant_id=payload.optional_id(body, "variant_id"),
        sku=payload.text(body, "sku"),
        title=payload.text(body, "title"),
        quantity=quantity,
        current_quantity=quantity if body.get("current_quantity") is None else payload.number(body, "current_quantity"),
        price_minor=payload.shop_money(body, "price", currency),
        discount_minor=payload.total(
            (payload.shop_money(allocation, "amount", currency) for allocation in allocations), "discount_allocations"
        ),
        tax_minor=payload.total(
            (payload.shop_money(tax, "price", currency) for tax in payload.items(body, "tax_lines")), "tax_lines"
        ),
        gift_card=payload.flag(body, "gift_card"),
    )


def _refunded_pieces(lines: list[Body]) -> tuple[tuple[int, int], ...]:
    pieces: dict[int, int] = {}
    for line in lines:
        line_id = payload.optional_id(line, "line_item_id")
        if line_id:
            pieces[line_id] = pieces.get(line_id, 0) + payload.number(line, "quantity")
    return tuple(sorted(pieces.items()))


def _gateways(body: Body) -> tuple[str, ...]:
    """How the order was paid; names only, Shopify's webhooks tell no amounts."""
    names = body.get("payment_gateway_names")
    if not isinstance(names, list):
        return ()
    return tuple(sorted({name[:_LONGEST_CODE] for name in names if isinstance(name, str) and "\x00" not in name}))


def _codes(body: Body, currency: str) -> tuple[CodeSnapshot, ...]:
    codes: dict[str, CodeSnapshot] = {}
    for item in payload.items(body, "discount_codes"):
        code = (payload.text(item, "code") or "").upper()[:_LONGEST_CODE]
        if code:
            amount = payload.shop_money(item, "amount", currency)
            codes[code] = CodeSnapshot(code=code, amount_minor=amount, kind=payload.text(item, "type") or "unknown")
    return tuple(codes[code] for code in sorted(codes))
