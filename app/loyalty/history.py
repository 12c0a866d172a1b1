"""The choice about history: imported orders earn nothing until the merchant has seen their worth and has chosen.

The choice is made once. Until something was posted for imported orders it can be made anew.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.audit.service import record
from app.errors import Conflict, Unprocessable
from app.loyalty import settlement
from app.loyalty.models import Program
from app.loyalty.program_changes import locked_program

_POSTED = text("""
select exists (
    select from orders o
    join ledger_entries e on e.shop_id = o.shop_id and e.program_id = :program_id and e.account_id = o.account_id
        and e.source_kind = 'order' and e.source_id = o.id::text
    where o.shop_id = :shop_id and o.imported
)
""")


def choose(
    session: Session, shop_id: int, program_id: int, since: datetime | None, *, none: bool = False, actor: str
) -> Program:
    """Let imported orders from `since` on earn (None: all of them), or `none` of those that are here by now.

    Points follow in steps (`app.loyalty.settlement`). Raises NotFound, Conflict when an earlier choice has had an
    effect, Unprocessable for an instant to come.
    """
    program = locked_program(session, shop_id, program_id)
    now = clock.now()
    if since is not None and since > now:
        raise Unprocessable("History ends now: choose an instant that has passed.", kind="future-instant")
    if program.history_chosen_at is not None and is_posted(session, program):
        raise Conflict("Points were given by the choice that was made before.", kind="history-chosen")
    before = _shown(program)
    # An order that is placed from now on, and imported later, is no history.
    program.history_chosen_at, program.history_from = now, now if none else since
    settlement.plan(session, shop_id, why=settlement.HISTORY, since=program.history_from)
    record(
        session,
        shop_id,
        actor=actor,
        what="history.chosen",
        subject=f"program:{program_id}",
        before=before,
        after=_shown(program),
    )
    return program


def is_posted(session: Session, program: Program) -> bool:
    """Whether an imported order has entries."""
    return bool(session.scalar(_POSTED, {"shop_id": program.shop_id, "program_id": program.id}))


def _shown(program: Program) -> dict[str, str | None]:
    instants = {"history_chosen_at": program.history_chosen_at, "history_from": program.history_from}
    return {name: instant.isoformat() if instant else None for name, instant in instants.items()}
