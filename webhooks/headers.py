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

    def get_all(self, key: str, /) -> list[str]:
        """The values of a header, each time that it was sent."""


class Contradiction(Exception):
    """A header was sent twice with different values, so nobody can tell which one is meant."""


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


def signature(headers: Headers) -> str | None:
    """What claims to sign the body; raises Contradiction."""
    return _one(headers, SIGNATURE)


def read(headers: Headers, raw: bytes) -> Delivery | None:
    """The delivery, or None when it names no shop or no topic and so cannot be kept for anybody.

    Without a webhook id the body stands for it: the same delivery again is then still known. Raises Contradiction.
    """
    topic = _text(_one(headers, "X-Shopify-Topic"))
    domain = _text(_one(headers, "X-Shopify-Shop-Domain"))
    if topic is None or domain is None:
        return None
    return Delivery(
        topic=topic.lower(),
        shop_domain=domain.lower(),
        webhook_id=_text(_one(headers, "X-Shopify-Webhook-Id")) or "body:" + hashlib.sha256(raw).hexdigest(),
        event_id=_text(_one(headers, "X-Shopify-Event-Id")),
        api_version=_text(_one(headers, "X-Shopify-API-Version")),
        triggered_at=_instant(_one(headers, "X-Shopify-Triggered-At")) or clock.now(),
        received_at=clock.wall_now(),
    )


def _one(headers: Headers, name: str) -> str | None:
    values = headers.get_all(name)
    if len(values) > 1 and len(set(values)) > 1:
        raise Contradiction(name)
    return values[0] if values else None


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
