"""Signatures as Shopify makes them, written from its documentation and independent of the code under test."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

API_KEY = "test-api-key"
SECRET = "shpss_test-secret-of-more-than-32-bytes"
OLD_SECRET = "shpss_old-test-secret-of-more-than-32-bytes"
SHOP = "demo.myshopify.com"


def sign_query(parameters: dict[str, str], secret: str = SECRET) -> dict[str, str]:
    """The parameters with their `hmac`."""
    message = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
    return {**parameters, "hmac": hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()}


def callback_query(secret: str = SECRET, **changes: str) -> str:
    """The query of an OAuth callback; change or add parameters before it is signed."""
    parameters = {
        "code": "a-code",
        "host": "YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvZGVtbw",
        "shop": SHOP,
        "state": "a-state",
        "timestamp": str(int(time.time())),
        **changes,
    }
    return urlencode(sign_query(parameters, secret))


def claims(shop: str = SHOP, **changes: Any) -> dict[str, Any]:
    """The claims of an ID token; a change to None leaves a claim out."""
    now = int(time.time())
    content = {
        "iss": f"https://{shop}/admin",
        "dest": f"https://{shop}",
        "aud": API_KEY,
        "sub": "81",
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": "f8912129-1af6-4cad-9ca3-76b0f7621087",
        "sid": "aaea182f2732d44c23057c0fea584021a4485b2bd25d3eb7fd349313ad24c685",
        **changes,
    }
    return {name: value for name, value in content.items() if value is not None}


def jwt(content: dict[str, Any], secret: str = SECRET, *, algorithm: str = "HS256") -> str:
    """A JSON web token. Algorithms other than HS256 are named but not signed."""
    signed = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(content)}"
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}.get(algorithm)
    signature = hmac.new(secret.encode(), signed.encode(), digest).digest() if digest else b""
    return f"{signed}.{_text(signature)}"


def id_token(shop: str = SHOP, secret: str = SECRET, **changes: Any) -> str:
    """An ID token that is good for a minute, unless changed."""
    return jwt(claims(shop, **changes), secret)


def _part(content: dict[str, Any]) -> str:
    return _text(json.dumps(content, separators=(",", ":")).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
