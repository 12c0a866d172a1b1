"""OAuth with Shopify: where a merchant is sent, and the three token requests (code, exchange of an ID token, refresh).

`app.shops` calls it and keeps what it returns. Only expiring offline tokens are asked for: public apps must use them
(since 1 April 2026). Neither tokens nor secrets are ever put into an error or a log line.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from app import clock
from app.config import Settings
from app.shopify import transport
from app.shopify.errors import OAuthRefused, OutcomeUnknown, ShopPaused, Unavailable
from app.shopify.origin import shop_url

CALLBACK = "/auth/callback"
_TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105 - a path
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a name from RFC 8693
_OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"


@dataclass(frozen=True)
class Tokens:
    """What the token endpoint grants. The instants are the machine's time; None is a token that does not expire.

    `scope` is None where a refresh says nothing of it, which means that it stays as it was.
    """

    access_token: str = field(repr=False)
    scope: str | None
    access_expires_at: datetime | None = None
    refresh_token: str | None = field(default=None, repr=False)
    refresh_expires_at: datetime | None = None


def authorization_url(settings: Settings, shop: str, state: str) -> str:
    """Where the merchant approves the app; Shopify sends the browser back to `/auth/callback` with a code."""
    query = {
        "client_id": settings.api_key,
        "scope": ",".join(settings.scopes),
        "redirect_uri": settings.app_url + CALLBACK,
        "state": state,
    }
    return f"{shop_url(settings, shop, '/admin/oauth/authorize')}?{urlencode(query)}"


def exchange_code(settings: Settings, shop: str, code: str) -> Tokens:
    """Tokens for the code of a callback. Raises OAuthRefused when it was used, forged or is too old; Unavailable."""
    return _as_asked(settings, _request(settings, shop, {"code": code, "expiring": "1"}))


def exchange_id_token(settings: Settings, shop: str, id_token: str) -> Tokens:
    """Tokens for an ID token (managed installation). Raises OAuthRefused (invalid_subject_token); Unavailable."""
    grant = {
        "grant_type": _EXCHANGE,
        "subject_token": id_token,
        "subject_token_type": _ID_TOKEN,
        "requested_token_type": _OFFLINE,
        "expiring": "1",
    }
    return _as_asked(settings, _request(settings, shop, grant))


def refresh(settings: Settings, shop: str, refresh_token: str) -> Tokens:
    """The next pair; the old refresh token works until this one is first used. Raises OAuthRefused (invalid_grant)."""
    return _request(settings, shop, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def _request(settings: Settings, shop: str, grant: dict[str, str]) -> Tokens:
    """Asking again is harmless for a refresh and an ID token; a code that was used up is refused and asked for anew."""
    asked_at = clock.wall_now()
    body = {"client_id": settings.api_key, "client_secret": settings.api_secret, **grant}
    try:
        reply = transport.post(settings, shop, _TOKEN_PATH, body, {})
    except OutcomeUnknown as error:
        raise Unavailable("Shopify did not answer a token request") from error
    if reply.status == 200:
        return _parse(reply.document, asked_at)
    if reply.status == 429:
        raise Unavailable("too many token requests (HTTP 429)", reply.retry_after)
    if reply.status in transport.PAUSING:
        raise ShopPaused(transport.PAUSING[reply.status])
    if 400 <= reply.status < 500:
        raise OAuthRefused(_word(reply.document))
    raise Unavailable(f"the token request failed (HTTP {reply.status})")


def _as_asked(settings: Settings, tokens: Tokens) -> Tokens:
    """A grant that does not name its scope gives what was asked for (RFC 6749, 5.1)."""
    return tokens if tokens.scope is not None else replace(tokens, scope=",".join(settings.scopes))


def _word(document: Any) -> str:
    """OAuth's error word, if it is one: nothing else of the body may reach a log."""
    word = document.get("error") if isinstance(document, dict) else None
    return word if isinstance(word, str) and word.isascii() and word.replace("_", "").isalnum() else "unspecified"


def _parse(document: Any, asked_at: datetime) -> Tokens:
    if not isinstance(document, dict) or not _text(document.get("access_token")):
        raise Unavailable("the token endpoint answered without a token")
    return Tokens(
        access_token=document["access_token"],
        scope=str(document["scope"]) if document.get("scope") is not None else None,
        access_expires_at=_after(asked_at, document.get("expires_in")),
        refresh_token=_text(document.get("refresh_token")),
        refresh_expires_at=_after(asked_at, document.get("refresh_token_expires_in")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _after(start: datetime, seconds: Any) -> datetime | None:
    """Counted from before the request, so that we never believe a token to live longer than it does."""
    known = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return start + timedelta(seconds=seconds) if known else None
