"""Who may come in from a storefront: signed by Shopify, not too often, for a shop that has Perennial installed.

In this order, since each step costs more than the one before; nothing is read from the database for who has no
signature or asks too fast. A visitor is told apart by a keyed hash of the address, which no one can turn back and which
ends with the process; addresses themselves are kept nowhere.
"""

import asyncio
import hashlib
import hmac
import secrets
import threading

from sqlalchemy.orm import Session

from app import clock
from app.api.rate import TokenBuckets
from app.errors import NotFound, Problem
from app.runtime import Runtime
from app.shops import queries
from app.sql import Statement
from app.storefront.signed import Signed, verify

# A shop may be in a flash sale; behind one address may be an office.
SHOP_PER_SECOND, SHOP_BURST = 500, 1_000
VISITOR_PER_SECOND, VISITOR_BURST = 1, 30


class TooManyRequests(Problem):
    """More than anybody does by hand."""

    status, kind, title = 429, "too-many-requests", "Too many requests"


class Admission:
    """The door's memory in one process: who asked how often, and the ids of shops by their domains."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._key = secrets.token_bytes(32)
        self._shops = TokenBuckets(per_second=SHOP_PER_SECOND, burst=SHOP_BURST)
        self._visitors = TokenBuckets(per_second=VISITOR_PER_SECOND, burst=VISITOR_BURST)
        self._ids: dict[str, int] = {}
        self._lock = threading.Lock()

    def check(self, query: str, forwarded_for: str) -> Signed:
        """What was signed. Raises Unauthorised or TooManyRequests."""
        signed = verify(query, self._runtime.settings.webhook_secrets, now=clock.wall_now())
        visitor = forwarded_for.partition(",")[0].strip().encode("utf-8", "surrogateescape")
        digest = hmac.new(self._key, visitor, hashlib.sha256).digest()
        wait = self._visitors.take(digest + signed.shop.encode()) or self._shops.take(signed.shop.encode())
        if wait:
            raise TooManyRequests("Wait a moment.", retry_after=wait)
        return signed

    async def shop_id_soon(self, domain: str) -> int:
        """The same as `shop_id`, for who must not wait for the database on an event loop."""
        known = self._ids.get(domain)
        return known if known is not None else await asyncio.to_thread(self.shop_id, domain)

    def shop_id(self, domain: str) -> int:
        """The shop's id, raises NotFound. It never changes, and is kept; `require_installed` looks at the rest."""
        known = self._ids.get(domain)
        if known is not None:
            return known
        with self._runtime.database.system() as session:
            shop = queries.shop_by_domain(session, domain)
        if shop is None:
            raise NotFound("This shop is not known here.")
        with self._lock:
            self._ids[domain] = shop.id
        return shop.id


_INSTALLED = Statement("select 1 as installed from shops where id = :shop and state = 'installed'")


def require_installed(session: Session, shop_id: int) -> None:
    """Raises NotFound when a shop has left; `session` is its own."""
    if not _INSTALLED.run(session, shop=shop_id):
        raise NotFound("This shop is not known here.")
