"""Who is asking: signatures of Shopify's query strings, ID tokens, and whether granted scopes suffice.

The only module that imports ShopifyAPI (`shopify`), for what it does well; never its global Session, whose settings
are class attributes shared by a whole process. What it leaves open is checked here: an ID token must expire, must be
for us, and issuer and destination must be the same shop over https; signed parameters must be fresh and named once.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shopify
from shopify import session_token
from shopify.utils import shop_url as library_shop_url

from app.shopify.origin import NotAShop, is_shop_domain, shop_domain

MAX_AGE_SECONDS = 90  # as Shopify's own library allows for signed query strings


class BadSignature(Exception):
    """The parameters were not signed by Shopify for this app, or too long ago."""


class BadIdToken(Exception):
    """The ID token proves nothing. The message is meant for the reader of the page."""


class IdTokenExpired(BadIdToken):
    """It was good once; a page that is loaded again from the Shopify admin brings a new one."""


@dataclass(frozen=True)
class IdToken:
    """A verified ID token: which shop's admin, which member of its staff."""

    shop: str
    user_id: str


def entered_shop(text: str) -> str:
    """A shop domain as somebody may have typed or pasted it (upper case, https://, bare name). Raises NotAShop."""
    if any(character.isspace() for character in text.strip()):
        raise NotAShop("a shop domain holds no spaces")
    return shop_domain(library_shop_url.sanitize_shop_domain(text[:300]))


def verify_query(
    parameters: Mapping[str, Sequence[str]], secrets: Sequence[str], *, now: datetime, max_age: float = MAX_AGE_SECONDS
) -> dict[str, str]:
    """The parameters, each once, if `hmac` is Shopify's under one of the secrets and `timestamp` (seconds) is fresh.

    Raises BadSignature. A repeated name is refused, because signer and reader might mean different values of it.
    """
    if any(len(values) != 1 for values in parameters.values()):
        raise BadSignature("a parameter is repeated")
    single = {name: values[0] for name, values in parameters.items()}
    signature = single.pop("hmac", "")
    if not any(_same(signature, _hmac(single, secret)) for secret in secrets if secret):
        raise BadSignature("the signature is missing or wrong")
    timestamp = single.get("timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise BadSignature("the timestamp is missing")
    if abs(now.timestamp() - int(timestamp)) > max_age:
        raise BadSignature("the link is too old")
    return single


def verify_id_token(token: str, api_key: str, secrets: Sequence[str]) -> IdToken:
    """Shop and user of an ID token (session token) under one of the secrets. Raises BadIdToken, IdTokenExpired."""
    claims = _claims(token, api_key, [secret for secret in secrets if secret])
    shop = str(claims.get("dest", "")).removeprefix("https://")
    if claims.get("dest") != f"https://{shop}" or not is_shop_domain(shop):
        raise BadIdToken("The ID token is not from a shop.")
    if claims.get("iss") not in (f"https://{shop}/admin", f"https://{shop}"):
        raise BadIdToken("The ID token was issued by another shop than it is for.")
    if claims.get("aud") != api_key:
        raise BadIdToken("The ID token is for another app.")
    return IdToken(shop=shop, user_id=str(claims["sub"]))


def scopes_cover(granted: str, wanted: Sequence[str]) -> bool:
    """Whether the granted scopes (comma-separated) give everything wanted; a write scope implies its read scope."""
    return not missing_scopes(granted, wanted)


def missing_scopes(granted: str, wanted: Sequence[str]) -> list[str]:
    """The wanted scopes that were not granted. Scopes of a kind the library does not know count by name alone."""
    names = {name.strip() for name in granted.split(",")}
    have = shopify.ApiAccess([name for name in names if _access(name)])
    return [scope for scope in wanted if scope not in names and not _covers(have, _access(scope))]


def _claims(token: str, api_key: str, secrets: Sequence[str]) -> dict[str, Any]:
    """Signature under any of the secrets, HS256 only; the library compares issuer with destination as well."""
    if not api_key or not secrets:
        raise BadIdToken("The app has no API key and secret.")
    failure: Exception | None = None
    for secret in secrets:
        try:
            claims: dict[str, Any] = session_token.decode_from_header(f"Bearer {token}", api_key, secret)
        except session_token.SessionTokenError as error:
            if isinstance(error.__cause__, session_token.jwt.ExpiredSignatureError):
                raise IdTokenExpired("The ID token has expired.") from error
            failure = error
        except (ValueError, TypeError, AttributeError) as error:  # claims of a type the library does not expect
            failure = error
        else:
            if not isinstance(claims.get("exp"), int | float):
                raise BadIdToken("The ID token never expires.")
            return claims
    raise BadIdToken("The ID token is not one of Shopify's for this app.") from failure


def _hmac(parameters: Mapping[str, str], secret: str) -> str:
    """The library's own computation under a class of ours, so that no process-wide secret is set or read."""
    signer: Any = type("Signer", (shopify.Session,), {"secret": secret})
    return str(signer.calculate_hmac(parameters))


def _same(given: str, computed: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), computed.encode())


def _access(scope: str) -> Any:
    """The library's view of one scope, None for such as `customer_read_orders` and for nonsense."""
    try:
        return shopify.ApiAccess([scope]) if scope else None
    except shopify.ApiAccessError:
        return None


def _covers(have: Any, wanted: Any) -> bool:
    return wanted is not None and bool(have.covers(wanted))
