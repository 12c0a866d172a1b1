"""Beginning a run, and what its transactions do to its row. `running` carries it out, `queries` shows it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import clock, jobs
from app.intake import staging
from app.intake.models import IntakeRun
from app.segments import dirty

IMPORT, RECONCILE = "import", "reconcile"
STAGES = {
    IMPORT: ("customers", "products", "take_products", "orders", "compare", "refunds", "take", "accounts"),
    RECONCILE: ("customers", "orders", "compare", "refunds", "take", "recheck", "subscriptions"),
}
# Shopify's news can be a day late, and so can ours of it.
OVERLAP = timedelta(days=1)


class Superseded(Exception):
    """Another runner has moved the run on: what this one did in the meantime is not needed."""


def begin(
    session: Session, shop_id: int, kind: str, *, everything: bool = True, wait: timedelta = timedelta()
) -> IntakeRun | None:
    """Plan a run of a shop, after a wait; None while another one is open, which then does its work.

    Not `everything`: only what changed since the run before last began to read (a day's overlap).
    """
    since = None if everything else _since(session, shop_id)
    blank = insert(IntakeRun).values(
        shop_id=shop_id, kind=kind, state="running", stage=STAGES[kind][0], position=0, since=since,
        planned_at=clock.now(), due_at=clock.wall_now(),
    )  # fmt: skip
    made = session.scalars(blank.on_conflict_do_nothing().returning(IntakeRun)).one_or_none()
    if made is not None:
        plan(session, made, wait)
    return made


def _since(session: Session, shop_id: int) -> datetime | None:
    newest = select(IntakeRun.planned_at).where(IntakeRun.shop_id == shop_id, IntakeRun.state == "done")
    begun = session.scalar(newest.order_by(IntakeRun.planned_at.desc()).limit(1))
    return begun - OVERLAP if begun else None


def plan(session: Session, run: IntakeRun, wait: timedelta = timedelta()) -> None:
    """Have the run carried on, now or later, behind everything that is live."""
    run.due_at = clock.wall_now() + wait
    jobs.enqueue(
        session,
        "intake.advance",
        {"shop_id": run.shop_id, "run_id": run.id},
        queueing_lock=f"intake.advance:{run.shop_id}:{run.id}",
        priority=-10,
        run_at=run.due_at if wait else None,
    )


def held(session: Session, seen: IntakeRun) -> IntakeRun:
    """The run's row, locked, while it is still where it was `seen`. Raises Superseded."""
    run = session.get(IntakeRun, (seen.shop_id, seen.id), with_for_update=True, populate_existing=True)
    if run is None or place(run) != place(seen):
        raise Superseded
    return run


# The stage that reads what another one works on.
_READ_BY = {
    "take_products": "products",
    "compare": "orders",
    "refunds": "orders",
    "take": "orders",
    "recheck": "orders",
}


class Lost(Exception):
    """What the run had read is not there any more."""


def staged(session: Session, seen: IntakeRun) -> IntakeRun:
    """The run's row, locked, with its staging at hand. Raises Superseded, and Lost after a crash of PostgreSQL."""
    run = held(session, seen)
    if not staging.survived(session, run.id):
        raise Lost
    return run


def rewind(session: Session, seen: IntakeRun) -> None:
    """Read again what was lost; what was taken in already will be found the same."""
    run = held(session, seen)
    run.stage = _READ_BY.get(run.stage, run.stage)
    restart(run)


def place(run: IntakeRun) -> tuple[Any, ...]:
    """Where a run is."""
    return (run.state, run.stage, run.position, run.attempt, run.operation_id)


def count(run: IntakeRun, **more: int) -> None:
    """Add to what the run has found."""
    run.counts = {**run.counts, **{name: run.counts.get(name, 0) + n for name, n in more.items()}}


def next_stage(session: Session, run: IntakeRun) -> None:
    """Go on to the stage after this one; after the last one the run is over and its staging goes."""
    stages = STAGES[run.kind]
    following = stages[stages.index(run.stage) + 1 :]
    run.position, run.attempt, run.operation_id, run.asked_at = 0, 0, None, None
    if following:
        run.stage = following[0]
    else:
        finish(session, run, "done")


def restart(run: IntakeRun, *, bare: bool = False) -> None:
    """Run the stage's bulk operation anew."""
    run.position, run.operation_id, run.asked_at = 0, None, None
    run.attempt += 1
    run.bare = run.bare or bare


def finish(session: Session, run: IntakeRun, state: str, error: str | None = None) -> None:
    """The run is over."""
    run.state, run.error, run.finished_at, run.due_at = state, error, clock.now(), None
    staging.drop(session, run.id)
    if run.kind == IMPORT:
        dirty.note_shop(session, run.shop_id)


_LOST = text("""
select r.shop_id, r.id from intake_runs r join shops s on s.id = r.shop_id and s.state = 'installed'
where r.finished_at is null and r.due_at < :before order by r.due_at
""")


def plan_lost(session: Session, before: datetime) -> int:
    """Plan the open runs whose job must have been lost; returns how many."""
    found = session.execute(_LOST, {"before": before}).all()
    for key in found:
        plan(session, session.get_one(IntakeRun, tuple(key)))
    return len(found)


_OF_OPERATION = text("""
select shop_id, id from intake_runs where shop_id = :shop_id and operation_id = :operation and finished_at is null
""")


def operation_ended(session: Session, shop_id: int, operation_id: str) -> None:
    """Shopify says that a bulk operation is over: no need to wait for the next look at it."""
    for key in session.execute(_OF_OPERATION, {"shop_id": shop_id, "operation": operation_id}).all():
        plan(session, session.get_one(IntakeRun, tuple(key)))
