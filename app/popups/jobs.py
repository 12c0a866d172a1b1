"""Popups in the background: Shopify hears of consents, and who had to wait gets a code.

Between reading a receipt and settling it no session is open. Whatever dies in between is found by a sweep.
"""

import structlog

from app.jobs import job
from app.popups import afterwards, telling
from app.runtime import Runtime
from app.shopify.client import client_for
from app.shopify.errors import ShopGone, UserErrors

log = structlog.get_logger()


@job("popups.tell_shopify", queue="shopify")
def tell_shopify(runtime: Runtime, *, shop_id: int, receipt_id: int, last: int | None = None) -> None:
    """Pass consents on, from one receipt to the `last`. Passing troubles raise, and the job goes on another time."""
    with runtime.database.shop(shop_id) as session:
        waiting = afterwards.untold_ids(session, shop_id, receipt_id, last or receipt_id)
    try:
        for waits in waiting:
            _tell(runtime, shop_id, waits)
    except ShopGone:
        return  # after a reinstall the sweep finds it


def _tell(runtime: Runtime, shop_id: int, receipt_id: int) -> None:
    # Read at the last moment: the person may have been forgotten while others were told of.
    with runtime.database.shop(shop_id) as session:
        receipt = afterwards.untold(session, shop_id, receipt_id)
    if receipt is None or receipt.address is None:
        return
    refused = None
    try:
        telling.tell(client_for(runtime, shop_id), receipt.address, receipt.given_at)
    except UserErrors as error:
        if telling.is_of_clocks(error):
            raise
        refused = ", ".join(sorted(error.codes)) or "refused"
        log.warning("consent refused by shopify", shop=shop_id, codes=refused)
    with runtime.database.shop(shop_id) as session:
        afterwards.settle(session, receipt, refused)


@job("popups.hand_out")
def hand_out(runtime: Runtime, *, shop_id: int, popup_id: int) -> None:
    """Codes for those who wait."""
    with runtime.database.shop(shop_id) as session:
        afterwards.hand_out(session, shop_id, popup_id)


@job("popups.sweep_waiting", cron="* * * * * */10")
def sweep_waiting(runtime: Runtime) -> None:
    """Every ten seconds: see whether there are codes for those who wait."""
    with runtime.database.system() as session:
        afterwards.plan_waiting(session)


@job("popups.sweep_untold", cron="17 * * * * 0")
def sweep_untold(runtime: Runtime) -> None:
    """Every hour: plan consents that Shopify has not heard of."""
    with runtime.database.system() as session:
        afterwards.plan_untold(session)
