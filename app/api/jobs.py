"""What the API leaves to the worker: forgetting kept answers in time, posting imports, taking them back."""

from datetime import timedelta

from app import clock
from app.api import queries
from app.errors import Conflict
from app.jobs import job
from app.runtime import Runtime
from app.transfer import balances

KEPT_FOR = timedelta(days=30)


@job("api.forget_answers", cron="17 3 * * * 0")
def forget_answers(runtime: Runtime) -> None:
    """Delete answers that nobody will ask for again, once a day."""
    with runtime.database.system() as session:
        queries.delete_answers_before(session, clock.wall_now() - KEPT_FOR)


@job("imports.carry_on")
def carry_import_on(runtime: Runtime, *, shop_id: int, import_id: str) -> None:
    """Post the rows of an import of balances in steps; after an interruption it goes on."""
    balances.carry_on(runtime.database, shop_id, import_id)


@job("imports.take_back")
def take_import_back(runtime: Runtime, *, shop_id: int, import_id: str, actor: str) -> None:
    """Undo an import of balances in steps; after an interruption it goes on."""
    try:
        balances.take_back(runtime.database, shop_id, import_id, actor=actor)
    except Conflict:
        return  # undone meanwhile: the job ran before, or the command line was quicker
