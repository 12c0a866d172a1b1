"""The jobs that fill pools: one a shop for what is due, one for a pool that runs low, and the sweep.

Between claim and settlement no session is open. What dies in between is due again when its lease ends, with the same
codes.
"""

from datetime import timedelta

from app.discounts.pools import filling, service
from app.discounts.pools.filling import CodeTaken, Filled
from app.discounts.pools.service import Claim
from app.jobs import job
from app.runtime import Runtime
from app.shopify.client import client_for
from app.shopify.errors import ShopifyError, Throttled
from app.shops import queries
from app.shops.secrets import code_key

# Calls one job makes before other shops have their turn.
_ROUNDS = 20


@job("pools.fill", queue="shopify")
def fill_due(runtime: Runtime, *, shop_id: int) -> None:
    """Fill the due pools of a shop, up to what a job may take."""
    for _ in range(_ROUNDS):
        with runtime.database.shop(shop_id) as session:
            claimed = service.claim(session, shop_id, code_key(runtime.keyring, queries.shop(session, shop_id)))
        if claimed is None or not _fill(runtime, claimed):
            return


@job("pools.refill", queue="shopify")
def refill(runtime: Runtime, *, shop_id: int, pool_id: int) -> None:
    """A pool runs low: let it be filled."""
    with runtime.database.shop(shop_id) as session:
        service.make_due(session, shop_id, pool_id)


@job("pools.sweep", cron="* * * * * */10")
def sweep(runtime: Runtime) -> None:
    """Every ten seconds: plan a job for each shop with pools that are due."""
    with runtime.database.system() as session:
        service.wake_due(session)


def _fill(runtime: Runtime, claimed: Claim) -> bool:
    """Whether going on makes sense."""
    shop_id = claimed.pool.shop_id
    try:
        outcome: Filled | ShopifyError | CodeTaken = filling.fill(
            client_for(runtime, shop_id, patience=5.0), claimed.pool, claimed.codes
        )
    except (ShopifyError, CodeTaken) as error:
        outcome = error
    with runtime.database.shop(shop_id) as session:
        if isinstance(outcome, Filled):
            service.settle(
                session, claimed, discount_id=outcome.discount_id, free=outcome.free, refused=outcome.refused
            )
            return True
        if isinstance(outcome, Throttled):
            service.postpone(session, claimed, "throttled", timedelta(seconds=outcome.wait))
        elif isinstance(outcome, ShopifyError) and outcome.kind in {"retry", "reauthorise"}:
            service.postpone(session, claimed, type(outcome).__name__)
        else:
            service.fail(session, claimed, type(outcome).__name__)
    return False
