"""Publishing: popups and program to metafields of the app's installation, members' points to those of customers.

No session is open while Shopify is asked. What dies in between is due again when its lease ends.
"""

from datetime import timedelta

import structlog

from app.jobs import job
from app.runtime import Runtime
from app.shopify.client import client_for
from app.shopify.errors import ShopifyError, Throttled
from app.storefront import dirty, metafields, publishing
from app.storefront.metafields import Value
from app.storefront.publishing import NAMESPACE, MemberTurn, ShopTurn

log = structlog.get_logger()

# Calls one job makes before other shops have their turn; the sweep comes soon.
_ROUNDS = 20
_LATER = timedelta(minutes=5)


@job("storefront.publish", queue="shopify")
def publish(runtime: Runtime, *, shop_id: int) -> None:
    """Publish what is due of a shop, up to what a job may take."""
    if not _publish_shop(runtime, shop_id):
        return
    for _ in range(_ROUNDS):
        with runtime.database.shop(shop_id) as session:
            turn = publishing.take_members(session, shop_id)
        if turn is None or not _publish_members(runtime, turn):
            return


@job("storefront.sweep", cron="* * * * * */5")
def sweep(runtime: Runtime) -> None:
    """Every five seconds: plan a job for each shop with something to publish."""
    with runtime.database.system() as session:
        dirty.wake_due(session)


def _publish_shop(runtime: Runtime, shop_id: int) -> bool:
    """Whether going on makes sense."""
    with runtime.database.shop(shop_id) as session:
        turn = publishing.take_shop(session, shop_id)
    if turn is None:
        return True
    client = client_for(runtime, shop_id)
    try:
        owner = turn.installation_id or metafields.installation(client)
        values = [Value(owner, key, publishing.as_json(value), NAMESPACE) for key, value in turn.values.items()]
        _send(runtime, shop_id, values)
    except ShopifyError as error:
        _put_off(runtime, turn, error)
        return False
    with runtime.database.shop(shop_id) as session:
        publishing.settle_shop(session, turn, owner)
    return True


def _publish_members(runtime: Runtime, turn: MemberTurn) -> bool:
    """Whether going on makes sense."""
    try:
        for start in range(0, len(turn.values), metafields.MOST):
            namespace = _send(runtime, turn.shop_id, turn.values[start : start + metafields.MOST])
            if namespace:
                _learn(runtime, turn.shop_id, namespace)
    except ShopifyError as error:
        _put_off(runtime, turn, error)
        return False
    with runtime.database.shop(turn.shop_id) as session:
        publishing.settle_members(session, turn)
    return True


def _send(runtime: Runtime, shop_id: int, values: list[Value] | tuple[Value, ...]) -> str | None:
    """Send what Shopify does not have; the namespace of its answer, None when there was nothing to say."""
    with runtime.database.shop(shop_id) as session:
        wanted = publishing.unpublished(session, shop_id, values)
    if not wanted:
        return None
    namespace, refused = metafields.write(client_for(runtime, shop_id), wanted)
    if refused:
        log.warning("metafields refused", shop=shop_id, count=len(refused))
    with runtime.database.shop(shop_id) as session:
        publishing.remember(session, shop_id, [value for value in wanted if value not in refused])
    return namespace


def _learn(runtime: Runtime, shop_id: int, namespace: str) -> None:
    with runtime.database.shop(shop_id) as session:
        if publishing.learn_namespace(session, shop_id, namespace):
            dirty.wake(session, [shop_id])


def _put_off(runtime: Runtime, turn: ShopTurn | MemberTurn, error: ShopifyError) -> None:
    wait = timedelta(seconds=error.wait) if isinstance(error, Throttled) else _LATER
    log.info("publishing put off", shop=turn.shop_id, error=type(error).__name__)
    with runtime.database.shop(turn.shop_id) as session:
        if isinstance(turn, ShopTurn):
            publishing.postpone_shop(session, turn, wait)
        else:
            publishing.postpone_members(session, turn, wait)
