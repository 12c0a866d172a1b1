"""The order document, exactly as orders/create carries it, built once when an order is placed.

Private keys hold what Shopify keeps to itself, in minor units: `_received`, `_refunded`, `_loose` (refunded without a
line), `_shipping`, `_shipping_refunded`, `_tip`, `_paid_with` (by gateway; the last one named pays the rest); `_paid`
(ever paid in full), `_rate` (presentment units for one unit of shop money).
"""

from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any

from dev_store.checkout import Applied, TaxRule
from dev_store.commerce.addresses import address, order_address
from dev_store.commerce.line_documents import OrderLine, shipping_line, tax_lines
from dev_store.commerce.totals import LineMoney, recompute, write
from dev_store.commerce.verbs import gid
from dev_store.money import Tender
from dev_store.state import Document

__all__ = ["Facts", "OrderLine", "order_document"]

_APPS = {"web": 580111, "pos": 129785}  # Shopify's own sales channels


@dataclass(frozen=True)
class Facts:
    """What is known when an order is placed; money in minor units, `stamp` in the shop's zone."""

    id: int
    number: int
    name: str
    stamp: str
    shop: Document
    tender: Tender
    tax: TaxRule
    buyer: Document | None
    email: str | None
    lines: list[dict[str, Any]]
    applied: list[Applied]
    shipping: int
    shipping_id: int
    tip: int
    source_name: str
    test: bool
    accepts_marketing: bool
    company: dict[str, int] | None
    location_id: int | None
    paid_with: dict[str, int]


def order_document(facts: Facts) -> Document:
    """The document with all its totals; nothing is refunded or cancelled yet."""
    order = {
        "id": facts.id,
        "admin_graphql_api_id": gid("Order", facts.id),
        "name": facts.name,
        "number": facts.number,
        "order_number": 1000 + facts.number,
        **_times(facts),
        **_origin(facts),
        **_people(facts),
        **_discounts(facts),
        "currency": facts.tender.shop,
        "presentment_currency": facts.tender.presentment,
        "taxes_included": facts.tax.included,
        "test": facts.test,
        "line_items": facts.lines,
        "shipping_lines": [shipping_line(facts.shipping_id, facts.shipping, facts.tender)] if facts.shipping else [],
        "refunds": [],
        **_never_used(facts.tender),
        "_rate": str(facts.tender.rate),
        "_shipping": facts.shipping,
        "_shipping_refunded": 0,
        "_tip": facts.tip,
        "_paid_with": facts.paid_with,
        "_received": 0,
        "_refunded": 0,
        "_loose": 0,
        "_paid": False,
    }
    _write_totals(order, facts)
    return order


def _write_totals(order: Document, facts: Facts) -> None:
    """The figures of the moment of sale; `recompute` adds the current ones."""
    tender, rate = facts.tender, facts.tax.rate
    recompute(order)
    if order["_outstanding"] > sum(facts.paid_with.values()) or not facts.paid_with:
        order["payment_gateway_names"].append("bogus")
    for now, then in (
        ("current_subtotal_price", "subtotal_price"),
        ("current_total_tax", "total_tax"),
        ("current_total_discounts", "total_discounts"),
        ("current_total_price", "total_price"),
    ):
        order[then], order[f"{then}_set"] = order[now], order[f"{now}_set"]
    lines = [LineMoney(line, tender.shop) for line in facts.lines]
    write(order, tender, "total_line_items_price", sum(line.list_price for line in lines))
    order["total_shipping_price_set"] = tender.set(facts.shipping)
    order["total_tip_received"] = tender.text(facts.tip)
    order["tax_lines"] = tax_lines(sum(line.tax for line in lines), rate, tender)


def _times(facts: Facts) -> dict[str, Any]:
    return {
        "created_at": facts.stamp,
        "processed_at": facts.stamp,
        "updated_at": facts.stamp,
        "cancelled_at": None,
        "cancel_reason": None,
        "closed_at": None,
    }


def _origin(facts: Facts) -> dict[str, Any]:
    """Where the order came from; tokens are made from the id, so that a seeded year repeats itself."""
    token = sha256(f"{facts.shop['myshopify_domain']}/{facts.id}".encode()).hexdigest()
    online = facts.source_name == "web"
    return {
        "app_id": _APPS.get(facts.source_name),
        "browser_ip": "192.0.2.1" if online else None,
        "cart_token": token[:24] if online else None,
        "checkout_token": token[24:56] if online else None,
        "client_details": None,
        "confirmation_number": token[:9].upper(),
        "confirmed": True,
        "device_id": None,
        "landing_site": None,
        "landing_site_ref": None,
        "location_id": facts.location_id,
        "merchant_business_entity_id": str(facts.shop["id"]),
        "merchant_of_record_app_id": None,
        "note": None,
        "note_attributes": [],
        "order_status_url": f"https://{facts.shop['domain']}/orders/{token[32:]}",
        "payment_gateway_names": [*facts.paid_with],
        "payment_terms": None,
        "po_number": None,
        "reference": None,
        "referring_site": None,
        "source_identifier": None,
        "source_name": facts.source_name,
        "source_url": None,
        "tags": "",
        "token": token[32:],
        "user_id": None,
    }


def _people(facts: Facts) -> dict[str, Any]:
    buyer = facts.buyer or {}
    place = buyer.get("default_address") or address(facts.shop["country_code"], None, None, None)
    return {
        "billing_address": order_address(place),
        "shipping_address": order_address(place),
        "buyer_accepts_marketing": facts.accepts_marketing,
        "company": facts.company,
        "contact_email": facts.email,
        "customer": facts.buyer,
        "customer_locale": "en",
        "email": facts.email,
        "phone": buyer.get("phone"),
        "tax_exempt": False,
    }


def _discounts(facts: Facts) -> dict[str, Any]:
    """`discount_codes` names the code as the buyer spelt it."""
    applications, codes = [], []
    for one in facts.applied:
        value = one.coupon.discount["customer_gets"]["value"]
        fixed = "amount" in value
        each = value.get("each_item") or not one.coupon.order_class
        applications.append(
            {
                "allocation_method": "each" if each and fixed else "across",
                "code": one.coupon.entered,
                "target_selection": "all" if one.coupon.order_class else "entitled",
                "target_type": "line_item",
                "type": "discount_code",
                "value": str(value["amount"]) if fixed else str(Decimal(str(value["percentage"])) * 100),
                "value_type": "fixed_amount" if fixed else "percentage",
            }
        )
        kind = "fixed_amount" if fixed else "percentage"
        codes.append({"code": one.coupon.entered, "amount": facts.tender.text(one.amount), "type": kind})
    return {"discount_applications": applications, "discount_codes": codes}


def _never_used(tender: Tender) -> dict[str, Any]:
    """Duties, fees, returns and fulfilment, which the development store does not play yet."""
    return {
        "current_total_additional_fees_set": None,
        "current_total_duties_set": None,
        "original_total_additional_fees_set": None,
        "original_total_duties_set": None,
        "duties_included": False,
        "estimated_taxes": False,
        "fulfillment_status": None,
        "fulfillments": [],
        "line_item_groups": [],
        "returns": [],
        "total_cash_rounding_payment_adjustment_set": tender.set(0),
        "total_cash_rounding_refund_adjustment_set": tender.set(0),
        "total_weight": 0,
    }
