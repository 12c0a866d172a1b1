"""The stages that run a bulk operation and take its file: asked, waited for, downloaded into the staging.

Each function is one step: it talks to Shopify with no session open, then moves the run's row in the transaction that
keeps what was read. Killed anywhere, the next step begins where the row says.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.orm import Session

from app import clock
from app.intake import customers, forgetting, service, staging, vanishing
from app.intake.models import IntakeRun
from app.intake.pace import ahead, by_processes
from app.intake.parts import Part, Source, parts, read
from app.runtime import Runtime
from app.shopify import bulk
from app.shopify.bulk import BulkOperation
from app.shopify.client import ShopifyClient
from app.shopify.errors import OutcomeUnknown

log = structlog.get_logger()

Wait = timedelta | None
AT_ONCE, SOON, LATER = timedelta(seconds=0.2), timedelta(seconds=1), timedelta(seconds=30)
# What is staged in one transaction: some thousands of lines, a few times as much in memory. Customers are written at
# once, and while their accounts are made others of the shop wait.
CHUNK_BYTES = 3 << 20
CUSTOMER_BYTES = 1 << 21
# From so much on a file is read by processes of their own, which take a second to start.
LARGE_BYTES = 1 << 25
ATTEMPTS = 5
_TABLES = {
    "customers": ("listed",),
    "orders": ("orders", "order_lines", "order_codes", "refunds", "refund_lines"),
    "products": ("products", "memberships"),
}


class Unreadable(Exception):
    """Tried again and again, a bulk operation brings nothing that can be read; the message says what."""


def step(runtime: Runtime, client: ShopifyClient, run: IntakeRun) -> Wait:
    """One step of reading. Raises ShopifyError, Unreadable, Superseded."""
    if run.operation_id is None:
        return _ask(runtime, client, run)
    try:
        operation = bulk.look(client, run.operation_id)
        if operation.status in ("CREATED", "RUNNING", "CANCELING"):
            _note_progress(runtime, run, operation)
            return min(max((clock.wall_now() - operation.created_at) / 4, SOON), LATER)
        if operation.status != "COMPLETED":
            return _again(runtime, run, operation.error_code or operation.status)
        return _take_file(runtime, run, operation)
    except bulk.Expired:
        return _again(runtime, run, "EXPIRED")


def mark(run: IntakeRun) -> str:
    """What the stage's operation is known by, from before it is started."""
    return f"perennial run {run.shop_id}.{run.id} {run.stage} {run.attempt}"


def _ask(runtime: Runtime, client: ShopifyClient, run: IntakeRun) -> Wait:
    """Start the operation, unless one was started and not noted. The intent is kept before the call."""
    operation = bulk.find(client, mark(run)) if run.asked_at is not None else None
    if operation is None:
        with runtime.database.system() as session:
            service.held(session, run).asked_at = clock.wall_now()
        searching = f"updated_at:>='{run.since:%Y-%m-%dT%H:%M:%SZ}'" if run.since else ""
        try:
            operation = bulk.start(client, bulk.query(run.stage, mark(run), searching=searching, bare=run.bare))
        except OutcomeUnknown:
            return SOON  # it may run: looked for by its mark
        except bulk.Busy:
            return LATER
    with runtime.database.system() as session:
        noted = service.held(session, run)
        noted.operation_id, noted.told_at, noted.position = operation.id, operation.created_at, 0
        staging.create(session, run.id, *_TABLES[run.stage])
        service.count(noted, **{f"{run.stage}_expected": -noted.counts.get(f"{run.stage}_expected", 0)})
    return AT_ONCE


def _note_progress(runtime: Runtime, run: IntakeRun, operation: BulkOperation) -> None:
    with runtime.database.system() as session:
        noted = service.held(session, run)
        noted.counts = {**noted.counts, f"{run.stage}_expected": operation.objects}


def _again(runtime: Runtime, run: IntakeRun, reason: str) -> Wait:
    """The operation came to nothing. Without a grant for protected fields the next one does without them."""
    log.warning("bulk operation to be run anew", shop=run.shop_id, run=run.id, stage=run.stage, reason=reason)
    denied = reason == "ACCESS_DENIED"
    if run.attempt + 1 >= ATTEMPTS or (denied and run.bare):
        raise Unreadable(f"Shopify does not carry out the bulk operation for {run.stage}: {reason}.")
    with runtime.database.system() as session:
        service.restart(service.held(session, run), bare=denied)
    return timedelta(seconds=2**run.attempt)


def _take_file(runtime: Runtime, run: IntakeRun, operation: BulkOperation) -> Wait:
    """Download from where the run is; the file must then be as long as Shopify says."""
    if operation.url is not None and run.position < operation.size:
        blocks = bulk.download(runtime.settings, operation.url, run.position)
        for part in _contents(run, blocks, operation.size - run.position):
            run = _stage(runtime, run, part)
    if run.position != operation.size:
        return _again(runtime, run, "TRUNCATED")
    with runtime.database.system() as session:
        done = service.staged(session, run)
        staging.index(session, run.id, *_TABLES[run.stage])
        if run.stage == "customers":
            staging.analyze(session, "accounts", "identities", "customers")
        if run.stage == "orders":
            forgetting.scrub(session, run.shop_id, run.id)
        _look_for_deleted(session, done)
        done.counts = {**done.counts, f"{run.stage}_expected": operation.objects}
        service.next_stage(session, done)
    return timedelta()


def _contents(run: IntakeRun, blocks: Iterator[bytes], size: int) -> Iterator[Part]:
    told = partial(read, source=Source(run.shop_id, _told_at(run), figures=run.kind == service.IMPORT))
    whole = parts(blocks, _size(run))
    return by_processes(told, whole) if size >= LARGE_BYTES else ahead(told(part) for part in whole)


def _look_for_deleted(session: Session, run: IntakeRun) -> None:
    if _compares_everything(run) and run.stage in ("customers", "orders"):
        look = vanishing.customers if run.stage == "customers" else vanishing.orders
        service.count(run, asked_for=look(session, run, _told_at(run)))


def _compares_everything(run: IntakeRun) -> bool:
    return run.kind == service.RECONCILE and run.since is None


def _size(run: IntakeRun) -> int:
    return min(CUSTOMER_BYTES, CHUNK_BYTES) if run.stage == "customers" else CHUNK_BYTES


def _told_at(run: IntakeRun) -> datetime:
    assert run.told_at is not None, "an operation that is read has begun"
    return run.told_at


def _stage(runtime: Runtime, seen: IntakeRun, part: Part) -> IntakeRun:
    """Keep a part of the file, and how far that is; returns the run as it is then."""
    with runtime.database.system() as session:
        run = service.staged(session, seen)
        if run.stage == "customers":
            _customers(session, run, part.content.customers)
        else:
            service.count(run, **staging.fill(session, run.id, part.content.tables()))
        run.position += part.size
    return run


def _customers(session: Session, run: IntakeRun, lines: list[str]) -> None:
    if _compares_everything(run):
        staging.fill(session, run.id, {"listed": (("id",), [line.split("\t", 2)[1] + "\n" for line in lines])})
    taken = customers.take_in(session, run.shop_id, lines, quiet=run.kind == service.IMPORT)
    service.count(run, customers=len(lines), customers_missed=taken.missed, customers_stale=taken.stale)
    if run.position == 0:
        staging.analyze(session, "accounts", "identities", "customers")
