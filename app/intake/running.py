"""Carrying a run on, step by step, until its time is over or it has to wait; the job `intake.advance`.

A step is one transaction at most, and says in the run's row how far it came. Two runners of one run do no harm: the
second finds the row moved and drops what it did (`service.Superseded`).
"""

import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from app.intake import afterwards, comparing, products, reading, refunds, service, subscriptions, taking
from app.intake.models import IntakeRun
from app.intake.reading import Unreadable, Wait
from app.jobs import job
from app.payload import BadPayload
from app.reactions import react
from app.runtime import Runtime
from app.shopify.client import ShopifyClient, client_for
from app.shopify.errors import ShopifyError, Unavailable
from app.shops import privacy, queries

log = structlog.get_logger()

# Other shops' work is as old.
TURN = 20.0
NOW = timedelta()
_GONE, _SHORTEST, _LONGEST = timedelta(hours=1), timedelta(seconds=5), timedelta(minutes=10)


@job("intake.advance", queue="bulk")
def advance(runtime: Runtime, *, shop_id: int, run_id: int) -> None:
    """Carry a run on for a while, and plan what is left of it."""
    wait = carry_on(runtime, shop_id, run_id, seconds=TURN)
    if wait is None:
        return
    with runtime.database.system() as session:
        run = session.get(IntakeRun, (shop_id, run_id), with_for_update=True)
        if run is not None and run.finished_at is None:
            service.plan(session, run, wait)


def carry_on(runtime: Runtime, shop_id: int, run_id: int, *, seconds: float) -> Wait:
    """Do steps for about so many seconds; how long to wait before the next, None when there is none."""
    end = time.monotonic() + seconds
    client = client_for(runtime, shop_id)
    while True:
        with runtime.database.system() as session:
            run = session.get(IntakeRun, (shop_id, run_id))
        if run is None or run.finished_at is not None:
            return None
        wait = _step(runtime, client, run)
        if wait or time.monotonic() >= end:
            return wait or NOW


def _step(runtime: Runtime, client: ShopifyClient, run: IntakeRun) -> Wait:
    """One step; what went wrong is turned into a wait, or ends the run."""
    try:
        wait = _STEPS[run.stage](runtime, client, run)
    except service.Superseded:
        return timedelta(seconds=1)
    except service.Lost:
        log.warning("what an intake had read is lost, it is read again", shop=run.shop_id, run=run.id)
        with runtime.database.system() as session:
            service.rewind(session, run)
        return NOW
    except (Unreadable, BadPayload) as error:
        return _fail(runtime, run, str(error))
    except ShopifyError as error:
        return _trouble(runtime, run, error)
    _recovered(runtime, run)
    return wait


def _trouble(runtime: Runtime, run: IntakeRun, error: ShopifyError) -> Wait:
    """Shopify cannot be had: later, then. Only what will not change by waiting ends the run."""
    if error.kind == "bug":
        return _fail(runtime, run, str(error))
    log.info("intake waits", shop=run.shop_id, run=run.id, stage=run.stage, reason=type(error).__name__)
    if error.kind != "retry":
        return _GONE
    with runtime.database.system() as session:
        noted = session.get_one(IntakeRun, (run.shop_id, run.id), with_for_update=True)
        service.count(noted, troubles=1)
        tries = min(int(noted.counts["troubles"]), 10)
    told = timedelta(seconds=error.wait) if isinstance(error, Unavailable) else NOW
    pause: timedelta = min(_SHORTEST * 2.0 ** (tries - 1), _LONGEST)
    return max(told, pause)


def _recovered(runtime: Runtime, run: IntakeRun) -> None:
    if run.counts.get("troubles"):
        with runtime.database.system() as session:
            noted = session.get_one(IntakeRun, (run.shop_id, run.id), with_for_update=True)
            service.count(noted, troubles=-noted.counts.get("troubles", 0))


def _fail(runtime: Runtime, run: IntakeRun, error: str) -> Wait:
    log.error("intake failed", shop=run.shop_id, run=run.id, stage=run.stage)
    with runtime.database.system() as session:
        service.finish(
            session, session.get_one(IntakeRun, (run.shop_id, run.id), with_for_update=True), "failed", error
        )
    return None


def _compare(runtime: Runtime, _client: ShopifyClient, seen: IntakeRun) -> Wait:
    with runtime.database.system() as session:
        run = service.staged(session, seen)
        if run.position == 0 and (all_of_them := comparing.nothing_here(session, run.shop_id, run.id)) is not None:
            service.count(run, missed=all_of_them, stale=0)
            service.next_stage(session, run)
            return NOW
        found = comparing.compare(session, run.id, run.position)
        service.count(run, missed=found.missed, stale=found.stale)
        _move(session, run, found.until)
    return NOW


def _refunds(runtime: Runtime, client: ShopifyClient, seen: IntakeRun) -> Wait:
    with runtime.database.system() as session:
        service.staged(session, seen)
        wanted = refunds.wanted(session, seen.id, seen.position)
    told = refunds.read(client, wanted) if wanted else []
    with runtime.database.system() as session:
        run = service.staged(session, seen)
        if wanted:
            refunds.note(session, run.id, told)
            service.count(run, refunds_read=len(told))
            run.position = wanted[-1].id
        else:
            service.next_stage(session, run)
    return NOW


def _take(runtime: Runtime, _client: ShopifyClient, seen: IntakeRun) -> Wait:
    with runtime.database.system() as session:
        run = service.staged(session, seen)
        shop = queries.shop(session, run.shop_id)
        found = taking.take(
            session, run.shop_id, run.id, run.position, imported=True, installed_at=shop.orders_complete_from
        )
        service.count(run, written=found.written)
        if run.kind == service.IMPORT:
            # All accounts follow together, once everything is here.
            privacy.keep_erased(session, afterwards.to_forget(session, run, found.changes), ())
            react(session, afterwards.urgent(session, run, found.changes))
        else:
            # What only a single order tells (attributes of its cart, the journey to it) was missed as well.
            found.changes.rereads |= found.new
            react(session, found.changes)
        _move(session, run, found.until)
    return NOW


def _accounts(runtime: Runtime, _client: ShopifyClient, seen: IntakeRun) -> Wait:
    with runtime.database.system() as session:
        run = service.held(session, seen)
        reached = afterwards.settle_accounts(session, run.shop_id, run.position)
        _move(session, run, reached)
    return NOW


def _recheck(runtime: Runtime, _client: ShopifyClient, seen: IntakeRun) -> Wait:
    with runtime.database.system() as session:
        run = service.staged(session, seen)
        found = comparing.compare(session, run.id, run.position, settle=False)
        service.count(run, left=found.missed + found.stale)
        _move(session, run, found.until)
    return NOW


def _take_products(runtime: Runtime, _client: ShopifyClient, seen: IntakeRun) -> Wait:
    with runtime.database.system() as session:
        run = service.staged(session, seen)
        reached = products.take(session, run)
        _move(session, run, reached)
    return NOW


def _move(session: Session, run: IntakeRun, reached: int | None) -> None:
    """On to where a batch ended, or to the next stage when there was none."""
    if reached is None:
        service.next_stage(session, run)
    else:
        run.position = reached


def _subscriptions(runtime: Runtime, client: ShopifyClient, seen: IntakeRun) -> Wait:
    restored = subscriptions.restore(client)
    with runtime.database.system() as session:
        run = service.held(session, seen)
        service.count(run, subscriptions_restored=restored)
        service.next_stage(session, run)
    return NOW


_STEPS: dict[str, Callable[[Runtime, ShopifyClient, IntakeRun], Wait]] = {
    "customers": reading.step,
    "products": reading.step,
    "take_products": _take_products,
    "orders": reading.step,
    "compare": _compare,
    "refunds": _refunds,
    "take": _take,
    "accounts": _accounts,
    "recheck": _recheck,
    "subscriptions": _subscriptions,
}
