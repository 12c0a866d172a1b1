"""The `state` of an OAuth round trip, kept in a signed cookie of the browser that began it.

What must stay true: a callback counts only in the browser that was sent out, for the shop it was sent to, within ten
minutes, and once: every callback clears the cookie, and Shopify's code is good for one exchange.
"""

import hmac
import secrets

from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.config import Settings

COOKIE = "perennial_oauth_state"
LIFETIME_SECONDS = 600


class WrongState(Exception):
    """The callback does not belong to a round trip that this browser began; the message says in which way."""


def begin(settings: Settings, shop: str) -> tuple[str, str]:
    """(state for Shopify, value for the cookie) of a new round trip."""
    state = secrets.token_urlsafe(32)
    return state, _serializer(settings).dumps([state, shop])


def finish(settings: Settings, cookie: str | None, state: str, shop: str) -> None:
    """Raises WrongState unless the cookie was made for this state and shop, and not too long ago."""
    if not cookie:
        raise WrongState("This browser did not begin an installation, or has already finished it.")
    try:
        begun, begun_for = _serializer(settings).loads(cookie, max_age=LIFETIME_SECONDS)
    except (BadSignature, ValueError) as error:
        raise WrongState("The installation was begun too long ago, or its cookie was changed.") from error
    if not hmac.compare_digest(str(begun).encode(), state.encode("utf-8", "surrogatepass")):
        raise WrongState("The answer does not belong to the installation that this browser began.")
    if begun_for != shop:
        raise WrongState("The answer is for another shop than the one the installation was begun for.")


def _serializer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.api_secret, salt="perennial oauth state")
