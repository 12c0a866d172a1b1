"""What the headers of a delivery say. Read here only: Shopify's second header family can be added in this one place."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app import clock
from app.payload import BadPayload, instant

SIGNATURE = "X-Shopify-Hmac-Sha256"
_LONGEST = 255


class Headers(Protocol):
    """Headers of a request, whatever the case of their names."""

    def get(self, key: str, /) -> str | None:
        """The value of a header, None when it is absent."""


@dataclass(frozen=True)
class Delivery:
    """One delivery as its headers describe it. Only the body is signed, so none of this is trusted by itself.

    `triggered_at` is business time, `received_at` the machine's: promises about speed are measured by it.
    """

    topic: str
    shop_domain: str
    webhook_id: str
    event_id: str | None
    api_version: str | None
    triggered_at: datetime
    received_at: datetime


def read(headers: Headers, raw: bytes) -> Delivery | None:
    """The delivery, or None when it names no shop or no topic and so cannot be kept for anybody.

    Without a webhook id the body stands for it: the same delivery again is then still known.
    """
    topic = _text(headers.get("X-Shopify-Topic"))
    domain = _text(headers.get("X-Shopify-Shop-Domain"))
    if topic is None or domain is None:
        return None
    return Delivery(
        topic=topic.lower(),
        shop_domain=domain.lower(),
        webhook_id=_text(headers.get("X-Shopify-Webhook-Id")) or "body:" + hashlib.sha256(raw).hexdigest(),
        event_id=_text(headers.get("X-Shopify-Event-Id")),
        api_version=_text(headers.get("X-Shopify-API-Version")),
        triggered_at=_instant(headers.get("X-Shopify-Triggered-At")) or clock.now(),
        received_at=clock.wall_now(),
    )


def _text(value: str | None) -> str | None:
    """Header text that can be stored: valid Unicode, no NUL, of a bounded length."""
    if not value:
        return None
    clean = value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "").strip()
    if len(clean) > _LONGEST:
        clean = "sha256:" + hashlib.sha256(clean.encode()).hexdigest()
    return clean or None


def _instant(value: str | None) -> datetime | None:
    try:
        return instant({"at": _text(value)}, "at")
    except BadPayload:
        return None
