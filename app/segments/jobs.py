"""Segments in the background: a sweep finds shops with something to follow, a job a shop follows it.

An event is followed within two seconds, a midnight of the shop within as many; nothing is planned on the path of a
webhook.
"""

import structlog

from app.jobs import job
from app.runtime import Runtime
from app.segments import follow as following
from app.segments import service

log = structlog.get_logger()

# Steps one job makes before other shops have their turn; the sweep comes soon.
_ROUNDS = 40


@job("segments.follow")
def follow(runtime: Runtime, *, shop_id: int) -> None:
    """Bring a shop's segments up to date, a transaction a step."""
    for _ in range(_ROUNDS):
        with runtime.database.shop(shop_id) as session:
            made = following.step(session, shop_id)
        if made.entered or made.left:
            log.info("segments followed", shop=shop_id, entered=made.entered, left=made.left)
        if not made.more:
            return


@job("segments.sweep", cron="* * * * * */2")
def sweep(runtime: Runtime) -> None:
    """Every two seconds: begin where nothing is yet, and plan a job for each shop that something happened in."""
    with runtime.database.system() as session:
        service.wake_due(session)
