"""Requests that came through a shop's app proxy: whose shop, which customer, and nothing that was not signed.

The signature is a hex HMAC-SHA256 over all parameters but itself, each `key=value` (repeated keys: values joined by
commas), sorted and put together without anything between them. So `a=1b=2` signs like `a=1&b=2`, and a name that we do
not know could hide one that we do: only known names are accepted, each once.
Source: Shopify's documentation of app proxies, and its example, which is among the tests.
"""

import hashlib
import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from app.errors import Unauthorised
from app.shopify.origin import is_shop_domain

MAX_AGE_SECONDS = 90
_SHOPIFYS = frozenset({"shop", "path_prefix", "timestamp", "logged_in_customer_id", "signature"})
_LONGEST = 4_000


@dataclass(frozen=True)
class Signed:
    """What a signature proves. `customer_id` has logged in; nothing else on a storefront is proof of that."""

    shop: str
    customer_id: int | None
    parameters: dict[str, str]


def verify(query: str, secrets: Sequence[str], *, now: datetime, known: Collection[str] = ()) -> Signed:
    """The signed parameters of a raw query string; `known` are names of our own. Raises Unauthorised."""
    if len(query) > _LONGEST:
        raise _refused("The query is too long.")
    pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50, errors="surrogateescape")
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise _refused("A parameter is repeated.")
    signature = parameters.pop("signature", "")
    message = "".join(sorted(f"{key}={value}" for key, value in parameters.items()))
    if not any(_same(signature, message, secret) for secret in secrets if secret):
        raise _refused("The request was not signed by Shopify for this app.")
    if parameters.keys() - _SHOPIFYS - set(known):
        raise _refused("A parameter is not known here.")
    return Signed(_shop(parameters, now), _customer(parameters), parameters)


def _same(signature: str, message: str, secret: str) -> bool:
    made = hmac.new(secret.encode(), message.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
    return hmac.compare_digest(made.encode(), signature.encode("utf-8", "surrogateescape"))


def _shop(parameters: dict[str, str], now: datetime) -> str:
    timestamp = parameters.get("timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise _refused("The timestamp is missing.")
    if abs(now.timestamp() - int(timestamp)) > MAX_AGE_SECONDS:
        raise _refused("The request is too old.")
    shop = parameters.get("shop", "")
    if not is_shop_domain(shop):
        raise _refused("The request names no shop.")
    return shop


def _customer(parameters: dict[str, str]) -> int | None:
    text = parameters.get("logged_in_customer_id", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**63):
        raise _refused("The customer is none.")
    return int(text)


def _refused(detail: str) -> Unauthorised:
    return Unauthorised(detail, kind="proxy-signature")
