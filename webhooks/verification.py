"""Is this body from Shopify? The signature covers the raw bytes and nothing else, so nothing is parsed before."""

import base64
import hmac
from collections.abc import Iterable


def verify(raw: bytes, signature: str | None, secrets: Iterable[str]) -> bool:
    """Whether `signature` is base64(HMAC-SHA256(secret, raw)) under one of the secrets; constant-time, never raises.

    After a rotation Shopify may sign with the old secret for an hour, hence several.
    """
    if not signature:
        return False
    given = signature.encode("utf-8", "surrogateescape")
    matches = [hmac.compare_digest(sign(raw, secret), given) for secret in secrets if secret]
    return any(matches)


def sign(raw: bytes, secret: str) -> bytes:
    """The signature of a body, as the header carries it."""
    return base64.b64encode(hmac.digest(secret.encode(), raw, "sha256"))
