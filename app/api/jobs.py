"""Housekeeping of the API: answers are kept for repeated requests as long as the documentation promises."""

from datetime import timedelta

from app import clock
from app.api import queries
from app.jobs import job
from app.runtime import Runtime

KEPT_FOR = timedelta(days=30)


@job("api.forget_answers", cron="17 3 * * * 0")
def forget_answers(runtime: Runtime) -> None:
    """Delete answers that nobody will ask for again, once a day."""
    with runtime.database.system() as session:
        queries.delete_answers_before(session, clock.wall_now() - KEPT_FOR)
