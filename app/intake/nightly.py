"""When runs begin by themselves: after an installation, every night, and on the return of a shop that had left."""

from datetime import timedelta

import structlog
from sqlalchemy import text

from app import clock
from app.intake import service, staging
from app.jobs import job
from app.runtime import Runtime

log = structlog.get_logger()

LOST_AFTER = timedelta(minutes=3)
# The shops of a night are spread over it.
NIGHT = timedelta(hours=4)

# A shop that has left is compared when it returns: its run is open from now on, and waits.
_TO_BEGIN = text("""
select s.id, s.state = 'installed' as installed from shops s
where not exists (select from intake_runs r where r.shop_id = s.id and r.finished_at is null)
    and (s.state = 'installed') <> exists (select from intake_runs r where r.shop_id = s.id)
order by s.id
""")
# A shop whose import came to nothing gets another one instead. Everything is compared once a week: only so are
# deletions found of which we were not told.
WEEK = timedelta(days=6, hours=12)
_INSTALLED = text("""
select s.id, exists (select from intake_runs r where r.shop_id = s.id and r.state = 'done') as imported,
    not exists (select from intake_runs r where r.shop_id = s.id and r.state = 'done' and r.since is null
                and r.planned_at > :week_ago) as due
from shops s where s.state = 'installed' order by s.id
""")


@job("intake.sweep", cron="* * * * * 20")
def sweep(runtime: Runtime) -> None:
    """Every minute: runs that have to begin, those whose job was lost, and what erased shops have left behind."""
    with runtime.database.system() as session:
        for shop in session.execute(_TO_BEGIN).all():
            kind = service.IMPORT if shop.installed else service.RECONCILE
            service.begin(session, shop.id, kind, everything=shop.installed)
        service.plan_lost(session, clock.wall_now() - LOST_AFTER)
        staging.drop_orphans(session)


@job("intake.reconcile_all", cron="11 1 * * * 0")
def reconcile_all(runtime: Runtime) -> None:
    """Every night: compare what changed in each shop, once a week everything."""
    with runtime.database.system() as session:
        shops = session.execute(_INSTALLED, {"week_ago": clock.now() - WEEK}).all()
        for place, shop in enumerate(shops):
            kind, wait = service.RECONCILE if shop.imported else service.IMPORT, NIGHT * place / len(shops)
            service.begin(session, shop.id, kind, everything=shop.due, wait=wait)
    log.info("reconciliations planned", shops=len(shops))
