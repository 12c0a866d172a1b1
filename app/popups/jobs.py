"""Popups in the background: Shopify hears of consents, and who had to wait gets a code, also by mail.

Between reading a row and settling it no session is open. Whatever dies in between is found by a sweep; a letter may
then be sent again, under the same id.
"""

from collections.abc import Callable
from functools import partial

import structlog

from app import mail
from app.jobs import enqueue_all, job
from app.popups import afterwards, telling
from app.popups.letters import letter
from app.runtime import Runtime
from app.shopify.client import client_for
from app.shopify.errors import ShopGone, UserErrors
from app.shopify.origin import shop_url
from app.shops import queries as shops
from app.shops.models import Shop

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
    """Codes for those who wait; where mail can be sent, they are told."""
    with runtime.database.shop(shop_id) as session:
        given = afterwards.hand_out(session, shop_id, popup_id)
        if given and runtime.settings.mail:
            enqueue_all(session, [afterwards.mailing(shop_id, popup_id)])


@job("popups.mail_owed", queue="shopify")
def mail_owed(runtime: Runtime, *, shop_id: int, popup_id: int) -> None:
    """Send what is owed at a popup. Passing troubles raise, and the job goes on another time with who is left."""
    server = runtime.settings.mail
    with runtime.database.shop(shop_id) as session:
        shop = shops.shop(session, shop_id)
        waiting = afterwards.owed(session, shop_id, popup_id)
    if server is None or not waiting or shop.state != "installed":
        return
    delayed = None
    with mail.connected(server) as connection:
        for sign_up_id in waiting:
            try:
                _mail(runtime, partial(mail.send, connection, server), shop, sign_up_id)
            except mail.Delayed as error:
                delayed = error  # the others need not wait for this one
    if delayed:
        raise delayed


def _mail(runtime: Runtime, send: Callable[[mail.Letter], None], shop: Shop, sign_up_id: int) -> None:
    # Read at the last moment: the person may have been forgotten while others were written to.
    with runtime.database.shop(shop.id) as session:
        row = afterwards.to_mail(session, shop.id, sign_up_id)
    if row is None:
        return
    refused = None
    try:
        send(letter(row, shop, shop_url(runtime.settings, shop.domain)))
    except mail.Undeliverable as error:
        refused = str(error)
        log.warning("letter refused by the mail server", shop=shop.id, sign_up=sign_up_id, code=refused)
    with runtime.database.shop(shop.id) as session:
        afterwards.settle_mail(session, shop.id, sign_up_id, refused)


@job("popups.sweep_waiting", cron="* * * * * */10")
def sweep_waiting(runtime: Runtime) -> None:
    """Every ten seconds: see whether there are codes for those who wait."""
    with runtime.database.system() as session:
        afterwards.plan_waiting(session)


@job("popups.sweep_untold", cron="17 * * * * 0")
def sweep_untold(runtime: Runtime) -> None:
    """Every hour: plan consents that Shopify has not heard of, and letters that were not sent."""
    with runtime.database.system() as session:
        afterwards.plan_untold(session)
        if runtime.settings.mail:
            afterwards.plan_mailing(session)
