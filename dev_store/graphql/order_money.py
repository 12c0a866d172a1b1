"""An order's sums that its document keeps privately, and the journey that led to it."""

from typing import Any

from dev_store.graphql.connections import count
from dev_store.graphql.context import Context
from dev_store.graphql.gids import gid
from dev_store.graphql.order_lines import query_parameters
from dev_store.graphql.order_refunds import tender
from dev_store.graphql.schema import resolves
from dev_store.state import Document


@resolves("Order", "totalTipReceivedSet")
def tip(source: Document, _context: Context) -> dict[str, Any]:
    return _bag(source, source["_tip"])


@resolves("Order", "totalRefundedSet")
def refunded(source: Document, _context: Context) -> dict[str, Any]:
    return _bag(source, source["_refunded"])


@resolves("Order", "totalRefundedShippingSet")
def refunded_shipping(source: Document, _context: Context) -> dict[str, Any]:
    return _bag(source, source["_shipping_refunded"])


@resolves("Order", "refundDiscrepancySet")
def refund_discrepancy(source: Document, _context: Context) -> dict[str, Any]:
    return _bag(source, source["_loose"])


@resolves("Order", "totalReceivedSet")
def received(source: Document, _context: Context) -> dict[str, Any]:
    return _bag(source, source["_received"])


@resolves("Order", "netPaymentSet")
def net_payment(source: Document, _context: Context) -> dict[str, Any]:
    return _bag(source, source["_received"] - source["_refunded"])


@resolves("Order", "totalOutstandingSet")
def outstanding(source: Document, _context: Context) -> dict[str, Any]:
    return _bag(source, source["_outstanding"])


@resolves("Order", "originalTotalPriceSet")
def original_total(source: Document, _context: Context) -> Any:
    return source["total_price_set"]


@resolves("Order", "cartDiscountAmountSet", "currentCartDiscountAmountSet")
def cart_discount(source: Document, _context: Context) -> Any:
    return source["current_total_discounts_set"]


def _bag(source: Document, minor: int) -> dict[str, Any]:
    """Private figures are in the shop's minor units; in the presentment currency they are worth what the order says."""
    bag: dict[str, Any] = tender(source).set(minor)
    return bag


@resolves("Order", "customerJourneySummary")
def customer_journey(source: Document, context: Context) -> dict[str, Any]:
    """Ready at once here; at Shopify it takes a while after the order."""
    buyer = source["customer"]
    held = context.state.find(context.shop, "order", "customer_id", buyer["id"]) if buyer else []
    index = [one["id"] for one in held].index(source["id"]) if held else None
    return {
        "ready": True,
        "customerOrderIndex": index,
        "daysToConversion": 0,
        "firstVisit": _visit(source),
        "lastVisit": _visit(source),
        "momentsCount": count(1 if source["landing_site"] else 0),
    }


def _visit(source: Document) -> dict[str, Any] | None:
    """Where the buyer came in; `ref`, `source` and `r` of its address are referral codes (schema description)."""
    if not source["landing_site"]:
        return None
    parameters = query_parameters(source["landing_site"])
    utm = {name: parameters.get(f"utm_{name}") for name in ("campaign", "content", "medium", "source", "term")}
    return {
        "__typename": "CustomerVisit",
        "id": gid("CustomerVisit", source["id"]),
        "landingPage": source["landing_site"],
        "occurredAt": source["created_at"],
        "referralCode": next((parameters[name] for name in ("ref", "source", "r") if name in parameters), None),
        "referrerUrl": source["referring_site"],
        "source": "direct",
        "utmParameters": utm if any(utm.values()) else None,
    }
