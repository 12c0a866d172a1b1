"""Asking Shopify whether a customer is still there; `app.intake.vanishing` plans the job."""

import structlog

from app import clock
from app.customers import service
from app.jobs import job
from app.reactions import react
from app.runtime import Runtime
from app.shopify.client import client_for
from app.shopify.errors import ShopGone

log = structlog.get_logger()


@job("customers.look_for", queue="shopify")
def look_for(runtime: Runtime, *, shop_id: int, customer_id: int) -> None:
    """Take in that a customer was deleted, if so. Shopify's passing troubles raise, and the job is planned again."""
    asked_at = clock.now()
    try:
        answer = client_for(runtime, shop_id).execute(
            "CustomerFigures", {"id": f"gid://shopify/Customer/{customer_id}"}
        )
    except ShopGone:
        log.info("customer not looked for, the shop is gone", shop=shop_id)
        return
    if answer["customer"] is None:
        with runtime.database.shop(shop_id) as session:
            react(session, service.delete(session, [(shop_id, customer_id, asked_at)]))
