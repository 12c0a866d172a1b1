"""Asking Shopify what it counts of one customer; `imported.want_figures` plans the job."""

import structlog

from app import clock
from app.customers.imported import Figures, note_figures
from app.jobs import job
from app.money import to_minor
from app.reactions import react
from app.runtime import Runtime
from app.shopify.client import client_for
from app.shopify.errors import ShopGone

log = structlog.get_logger()


@job("customers.read_figures", queue="shopify")
def read_figures(runtime: Runtime, *, shop_id: int, customer_id: int) -> None:
    """Read what Shopify counts of one customer. Its passing troubles raise, and the job is planned again."""
    asked_at = clock.now()
    try:
        client = client_for(runtime, shop_id)
        answer = client.execute("CustomerFigures", {"id": f"gid://shopify/Customer/{customer_id}"})["customer"]
    except ShopGone:
        log.info("customer not counted, the shop is gone", shop=shop_id)
        return
    if answer is None:
        return
    spent = answer["amountSpent"]
    figures = Figures(
        customer_id, int(answer["numberOfOrders"]), to_minor(spent["amount"], spent["currencyCode"]), asked_at
    )
    with runtime.database.shop(shop_id) as session:
        react(session, note_figures(session, shop_id, [figures]))
