"""Asking Shopify how a buyer came; `journeys.want` plans it."""

from datetime import timedelta

import structlog

from app import jobs
from app.jobs import job
from app.reactions import react
from app.referrals import journeys
from app.runtime import Runtime
from app.shopify.client import client_for
from app.shopify.errors import ShopGone

log = structlog.get_logger()

# Together a day; what is not ready then will never be.
_MOST_TRIES = 24
_NOT_READY = timedelta(hours=1)


@job(journeys.JOB, queue="shopify")
def read_journey(runtime: Runtime, *, shop_id: int, order_id: int, tries: int) -> None:
    """Look for a member's code in an order's visits. Shopify's passing troubles raise, and the job is planned again."""
    try:
        answer = client_for(runtime, shop_id).execute("OrderJourney", {"id": f"gid://shopify/Order/{order_id}"})
    except ShopGone:
        log.info("visits not read, the shop is gone", shop=shop_id, order=order_id)
        return
    summary = (answer["order"] or {}).get("customerJourneySummary")
    if summary is None:
        return
    code = journeys.code_of(summary)
    with runtime.database.shop(shop_id) as session:
        if code:
            react(session, journeys.keep(session, shop_id, order_id, code))
        elif not summary["ready"] and tries < _MOST_TRIES:
            jobs.enqueue_all(session, [journeys.planned(shop_id, order_id, tries=tries + 1, wait=_NOT_READY)])
