"""Settling the accounts of a whole shop anew, in bounded steps: after a choice about history, after a change of rules.

A run is a row (`SettlementRun`); its job does one step in one transaction and plans the next, so that an interrupted
worker costs one step. What is already right posts nothing, therefore running twice does no harm. The first step waits
for transactions that may have read the rules of before: accounts that those settle are settled again.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock, jobs
from app.jobs import job
from app.loyalty import service
from app.loyalty.run_models import SettlementRun
from app.runtime import Runtime

log = structlog.get_logger()

HISTORY = "history.chosen"
# Balances stay locked for a step, and shoppers wait that long.
STEP = 200
# Older transactions are waited for so long; longer ones are no settling, but backups.
PATIENCE = timedelta(minutes=1)
_LOOK_AGAIN = timedelta(seconds=1)


def plan(session: Session, shop_id: int, *, why: str, since: datetime | None) -> None:
    """Settle every account that did something from `since` on (None: ever), after this transaction."""
    run = SettlementRun(shop_id=shop_id, why=why, since=since, planned_at=clock.now(), position=0)
    session.add(run)
    session.flush()
    _enqueue(session, run)


def _enqueue(session: Session, run: SettlementRun, *, run_at: datetime | None = None, **more: str) -> None:
    lock = f"loyalty.settle_shop:{run.shop_id}:{run.id}"
    args: dict[str, int | str] = {"shop_id": run.shop_id, "run_id": run.id, **more}
    jobs.enqueue(session, "loyalty.settle_shop", args, queueing_lock=lock, run_at=run_at)


# A session whose role is another's tells nobody when its transaction began: it may be an old one.
_OLDER = text("""
select b.before::text as before, b.before > clock_timestamp() - :patience and exists (
    select from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
        and coalesce(xact_start < b.before, state is null)
) as open
from (select coalesce(cast(:before as timestamptz), clock_timestamp()) as before) b
""")


def _waits_for_older(runtime: Runtime, shop_id: int, run_id: int, open_before: str | None) -> bool:
    """Whether a transaction that was open when the run was first looked at still is; then it is looked at later.

    All that begin afterwards read what the run's plan was committed with.
    """
    with runtime.database.system() as session:
        run = session.get(SettlementRun, (shop_id, run_id))
        if run is None or run.finished_at is not None or run.position:
            return False
        found = session.execute(_OLDER, {"before": open_before, "patience": PATIENCE}).one()
        if found.open:
            _enqueue(session, run, run_at=clock.wall_now() + _LOOK_AGAIN, open_before=found.before)
        return bool(found.open)


_NEXT = text("""
select distinct account_id, coalesce(a.merged_into, a.id) as root from (
    (select distinct o.account_id from orders o
     where o.shop_id = :shop_id and o.account_id > :position and (o.imported or not :imported_only)
         and coalesce(o.processed_at, o.created_at, o.updated_at) >= coalesce(:since, '-infinity'::timestamptz)
     order by o.account_id limit :step)
    union
    (select distinct d.account_id from actions d
     where d.shop_id = :shop_id and d.account_id > :position and not :imported_only
         and d.business_at >= coalesce(:since, '-infinity'::timestamptz)
     order by d.account_id limit :step)
) found join accounts a on a.shop_id = :shop_id and a.id = found.account_id
order by account_id limit :step
""")


@job("loyalty.settle_shop")
def settle_shop(runtime: Runtime, *, shop_id: int, run_id: int, open_before: str | None = None) -> None:
    """One step of a run. `open_before`: when it was first looked at, as the database writes instants."""
    if _waits_for_older(runtime, shop_id, run_id, open_before):
        return
    with runtime.database.shop(shop_id) as session:
        run = session.get(SettlementRun, (shop_id, run_id), with_for_update=True)
        if run is None or run.finished_at is not None:
            return
        parameters = {
            "shop_id": shop_id,
            "position": run.position,
            "since": run.since,
            "imported_only": run.why == HISTORY,
            "step": STEP,
        }
        found = session.execute(_NEXT, parameters).all()
        entries = service.settle(session, {(shop_id, row.root) for row in found})
        if found:
            run.position = found[-1].account_id
            _enqueue(session, run)
        else:
            run.finished_at = clock.now()
    log.info("accounts settled anew", shop=shop_id, run=run_id, accounts=len(found), entries=entries)


_OPEN = text("""
select shop_id, id from settlement_runs where finished_at is null and planned_at <= :before order by shop_id, id
""")


@job("loyalty.continue_runs", cron="*/10 * * * * 0")
def continue_runs(runtime: Runtime) -> None:
    """Plan the next step of every open run whose job was lost; one that still waits becomes one with it."""
    with runtime.database.system() as session:
        for key in session.execute(_OPEN, {"before": clock.now() - PATIENCE}).all():
            _enqueue(session, session.get_one(SettlementRun, tuple(key)))
