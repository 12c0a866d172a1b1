"""Deliveries as Shopify makes them, small: only fields in use. Bodies of full size come from the development store."""

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient

from tests.shopify.signing import SECRET
from webhooks.verification import sign

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Delivery:
    """A body under its topic; the webhook id stays the same however often it is sent."""

    topic: str
    body: dict[str, Any]
    triggered_at: datetime
    webhook_id: str = field(default_factory=lambda: f"w-{next(_numbers)}")


def money(amount: str, currency: str = "USD") -> dict[str, Any]:
    shown = {"amount": amount, "currency_code": currency}
    return {"shop_money": shown, "presentment_money": shown}


def order_body(
    order_id: int,
    *,
    at: datetime = START,
    total: str = "100.00",
    current: str | None = None,
    customer_id: int | None = 7,
    status: str = "paid",
    **more: Any,
) -> dict[str, Any]:
    return {
        "id": order_id,
        "currency": "USD",
        "presentment_currency": "USD",
        "created_at": START.isoformat(),
        "processed_at": START.isoformat(),
        "updated_at": at.replace(microsecond=0).isoformat(),
        "financial_status": status,
        "subtotal_price": total,
        "subtotal_price_set": money(total),
        "current_subtotal_price": current or total,
        "current_subtotal_price_set": money(current or total),
        "total_price": total,
        "total_price_set": money(total),
        "customer": {"id": customer_id} if customer_id else None,
        "line_items": [],
        "refunds": [],
        "discount_codes": [],
        **more,
    }


def refund_body(refund_id: int, order_id: int, *, lines: str = "0.00", loose: str | None = None) -> dict[str, Any]:
    adjustments = []
    if loose:
        adjustments = [{"kind": "refund_discrepancy", "amount": f"-{loose}", "amount_set": money(f"-{loose}")}]
    return {
        "id": refund_id,
        "order_id": order_id,
        "created_at": START.isoformat(),
        "processed_at": START.isoformat(),
        "refund_line_items": [{"id": refund_id, "subtotal": float(lines), "subtotal_set": money(lines)}],
        "order_adjustments": adjustments,
        "transactions": [],
    }


def customer_body(customer_id: int, *, at: datetime = START, email: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": customer_id,
        "created_at": START.isoformat(),
        "updated_at": at.replace(microsecond=0).isoformat(),
        "email": email,
        "verified_email": email is not None,
        "state": "enabled",
        **more,
    }


def delivery(topic: str, body: dict[str, Any], after: float = 0) -> Delivery:
    return Delivery(topic, body, START + timedelta(seconds=after))


def send(client: FlaskClient, item: Delivery, *, shop: str = "demo.myshopify.com", raw: bytes | None = None) -> int:
    raw = json.dumps(item.body).encode() if raw is None else raw
    headers = {
        "X-Shopify-Hmac-Sha256": sign(raw, SECRET).decode(),
        "X-Shopify-Topic": item.topic,
        "X-Shopify-Shop-Domain": shop,
        "X-Shopify-Webhook-Id": item.webhook_id,
        "X-Shopify-Event-Id": f"e-{item.webhook_id}",
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Triggered-At": item.triggered_at.isoformat(),
    }
    return client.post("/webhooks", data=raw, headers=headers).status_code
