"""Forgetting: bodies a month after their event was done, receipts a year later, in steps that disturb nobody.

A body is needed to replay or explain an event; the receipt (ids, times, outcome) proves that it came and keeps later
duplicates away. Parked events keep their body until a person has dealt with them.
"""

import time
from datetime import timedelta

import structlog
from sqlalchemy import TextClause, text

from app import clock
from app.jobs import job
from app.runtime import Runtime

log = structlog.get_logger()

KEEP_BODIES = timedelta(days=30)
KEEP_RECEIPTS = timedelta(days=400)
# Rows a transaction, and the rest between two of them: a step holds its locks for some milliseconds.
STEP = 1_000
_REST_SECONDS = 0.05

# Each goes along a partial index that holds just the rows that it has still to deal with.
_FORGET_BODIES = text("""
with old as (
    select shop_id, id from inbox_events
    where body is not null and state in ('done', 'ignored') and finished_at < :before
    order by finished_at limit :step for update skip locked
)
update inbox_events e set body = null from old where e.shop_id = old.shop_id and e.id = old.id
returning e.id
""")
_DELETE_RECEIPTS = text("""
with old as (
    select shop_id, id from inbox_events
    where body is null and state in ('done', 'ignored') and finished_at < :before
    order by finished_at limit :step for update skip locked
)
delete from inbox_events e using old where e.shop_id = old.shop_id and e.id = old.id
returning e.id
""")


@job("inbox.forget", queue="care", cron="*/10 * * * * 0")
def forget(runtime: Runtime) -> None:
    """Every ten minutes: whatever is old enough by now."""
    now = clock.wall_now()
    bodies = _in_steps(runtime, _FORGET_BODIES, {"before": now - KEEP_BODIES})
    receipts = _in_steps(runtime, _DELETE_RECEIPTS, {"before": now - KEEP_RECEIPTS})
    if bodies or receipts:
        log.info("old webhooks forgotten", bodies=bodies, receipts=receipts)


def _in_steps(runtime: Runtime, statement: TextClause, parameters: dict[str, object]) -> int:
    total = 0
    while True:
        with runtime.database.system() as session:
            found = len(session.execute(statement, parameters | {"step": STEP}).all())
        total += found
        if found < STEP:
            return total
        time.sleep(_REST_SECONDS)
