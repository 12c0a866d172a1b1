"""API keys: made, listed, revoked, found. `perennial api-key` and the doorkeeper (`auth.py`) call this.

A key is `prk_` and 256 random bits. It is shown once; the database holds its SHA-256 only, which is enough because
nobody can guess 256 bits, so a slow hash would protect nothing.
"""

import hashlib
import secrets
from collections.abc import Sequence

from sqlalchemy.orm import Session

from app import clock
from app.api import queries
from app.api.models import ApiKey
from app.errors import NotFound

PREFIX = "prk_"
_RANDOM_BYTES = 32


def create_key(session: Session, shop_id: int, name: str) -> str:
    """Make a key for a shop and return it in plain text, the only time anybody sees it."""
    plaintext = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    session.add(ApiKey(shop_id=shop_id, digest=digest(plaintext), name=name, created_at=clock.wall_now()))
    session.flush()
    return plaintext


def revoke_key(session: Session, shop_id: int, key_id: int) -> None:
    """Refuse a key from now on; revoking twice keeps the first instant. Raises NotFound for a key of another shop."""
    key = session.get(ApiKey, (shop_id, key_id))
    if key is None:
        raise NotFound(f"This shop has no API key {key_id}.")
    key.revoked_at = key.revoked_at or clock.wall_now()


def list_keys(session: Session, shop_id: int) -> Sequence[ApiKey]:
    """All keys of a shop, revoked ones too, oldest first."""
    return queries.api_keys(session, shop_id)


def digest(plaintext: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(plaintext.encode("utf-8", "surrogateescape")).digest()
