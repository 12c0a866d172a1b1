"""What will be told: points that are about to expire, written down as events once for each lot, end and distance.

Every hour, over all shops. A program says how many days before (`programs.notice_days`); a lot is due for a distance
during some days after that moment, so that an outage of a weekend loses nothing and short-lived points are not
announced at a distance that they never had. Only what can be spent and still remains is told. Campaigns read the events
by their id and ask `standing.coming_expiries` again before they speak: points may have been spent meanwhile.
"""

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.jobs import job
from app.runtime import Runtime

log = structlog.get_logger()

COMING = "expiry_coming"
STEP = 2_000
# For so many days after its moment a notice is still written, if the machine was away at the moment itself.
LATE_DAYS = 3

# One row for each lot with an end of its own; one for all that ends with an account's idleness.
_ANNOUNCE = text("""
with distance as (
    select p.shop_id, p.id as program_id, d.days, :now + d.days * interval '1 day' as until,
           greatest(:now, :now + (d.days - :late) * interval '1 day') as since
    from programs p cross join lateral unnest(p.notice_days) as d(days)
), due as (
    select d.shop_id, d.program_id, l.account_id, l.source_kind || ':' || l.source_id as subject,
           l.expires_at as due_at, d.days, l.remaining as points
    from distance d join lots l on l.shop_id = d.shop_id and l.program_id = d.program_id
        and l.remaining > 0 and l.expires_at > d.since and l.expires_at <= d.until and l.available_at <= :now
    union all
    select d.shop_id, d.program_id, b.account_id, 'idle', b.idle_at, d.days, sum(l.remaining)::bigint
    from distance d join balances b on b.shop_id = d.shop_id and b.program_id = d.program_id
        and b.idle_at > d.since and b.idle_at <= d.until
    join lots l on l.shop_id = b.shop_id and l.program_id = b.program_id and l.account_id = b.account_id
        and l.remaining > 0 and l.expires_at is null and l.available_at <= :now
    group by d.shop_id, d.program_id, b.account_id, b.idle_at, d.days
)
insert into loyalty_events (shop_id, program_id, account_id, kind, subject, due_at, days, points, recorded_at)
select shop_id, program_id, account_id, :kind, subject, due_at, days, points, :now
from due
where not exists (
    select 1 from loyalty_events e
    where e.shop_id = due.shop_id and e.program_id = due.program_id and e.account_id = due.account_id
        and e.kind = :kind and e.subject = due.subject and e.due_at = due.due_at and e.days = due.days)
order by due_at limit :step
on conflict on constraint loyalty_events_once_key do nothing
returning id
""")


@job("points.announce", queue="care", cron="5 * * * * 0")
def announce_due(runtime: Runtime) -> None:
    """Every hour: whatever is to be told by now."""
    written = 0
    while True:
        with runtime.database.system() as session:
            found = announce(session)
        written += found
        if not found:
            break
    if written:
        log.info("coming expiries noted", events=written)


def announce(session: Session, *, step: int = STEP) -> int:
    """Write one step of the events that are due, of all shops: needs a system session. Returns how many."""
    parameters = {"now": clock.now(), "late": LATE_DAYS, "kind": COMING, "step": step}
    return len(session.execute(_ANNOUNCE, parameters).all())
