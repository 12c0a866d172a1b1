"""The envelope of a delivery: Shopify's headers and the signature over the raw body. Used by `delivery`."""

import hmac
from base64 import b64encode
from hashlib import sha256

from dev_store.webhooks.queue import Row


def signature(body: bytes, secret: str) -> str:
    """base64(HMAC-SHA256(client secret, raw body)), the value of X-Shopify-Hmac-Sha256."""
    return b64encode(hmac.digest(secret.encode(), body, sha256)).decode()


def headers(row: Row, body: bytes, *, secret: str, api_version: str) -> dict[str, str]:
    """Everything Shopify sends along. X-Shopify-Sub-Topic is absent: no topic of ours has one."""
    found = {
        "Content-Type": "application/json",
        "Accept": "*/*",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": row.topic,
        "X-Shopify-Shop-Domain": row.shop,
        "X-Shopify-API-Version": api_version,
        "X-Shopify-Webhook-Id": row.webhook_id,
        "X-Shopify-Event-Id": row.event_id,
        "X-Shopify-Triggered-At": row.triggered_at,
        "X-Shopify-Hmac-Sha256": signature(body, secret),
    }
    if row.name:
        found["X-Shopify-Name"] = row.name
    return found
