"""The jobs that carry codes to Shopify: one a shop for what is due, and the sweep that plans it.

Between claim and settlement no session is open. Whatever dies in between leaves a row that is due again when its lease
ends, and the sweep finds it.
"""

from app.discounts import ending, issuing, service, settling
from app.discounts.issuing import Later, Outcome, Refused
from app.discounts.models import DiscountCode
from app.jobs import job
from app.runtime import Runtime
from app.shopify.client import client_for

# Seconds a call may wait for the shop's bucket: little, since the lease runs meanwhile and the sweep comes soon.
PATIENCE = 5.0


# Codes one job carries out before it lets other shops, and a worker that is asked to stop, have their turn.
BATCH = 50


@job("discounts.issue", queue="shopify")
def carry_out_due(runtime: Runtime, *, shop_id: int) -> None:
    """Issue or withdraw the due codes of a shop, one after the other; stop where Shopify asks for patience."""
    for _ in range(BATCH):
        claimed = _claim(runtime, shop_id)
        if claimed is None:
            return
        outcome = _carry_out(runtime, claimed)
        with runtime.database.shop(shop_id) as session:
            settling.settle(session, claimed, outcome)
        if isinstance(outcome, Later) and not outcome.counts:
            return
    with runtime.database.shop(shop_id) as session:
        service.wake(session, shop_id)


@job("discounts.sweep", cron="* * * * * */5")
def sweep(runtime: Runtime) -> None:
    """Every five seconds: take back codes whose time is over, plan a job for each shop with codes that are due."""
    with runtime.database.system() as session:
        ending.withdraw_ended(session)
        service.wake_due(session)


def _claim(runtime: Runtime, shop_id: int) -> DiscountCode | None:
    with runtime.database.shop(shop_id) as session:
        return service.claim(session, shop_id)


def _carry_out(runtime: Runtime, claimed: DiscountCode) -> Outcome:
    if settling.exhausted(claimed):
        return Refused("too-many-attempts")
    return issuing.carry_out(lambda: client_for(runtime, claimed.shop_id, patience=PATIENCE), claimed)
