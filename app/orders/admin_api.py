"""What the Admin API tells of an order, put into the shape of a webhook body, so that one parser reads both.

`app.orders.reread` calls it with the data of OrderReread and RefundReread. Pure. Where the two tell different things
the difference is bridged here and nowhere else: ids are gids, states are upper case, codes and their amounts lie apart.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

Answer = dict[str, Any]

_KINDS = {"PricingPercentageValue": "percentage", "MoneyV2": "fixed_amount"}


def order_body(order: Answer, lines: Sequence[Answer], refunds: Sequence[Answer]) -> dict[str, Any]:
    """The body of an `orders/*` webhook, as far as we read one, from an answer with all its lines and refunds."""
    return {
        "id": order["id"],
        "name": order["name"],
        "test": order["test"],
        "email": order["email"],
        "phone": order["phone"],
        "source_name": order["sourceName"],
        "created_at": order["createdAt"],
        "processed_at": order["processedAt"],
        "updated_at": order["updatedAt"],
        "cancelled_at": order["cancelledAt"],
        "currency": order["currencyCode"],
        "presentment_currency": order["presentmentCurrencyCode"],
        "taxes_included": order["taxesIncluded"],
        "financial_status": (order["displayFinancialStatus"] or "").lower(),
        "payment_gateway_names": order["paymentGatewayNames"],
        "note_attributes": [{"name": one["key"], "value": one["value"]} for one in order["customAttributes"]],
        "customer": order["customer"],
        "company": (order["purchasingEntity"] or {}).get("company"),
        "subtotal_price_set": _set(order["subtotalPriceSet"]),
        "current_subtotal_price_set": _set(order["currentSubtotalPriceSet"]),
        "total_price_set": _set(order["totalPriceSet"]),
        "current_total_price_set": _set(order["currentTotalPriceSet"]),
        "total_tax_set": _set(order["totalTaxSet"]),
        "total_shipping_price_set": _set(order["totalShippingPriceSet"]),
        "current_shipping_price_set": _set(order["currentShippingPriceSet"]),
        "total_tip_received_set": _set(order["totalTipReceivedSet"]),
        "total_discounts_set": _set(order["totalDiscountsSet"]),
        "discount_codes": _codes(order, lines),
        "line_items": [_line(line) for line in lines],
        "refunds": [refund_body(order, refund) for refund in refunds],
    }


def _set(bag: Answer | None) -> Answer | None:
    if bag is None:
        return None
    presentment = bag.get("presentmentMoney") or {}
    return {
        "shop_money": {"amount": bag["shopMoney"]["amount"]},
        "presentment_money": {"amount": presentment.get("amount")},
    }


def _line(line: Answer) -> dict[str, Any]:
    return {
        "id": line["id"],
        "product_id": (line["product"] or {}).get("id"),
        "variant_id": (line["variant"] or {}).get("id"),
        "sku": line["sku"],
        "title": line["title"],
        "quantity": line["quantity"],
        "current_quantity": line["currentQuantity"],
        "price_set": _set(line["originalUnitPriceSet"]),
        "gift_card": line["isGiftCard"],
        "tax_lines": [{"price_set": _set(tax["priceSet"])} for tax in line["taxLines"]],
        "discount_allocations": [
            {"amount_set": _set(allocation["allocatedAmountSet"])} for allocation in line["discountAllocations"]
        ],
    }


def _codes(order: Answer, lines: Sequence[Answer]) -> list[dict[str, Any]]:
    """Each code with what it took off the lines. What one took off shipping is not among them and counts as 0."""
    applied = {
        node["code"].upper(): node for node in order["discountApplications"]["nodes"] if node.get("code") is not None
    }
    return [_code(code, applied.get(code.upper()), lines) for code in order["discountCodes"]]


def _code(code: str, application: Answer | None, lines: Sequence[Answer]) -> dict[str, Any]:
    if application is None:
        return {"code": code, "amount": "0", "type": None}
    taken_off = sum(
        (
            _amount(allocation["allocatedAmountSet"])
            for line in lines
            for allocation in line["discountAllocations"]
            if allocation["discountApplication"]["index"] == application["index"]
        ),
        Decimal(0),
    )
    of_shipping = application["targetType"] == "SHIPPING_LINE"
    kind = "shipping" if of_shipping else _KINDS.get(application["value"]["__typename"])
    return {"code": code, "amount": str(taken_off), "type": kind}


def refund_body(order: Answer, refund: Answer) -> dict[str, Any]:
    """A refund as it stands in its order's webhook; of the order only `id` and `taxesIncluded` are looked at."""
    lines = refund["refundLineItems"]["nodes"]
    difference = abs(sum((_amount(node["amountSet"]) for node in refund["orderAdjustments"]["nodes"]), Decimal(0)))
    if _paid_out(refund) > _worth(order, refund):
        difference = -difference  # as the webhook writes it: money back that no line accounts for
    return {
        "id": refund["id"],
        "order_id": order["id"],
        "created_at": refund["createdAt"],
        "processed_at": refund["processedAt"],
        "refund_line_items": [_refunded_line(line) for line in lines],
        "refund_shipping_lines": [
            {"subtotal_amount_set": _set(shipping["subtotalAmountSet"])}
            for shipping in refund["refundShippingLines"]["nodes"]
        ],
        "order_adjustments": [{"kind": "refund_discrepancy", "amount": str(difference)}] if difference else [],
    }


def _refunded_line(line: Answer) -> dict[str, Any]:
    return {
        "line_item_id": line["lineItem"]["id"],
        "quantity": line["quantity"],
        "subtotal_set": _set(line["subtotalSet"]),
    }


def _paid_out(refund: Answer) -> Decimal:
    return _amount(refund["totalRefundedSet"])


def _worth(order: Answer, refund: Answer) -> Decimal:
    """What goods and shipping of a refund are worth. The schema leaves an adjustment's sign open, this tells it."""
    worth = Decimal(0)
    for line in refund["refundLineItems"]["nodes"]:
        worth += _amount(line["subtotalSet"])
        if not order["taxesIncluded"]:
            worth += _amount(line["totalTaxSet"])
    for shipping in refund["refundShippingLines"]["nodes"]:
        worth += abs(_amount(shipping["subtotalAmountSet"]))
    return worth


def _amount(bag: Answer) -> Decimal:
    return Decimal(bag["shopMoney"]["amount"])
