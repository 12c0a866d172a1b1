"""Installation: what a shop that has just given us tokens becomes here. Lazy and idempotent.

`routes` calls it after the code grant, the app home after a token exchange. Shopify tells nobody of a managed
installation, so the first open is the installation, two opens at once are ordinary, and a reinstall finds its own row.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import clock, jobs
from app.loyalty.programs import create_default
from app.runtime import Runtime
from app.shopify import graphql
from app.shopify.errors import Rejected
from app.shopify.oauth import Tokens
from app.shops import connection
from app.shops import tokens as shop_tokens
from app.shops.models import Shop
from app.shops.secrets import seal
from app.storefront import publishing

log = structlog.get_logger()


@dataclass(frozen=True)
class ShopInfo:
    """What Shopify says of a shop; `timezone` is an IANA name, `country` two letters."""

    shopify_id: int
    name: str
    email: str | None
    currency: str
    timezone: str
    country: str | None
    plan: str | None


def connect(runtime: Runtime, domain: str, tokens: Tokens) -> int:
    """Read the shop with its new tokens and install it; returns its id. Raises a ShopifyError. Opens sessions."""
    return install(runtime, domain, tokens, read_shop_info(runtime, domain, tokens.access_token))


def read_shop_info(runtime: Runtime, domain: str, access_token: str) -> ShopInfo:
    """Ask the shop who it is; raises a ShopifyError."""
    return shop_info(graphql.query(runtime.settings, domain, access_token, "ShopInfo"))


def shop_info(data: Mapping[str, Any]) -> ShopInfo:
    """The answer to ShopInfo; raises Rejected when it is not whole."""
    try:
        return _shop_info(data["shop"])
    except (KeyError, TypeError, ValueError) as error:
        raise Rejected([{"message": "ShopInfo was answered incompletely"}]) from error


def install(runtime: Runtime, domain: str, tokens: Tokens, shop_info: ShopInfo) -> int:
    """Create or renew the shop's row with its tokens, its code key and its default program; returns the shop's id.

    `installed_at` moves with every grant and every open, because the app was certainly installed then: an
    `app/uninstalled` from before it changes nothing.
    """
    with runtime.database.system() as session:
        shop = _locked_row(session, domain)
        if not shop.code_key:
            # From now on every order comes here; customers who were there before have bought what we know nothing of.
            shop.orders_complete_from = clock.now()
            shop.code_key = seal(runtime.keyring, shop.id, "code_key", os.urandom(32))
        was_out_of_reach = shop.connection != "ok"
        shop_tokens.store(runtime.keyring, shop, tokens)
        describe(session, shop, shop_info)
        shop.withheld = []
        if shop.state != "installed":
            publishing.start_over(session, shop.id)
        shop.state, shop.installed_at, shop.uninstalled_at = "installed", clock.now(), None
        session.flush()
        create_default(session, shop)
        shop_id = shop.id
        if was_out_of_reach:
            jobs.hurry(session, shop_id)
    log.info("shop installed", shop=shop_id)
    return shop_id


def _locked_row(session: Session, domain: str) -> Shop:
    now = clock.now()
    blank = insert(Shop).values(
        domain=domain, currency="USD", timezone="UTC", state="installed", code_key=b"", installed_at=now, created_at=now
    )
    session.execute(blank.on_conflict_do_nothing(index_elements=[Shop.domain]))
    return session.scalars(select(Shop).where(Shop.domain == domain).with_for_update()).one()


def describe(session: Session, shop: Shop, info: ShopInfo) -> None:
    """Take over what Shopify says of the shop.

    One that changes its currency keeps the old one here, since points were counted and rewards are worth in it; a code
    over 5 of the new currency would be another present. So it is paused until the currencies agree.
    """
    if shop.shopify_id is None:
        shop.currency = info.currency
    else:
        connection.note_currency(session, shop, info.currency)
    shop.shopify_id, shop.name, shop.email = info.shopify_id, info.name, info.email
    shop.timezone, shop.country, shop.plan = info.timezone, info.country, info.plan


def _shop_info(shop: dict[str, Any]) -> ShopInfo:
    plan, address = shop.get("plan") or {}, shop.get("shopAddress") or {}
    return ShopInfo(
        shopify_id=int(shop["id"].rsplit("/", 1)[1]),
        name=str(shop["name"]),
        email=shop.get("email") or None,
        currency=str(shop["currencyCode"]),
        timezone=str(shop["ianaTimezone"]),
        country=address.get("countryCodeV2"),
        plan=plan.get("publicDisplayName"),
    )
