"""Bodies at rest: compressed, then sealed to the delivery that brought them."""

import zlib

from app import crypto
from app.crypto import KeyRing
from app.key_rotation import SealedColumn

SEALED = SealedColumn(
    "inbox_events",
    "body",
    ("shop_id", "id"),
    ("s.domain", "t.topic", "t.webhook_id"),
    "inbox_events t join shops s on s.id = t.shop_id",
)


def seal_body(keyring: KeyRing, domain: str, topic: str, webhook_id: str, raw: bytes) -> bytes:
    """What `inbox_events.body` holds. The fastest compression: it halves the bytes, the rest is not worth the time."""
    return keyring.seal(zlib.compress(raw, 1), _cell(domain, topic, webhook_id))


def open_body(keyring: KeyRing, domain: str, topic: str, webhook_id: str, sealed: bytes) -> bytes:
    """The raw body again; raises CannotOpen."""
    return zlib.decompress(keyring.open(sealed, _cell(domain, topic, webhook_id)))


def _cell(domain: str, topic: str, webhook_id: str) -> bytes:
    return crypto.aad("inbox_events", "body", domain, topic, webhook_id)
