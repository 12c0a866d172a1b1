"""Reading an order again at Shopify: after an edit, and when two deliveries of one second disagree (design section 4a).

`app.reactions` plans the job, one waiting at a time for an order. What the answer says goes through the same door as a
webhook. Its `triggered_at` is the instant before the first call: a delivery triggered later knows more than we read.
An order that could not be read stays wanted (app.orders.rereading) and is tried again when the shop can be reached.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app import clock
from app.jobs import job
from app.orders import rereading, service
from app.orders.admin_api import order_body
from app.orders.models import Order
from app.orders.payload import parse_order
from app.orders.snapshot import OrderSnapshot
from app.reactions import react
from app.runtime import Runtime
from app.shopify.client import ShopifyClient, client_for
from app.shopify.errors import ShopGone, ShopifyError, Unauthorised, Unavailable
from app.shops import queries

log = structlog.get_logger()

# Without the scope read_all_orders Shopify hides orders older than 60 days; a day's margin, as no hour is given.
VISIBLE_DAYS = timedelta(days=59)
_TRIES = 3
# What webhooks tell and the answer does not.
_ONLY_TOLD = ("landing_site", "landing_ref", "address_digest", "location_id")
# Refunds that OrderReread lists, and how much longer the list is asked for while it is full: 50, 200, 800.
_LISTS = (50, 200)
_LONGER = 4


class ChangedMeanwhile(Unavailable):
    """The order changed between two pages of it, several times in a row."""


@job("orders.reread", queue="shopify")
def reread_order(runtime: Runtime, *, shop_id: int, order_id: int) -> None:
    """Take in an order as it is now. Shopify's passing troubles raise, and the job is planned again."""
    asked_at = clock.now()
    try:
        body = read_order(client_for(runtime, shop_id), order_id)
    except (ShopGone, Unauthorised) as error:
        log.info("order not read again for now", shop=shop_id, order=order_id, reason=type(error).__name__)
        _note(runtime, shop_id, order_id, error)
        return
    except ShopifyError as error:
        _note(runtime, shop_id, order_id, error)
        raise
    with runtime.database.shop(shop_id) as session:
        if body is None:
            _not_shown(session, shop_id, order_id, asked_at)
        else:
            _take_in(session, parse_order(shop_id, body, asked_at))
        rereading.done(session, shop_id, order_id, asked_at)


@job("orders.rereads_due", cron="*/10 * * * * 30")
def plan_due(runtime: Runtime) -> None:
    """Every ten minutes: orders that no job has managed to read are planned anew, where the shop can be reached."""
    with runtime.database.system() as session:
        rereading.plan_due(session)


def _note(runtime: Runtime, shop_id: int, order_id: int, error: ShopifyError) -> None:
    with runtime.database.shop(shop_id) as session:
        rereading.failed(session, shop_id, order_id, type(error).__name__)


def read_order(client: ShopifyClient, order_id: int) -> dict[str, Any] | None:
    """The order in the shape of a webhook body; None when Shopify says that there is none. Raises ShopifyError."""
    for _ in range(_TRIES):
        order, lines = _pages(client, order_id)
        if order is None:
            return None
        order["refunds"] = _all_refunds(client, order_id, order["refunds"])
        refunds = [_refund(client, refund["id"]) for refund in order["refunds"]]
        again = _first_page(client, order_id) if refunds or len(lines) > len(order["lineItems"]["nodes"]) else order
        if again is not None and again["updatedAt"] == order["updatedAt"]:
            return order_body(order, lines, refunds)
    raise ChangedMeanwhile("the order keeps changing while it is read")


def _first_page(client: ShopifyClient, order_id: int, after: str | None = None) -> dict[str, Any] | None:
    variables = {"id": f"gid://shopify/Order/{order_id}", "linesAfter": after}
    order: dict[str, Any] | None = client.execute("OrderReread", variables)["order"]
    return order


def _pages(client: ShopifyClient, order_id: int) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The order and all its lines."""
    order = page = _first_page(client, order_id)
    lines: list[dict[str, Any]] = []
    while page is not None:
        lines += page["lineItems"]["nodes"]
        if not page["lineItems"]["pageInfo"]["hasNextPage"]:
            break
        page = _first_page(client, order_id, page["lineItems"]["pageInfo"]["endCursor"])
    return order, lines


def _all_refunds(client: ShopifyClient, order_id: int, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every refund, for one that is left out would be counted beside the order's totals, which know it.

    The list has no pages: a full one is asked for again, longer. Beyond what one query may cost we would rather not
    know the order than know it wrong; raises ShopifyError.
    """
    for length in _LISTS:
        if len(listed) < length:
            return listed
        longer = length * _LONGER
        order = client.execute("OrderRefunds", {"id": f"gid://shopify/Order/{order_id}", "first": longer})["order"]
        if order is None:
            raise ChangedMeanwhile("the order was deleted while it was read")
        listed = order["refunds"]
    if len(listed) >= _LISTS[-1] * _LONGER:
        raise ShopifyError("the order has more refunds than one query can list")
    return listed


def _refund(client: ShopifyClient, refund_id: str) -> dict[str, Any]:
    """A refund with all its lines."""
    refund: dict[str, Any] | None = None
    after = None
    while True:
        page = client.execute("RefundReread", {"id": refund_id, "linesAfter": after})["refund"]
        if page is None:
            raise ShopifyError("a refund that its order lists cannot be read")
        lines = page["refundLineItems"]
        if refund is None:
            refund = page
        else:
            refund["refundLineItems"]["nodes"] += lines["nodes"]
        if not lines["pageInfo"]["hasNextPage"]:
            return refund
        after = lines["pageInfo"]["endCursor"]


def _take_in(session: Session, snapshot: OrderSnapshot) -> None:
    stored = session.get(Order, (snapshot.shop_id, snapshot.id))
    if stored is not None:
        # Only webhooks tell these, and they never change.
        snapshot = replace(snapshot, **{name: getattr(stored, name) for name in _ONLY_TOLD})
    react(session, service.apply(session, [replace(snapshot, reread=True)]))


def _not_shown(session: Session, shop_id: int, order_id: int, asked_at: datetime) -> None:
    """Deleted, unless the order may merely be too old for us to see."""
    stored = session.get(Order, (shop_id, order_id))
    since = stored.created_at or stored.processed_at if stored else None
    all_orders = "read_all_orders" in queries.shop(session, shop_id).scopes.split(",")
    if since is None or not (all_orders or since > asked_at - VISIBLE_DAYS):
        log.info("order not read again, Shopify does not show it", shop=shop_id, order=order_id)
        return
    react(session, service.delete(session, [(shop_id, order_id, asked_at)]))
