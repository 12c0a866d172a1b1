"""Who is calling: the bearer key of one shop. `routes.py` asks before anything else is looked at.

The key itself names the shop, so this one lookup crosses shops; everything after it runs behind the wall of that shop.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from app import clock
from app.api import keys, queries
from app.errors import Unauthorised

# Often enough to see which keys are in use, seldom enough not to write on every read.
_TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Caller:
    """The shop and the key of a request."""

    shop_id: int
    key_id: int

    @property
    def actor(self) -> str:
        """How ledger and redemptions name the key."""
        return f"key:{self.key_id}"


def presented_digest(authorization: str | None) -> bytes:
    """The digest of the key in an `Authorization` header; raises Unauthorised when there is none."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorised("Send an API key of the shop: Authorization: Bearer prk_…")
    return keys.digest(token.strip())


def authenticate(session: Session, presented: bytes) -> Caller:
    """The caller whose key has this digest, in a system session; raises Unauthorised when it is not a living key."""
    key = queries.api_key_by_digest(session, presented)
    if key is None or not hmac.compare_digest(key.digest, presented) or key.revoked_at is not None:
        # Revoked and unknown look the same: whoever holds an old key learns nothing from it.
        raise Unauthorised("This API key is unknown or was revoked. Make one with: perennial api-key create")
    now = clock.wall_now()
    if key.last_used_at is None or now - key.last_used_at >= _TOUCH_EVERY:
        queries.touch_api_key(session, key.shop_id, key.id, now)
    return Caller(shop_id=key.shop_id, key_id=key.id)
