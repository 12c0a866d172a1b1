"""When runs begin by themselves: after an installation, every night, and on the return of a shop that had left."""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.intake import service
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
_INSTALLED = text("select id from shops where state = 'installed' order by id")


@job("intake.sweep", cron="* * * * * 20")
def sweep(runtime: Runtime) -> None:
    """Every minute: runs that have to begin, and those whose job was lost."""
    with runtime.database.system() as session:
        for shop in session.execute(_TO_BEGIN).all():
            kind = service.IMPORT if shop.installed else service.RECONCILE
            service.begin(session, shop.id, kind, everything=shop.installed)
        service.plan_lost(session, clock.wall_now() - LOST_AFTER)


@job("intake.reconcile_all", cron="11 1 * * * 0")
def reconcile_all(runtime: Runtime) -> None:
    """Every night: compare what changed in each shop."""
    with runtime.database.system() as session:
        shops = session.execute(_INSTALLED).scalars().all()
        begun = sum(_begin(session, shops, place) for place in range(len(shops)))
    log.info("reconciliations planned", shops=begun)


def _begin(session: Session, shops: Sequence[int], place: int) -> bool:
    wait = NIGHT * place / len(shops)
    return service.begin(session, shops[place], service.RECONCILE, everything=False, wait=wait) is not None
