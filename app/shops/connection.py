"""Whether a shop can be reached, since when not, why, and what helps: kept on its row for everybody who asks.

`app.shopify.client` and `app.shops.tokens` report what they met, the admin shows `standing`. States: `ok`;
`reauthorise`, healed by the merchant opening the app; `paused`, healed by itself: while Shopify has frozen, locked or
closed a shop, one call at a time may look whether that is over, at growing distances. What must stay true: a pause
loses nothing, because rows that wait stay due and jobs come again (app.jobs.Postponed).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from app import clock, jobs
from app.orders import rereading
from app.runtime import Runtime
from app.shopify.errors import ShopPaused
from app.shops import queries
from app.shops.models import Shop

log = structlog.get_logger()

SHORTEST, LONGEST = timedelta(minutes=5), timedelta(hours=6)
# For how long the one that looks may take; then another may.
_LOOK = timedelta(minutes=1)
CURRENCY = "currency"

# What a merchant reads: what is the matter, and what to do.
_WORDS = {
    "tokens": "Shopify no longer accepts our access to this shop. Opening the app from the Shopify admin renews it.",
    "frozen": "Shopify has frozen this shop, mostly because of an unpaid invoice. Once the shop is active again, "
    "everything that waits is done by itself.",
    "locked": "Shopify has locked this shop for now. Once it is unlocked, everything that waits is done by itself.",
    "closed": "Shopify says that this shop is closed. If it opens again, everything that waits is done by itself.",
    CURRENCY: "The shop's currency has changed, but its rewards and points are counted in the former one. Until it is "
    "changed back, no codes are created or changed at Shopify. To go on in the new currency, export the balances, and "
    "install the program anew with rewards in that currency.",
}


@dataclass(frozen=True)
class Standing:
    """How the connection stands: `state` (ok, reauthorise, paused, uninstalled), `reason`, and `words` for a merchant.

    `withheld` are personal fields that Shopify does not show to this app, `withheld_words` what that means.
    """

    state: str
    reason: str | None
    words: str | None
    since: datetime | None
    looks_again_at: datetime | None
    withheld: tuple[str, ...]
    withheld_words: str | None


def standing(shop: Shop) -> Standing:
    """The present state, in words."""
    state = shop.connection if shop.state == "installed" else "uninstalled"
    reason = shop.connection_reason if state != "ok" else None
    return Standing(
        state=state,
        reason=reason,
        words=_WORDS.get(reason or ""),
        since=shop.connection_since if reason else None,
        looks_again_at=shop.connection_retry_at if state == "paused" else None,
        withheld=tuple(shop.withheld),
        withheld_words=_withheld_words(shop.withheld) if shop.withheld else None,
    )


def _withheld_words(fields: list[str]) -> str:
    return (
        f"Shopify does not show {', '.join(sorted(fields))} to this app: access to protected customer data was not "
        "granted for it. Points, rewards and codes work without it; guests cannot be recognised by an address that is "
        "not shown, and nobody can be written to. Access is asked for in Shopify's Dev Dashboard, under API access."
    )


def pause(session: Session, shop_id: int, reason: str) -> ShopPaused:
    """Note that the shop cannot be used; returns the error to raise, which says when to come back."""
    shop = session.get(Shop, shop_id, with_for_update=True)
    if shop is None or shop.state != "installed":
        return ShopPaused(reason)
    now = clock.wall_now()
    if shop.connection != "paused" or shop.connection_reason != reason:
        shop.connection, shop.connection_reason, shop.connection_since = "paused", reason, now
        log.warning("shop paused", shop=shop_id, reason=reason)
    assert shop.connection_since is not None
    wait = min(max(now - shop.connection_since, SHORTEST), LONGEST)
    shop.connection_retry_at = None if reason == CURRENCY else now + wait
    return ShopPaused(reason, wait.total_seconds())


def lost(shop: Shop) -> None:
    """Our tokens are worth nothing: the merchant has to open the app."""
    if shop.connection != "reauthorise":
        shop.connection, shop.connection_reason, shop.connection_since = "reauthorise", "tokens", clock.wall_now()
        shop.connection_retry_at = None
        log.warning("tokens lost, the merchant has to open the app", shop=shop.id)


def restored(session: Session, shop: Shop) -> None:
    """The shop answers again: what has waited is due. A pause because of its currency is another matter."""
    if shop.connection == "ok" or shop.connection_reason == CURRENCY:
        return
    log.info("shop can be reached again", shop=shop.id, reason=shop.connection_reason)
    shop.connection, shop.connection_reason, shop.connection_since = "ok", None, None
    shop.connection_retry_at = None
    session.flush()
    rereading.hurry(session, shop.id)


def claim_look(session: Session, shop: Shop) -> bool:
    """True for the one caller that may see whether a pause is over; raises ShopPaused for all others."""
    now = clock.wall_now()
    claim = (
        update(Shop)
        .where(Shop.id == shop.id, Shop.connection == "paused", Shop.connection_retry_at <= now)
        .values(connection_retry_at=now + _LOOK)
        .returning(Shop.id)
    )
    if session.execute(claim).first():
        return True
    at = shop.connection_retry_at
    left = (at - now).total_seconds() if at else LONGEST.total_seconds()
    raise ShopPaused(shop.connection_reason or "closed", max(left, 1.0))


def note_currency(session: Session, shop: Shop, currency: str) -> None:
    """Compare the currency that Shopify tells with the one that points and rewards are counted in."""
    if currency != shop.currency and shop.connection_reason != CURRENCY:
        shop.connection, shop.connection_reason, shop.connection_since = "paused", CURRENCY, clock.wall_now()
        shop.connection_retry_at = None
        log.warning("the shop's currency has changed", shop=shop.id, kept=shop.currency, told=currency)
    elif currency == shop.currency and shop.connection_reason == CURRENCY:
        shop.connection_reason = "closed"  # the pause of the currency is over; `restored` ends the rest
        restored(session, shop)


def withhold(session: Session, shop_id: int, fields: frozenset[str]) -> None:
    """Remember fields that Shopify does not show us."""
    shop = session.get(Shop, shop_id, with_for_update=True)
    if shop is not None and not fields <= set(shop.withheld):
        shop.withheld = sorted({*shop.withheld, *fields})
        log.warning("personal fields are withheld by shopify", shop=shop_id, fields=sorted(fields))


def answered(runtime: Runtime, shop_id: int) -> None:
    """A paused shop has answered: end the pause, and bring forward the jobs that it has put off. Opens sessions."""
    with runtime.database.shop(shop_id) as session:
        restored(session, queries.shop(session, shop_id))
    with runtime.database.system() as session:
        jobs.hurry(session, shop_id)
