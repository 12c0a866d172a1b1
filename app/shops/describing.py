"""Asking Shopify anew what a shop is: name, zone, currency, plan, granted scopes, and whether it can be reached at all.

Planned by the webhooks `shop/update` and `app/scopes_update`, which come in any order and are hints therefore, once a
day for every shop, and for paused ones when it is time to look again.
"""

from collections.abc import Iterable

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app import clock, jobs
from app.jobs import job
from app.runtime import Runtime
from app.shopify.client import client_for
from app.shopify.errors import ShopGone, Unauthorised
from app.shops import install
from app.shops.models import Shop

log = structlog.get_logger()


def plan(session: Session, shops: Iterable[int]) -> None:
    """Ask soon; several wishes become one question."""
    jobs.enqueue_all(
        session,
        [
            jobs.Planned("shops.describe", {"shop_id": shop_id}, queueing_lock=f"shops.describe:{shop_id}")
            for shop_id in sorted(set(shops))
        ],
    )


@job("shops.describe", queue="shopify")
def describe(runtime: Runtime, *, shop_id: int) -> None:
    """Bring the shop's row up to date. Passing troubles raise, and the job is planned again."""
    with runtime.database.shop(shop_id) as session:
        if (shop := session.get(Shop, shop_id, with_for_update=True)) is not None:
            shop.withheld = []  # what is still withheld says so again
    client = client_for(runtime, shop_id)
    try:
        info = install.shop_info(client.execute("ShopInfo"))
        granted = client.execute("CurrentAppInstallation")["currentAppInstallation"]["accessScopes"]
    except (ShopGone, Unauthorised) as error:
        log.info("shop not described", shop=shop_id, reason=type(error).__name__)
        return
    with runtime.database.shop(shop_id) as session:
        shop = session.get_one(Shop, shop_id, with_for_update=True)
        install.describe(session, shop, info)
        shop.scopes = ",".join(sorted(scope["handle"] for scope in granted))


@job("shops.look_again", cron="*/5 * * * * 40")
def look_again(runtime: Runtime) -> None:
    """Every five minutes: shops that were paused, where it is time to see whether they are still."""
    with runtime.database.system() as session:
        plan(session, session.scalars(select(Shop.id).where(Shop.connection_retry_at <= clock.wall_now())))


@job("shops.describe_all", cron="41 2 * * * 0")
def describe_all(runtime: Runtime) -> None:
    """Once a day: every installed shop, since a webhook may be lost."""
    reachable = or_(Shop.connection == "ok", Shop.connection_reason == "currency")
    with runtime.database.system() as session:
        plan(session, session.scalars(select(Shop.id).where(Shop.state == "installed", reachable)))
