"""A shop's access token, always one that works: kept sealed, refreshed early, by one process at a time.

`app.shopify.client` asks for tokens, `install` stores what a grant gave. The refresher holds a lease on the shop's row
instead of a lock, because no transaction may be open while Shopify answers; a lease ends by itself when its holder
dies. What must stay true: an answer is stored only by the holder of the lease it was asked for under, so that a slow
refresher never overwrites what a newer refresh or a new installation brought. A process that dies between Shopify's
answer and our commit loses nothing, because the old refresh token works until its replacement is used.

Of a shop that Shopify has frozen, locked or closed a token is given to one caller at a time, who so finds out whether
that is over (app.shops.connection).
"""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, update
from sqlalchemy.orm import Session, object_session

from app import clock
from app.crypto import KeyRing
from app.runtime import Runtime
from app.shopify import oauth
from app.shopify.errors import OAuthRefused, ShopGone, ShopifyError, ShopPaused, Unauthorised, Unavailable
from app.shopify.oauth import Tokens
from app.shops import connection, queries
from app.shops.models import Shop
from app.shops.secrets import seal, unseal

log = structlog.get_logger()

EARLY = timedelta(minutes=5)
# Longer than the longest token request (transport: 5 s to connect, 20 s to answer).
LEASE = timedelta(seconds=30)
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Access:
    """What the row holds now, opened."""

    shop_id: int
    domain: str
    token: str = field(repr=False)
    expires_at: datetime | None
    refresh_token: str | None = field(repr=False)
    # The shop was paused, and this caller looks whether it still is.
    looking: bool = False
    # Nothing may be changed at Shopify, because the shop's currency is not ours any more.
    reading_only: bool = False

    def lasts(self, beyond: datetime) -> bool:
        """Whether the access token is still good at that instant."""
        return self.expires_at is None or self.expires_at > beyond


def store(keyring: KeyRing, shop: Shop, tokens: Tokens) -> None:
    """Put new tokens into the row and end any lease: what a refresher still waits for is out of date."""
    shop.access_token = seal(keyring, shop.id, "access_token", tokens.access_token.encode())
    shop.access_expires_at = tokens.access_expires_at
    shop.refresh_token = (
        seal(keyring, shop.id, "refresh_token", tokens.refresh_token.encode()) if tokens.refresh_token else None
    )
    shop.refresh_expires_at = tokens.refresh_expires_at
    shop.refresh_lease_until = None
    if tokens.scope is not None:
        shop.scopes = tokens.scope
    if session := object_session(shop):
        connection.restored(session, shop)


def access(runtime: Runtime, shop_id: int, *, rejected: str | None = None) -> Access:
    """A working token, refreshed when fewer than five minutes are left or when it is the one Shopify just `rejected`.

    Raises ShopGone (uninstalled), ShopPaused (with the time to come back), Unauthorised (the merchant has to open the
    app), Unavailable (no answer, and the old token is over). No session may be open.
    """
    deadline = time.monotonic() + LEASE.total_seconds() + 5
    looking = False
    while True:
        current = _read(runtime, shop_id, looking=looking)
        looking = current.looking
        if current.token != rejected and current.lasts(clock.wall_now() + EARLY):
            return current
        lease = _take_lease(runtime, shop_id)
        if lease is not None:
            return _refresh(runtime, _read(runtime, shop_id, looking=looking), lease, rejected)
        if current.token != rejected and current.lasts(clock.wall_now()):
            return current  # another process is on it, and this one is good for some minutes yet
        if time.monotonic() > deadline:
            raise Unavailable("another process has been refreshing the token for too long", 1.0)
        time.sleep(_POLL_SECONDS)


def distrust(runtime: Runtime, refused: Access) -> None:
    """Shopify refuses even a token it has just given: only the merchant can help, by opening the app."""
    with runtime.database.shop(refused.shop_id) as session:
        shop = session.get(Shop, refused.shop_id, with_for_update=True)
        if shop is None or shop.access_token is None:
            return
        if unseal(runtime.keyring, shop.id, "access_token", shop.access_token).decode() == refused.token:
            connection.lost(shop)


def _read(runtime: Runtime, shop_id: int, *, looking: bool = False) -> Access:
    with runtime.database.shop(shop_id) as session:
        shop = queries.shop(session, shop_id)
        if shop.state != "installed" or shop.access_token is None:
            raise ShopGone("the app is not installed in this shop")
        if shop.connection == "reauthorise":
            raise Unauthorised("the merchant has to open the app once")
        reading_only = shop.connection_reason == connection.CURRENCY
        if shop.connection == "paused" and not reading_only and not looking:
            looking = connection.claim_look(session, shop)
    keyring, sealed = runtime.keyring, shop.refresh_token
    return Access(
        shop_id=shop_id,
        domain=shop.domain,
        token=unseal(keyring, shop_id, "access_token", shop.access_token).decode(),
        expires_at=shop.access_expires_at,
        refresh_token=unseal(keyring, shop_id, "refresh_token", sealed).decode() if sealed else None,
        looking=looking,
        reading_only=reading_only,
    )


def _take_lease(runtime: Runtime, shop_id: int) -> datetime | None:
    """The end of our lease, which also names it; None while another process holds one."""
    now = clock.wall_now()
    free = or_(Shop.refresh_lease_until.is_(None), Shop.refresh_lease_until < now)
    taken = update(Shop).where(Shop.id == shop_id, free).values(refresh_lease_until=now + LEASE).returning(Shop.id)
    with runtime.database.shop(shop_id) as session:
        return now + LEASE if session.execute(taken).first() else None


def _refresh(runtime: Runtime, current: Access, lease: datetime, rejected: str | None) -> Access:
    """Ask Shopify, then store under the lease. What the row held before we got the lease may already be the answer."""
    now = clock.wall_now()
    if current.token != rejected and current.lasts(now + EARLY):
        _settle(runtime, current.shop_id, lease, None)
        return current
    if current.refresh_token is None:
        return _lost(runtime, current, lease, "there is no refresh token")
    try:
        tokens = oauth.refresh(runtime.settings, current.domain, current.refresh_token)
    except ShopifyError as error:
        if isinstance(error, OAuthRefused) and error.error == "invalid_grant":
            return _lost(runtime, current, lease, error.error)
        _settle(runtime, current.shop_id, lease, None)
        if isinstance(error, ShopPaused):
            raise _paused(runtime, current.shop_id, error.reason) from error
        if current.token != rejected and current.lasts(clock.wall_now()):
            log.warning("token refresh postponed", shop=current.shop_id)
            return current
        raise
    _settle(runtime, current.shop_id, lease, tokens)
    log.info("token refreshed", shop=current.shop_id)
    return _read(runtime, current.shop_id, looking=current.looking)


def _paused(runtime: Runtime, shop_id: int, reason: str) -> ShopPaused:
    with runtime.database.shop(shop_id) as session:
        return connection.pause(session, shop_id, reason)


def _settle(runtime: Runtime, shop_id: int, lease: datetime, tokens: Tokens | None) -> None:
    with runtime.database.shop(shop_id) as session:
        shop = _held(session, shop_id, lease)
        if shop is not None and tokens is not None:
            store(runtime.keyring, shop, tokens)
        elif shop is not None:
            shop.refresh_lease_until = None


def _lost(runtime: Runtime, current: Access, lease: datetime, reason: str) -> Access:
    """The tokens are worth nothing any more, unless an installation brought new ones meanwhile."""
    with runtime.database.shop(current.shop_id) as session:
        shop = _held(session, current.shop_id, lease)
        if shop is not None:
            shop.refresh_lease_until = None
            connection.lost(shop)
            log.warning("refresh token refused", shop=current.shop_id, reason=reason)
    return _read(runtime, current.shop_id)


def _held(session: Session, shop_id: int, lease: datetime) -> Shop | None:
    """The row, locked, while it carries our lease."""
    shop = session.get(Shop, shop_id, with_for_update=True)
    return shop if shop is not None and shop.refresh_lease_until == lease else None
