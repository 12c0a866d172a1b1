"""An import is a sign of life of its accounts, where rules let points end by inactivity; an undo takes that back too.

Called with the tables of one chunk at hand, between its posting and its end. Costs nothing for other programs.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.loyalty import idleness
from app.loyalty.ledger import Holder
from app.loyalty.programs import program_rules
from app.transfer.models import BalanceImport

_ACTIVE = text("""
select c.account_id, max(c.earned_at) as active_at from import_chunk c where c.lifetime > 0 group by 1
""")
_IDLE_AT = """(
    select b.idle_at from balances b
    where b.shop_id = :shop_id and b.program_id = :program_id and b.account_id = c.account_id
)"""
_BEFORE = text(f"""
update balance_import_rows r set idle_before = {_IDLE_AT}
from import_chunk c where r.shop_id = :shop_id and r.import_id = :import_id and r.row = c.row
""")  # noqa: S608 - a constant of this module
_MADE = text(f"""
update balance_import_rows r set idle_made = {_IDLE_AT}
from import_chunk c where r.shop_id = :shop_id and r.import_id = :import_id and r.row = c.row
    and r.idle_before is distinct from {_IDLE_AT}
""")  # noqa: S608 - a constant of this module
# Only where nothing has happened since.
_PUT_BACK = text("""
update balances b set idle_at = c.idle_before
from (select distinct on (account_id) account_id, idle_before, idle_made from undo_chunk
      where idle_made is not null order by account_id, row) c
where b.shop_id = :shop_id and b.program_id = :program_id and b.account_id = c.account_id and b.idle_at = c.idle_made
""")


def renew(session: Session, imported: BalanceImport) -> None:
    """Move the ends of idleness of a chunk's accounts, and remember what they were."""
    if not idleness.knows_idleness(program_rules(session, [imported.shop_id])[imported.shop_id]):
        return
    session.execute(_BEFORE, _key(imported))
    active = {
        Holder(imported.shop_id, imported.program_id, row.account_id): row.active_at for row in session.execute(_ACTIVE)
    }
    idleness.renew(session, active)
    session.execute(_MADE, _key(imported))


def put_back(session: Session, imported: BalanceImport) -> None:
    """The ends of idleness as they were before the chunk."""
    session.execute(_PUT_BACK, _key(imported))


def _key(imported: BalanceImport) -> dict[str, object]:
    return {"shop_id": imported.shop_id, "program_id": imported.program_id, "import_id": imported.id}
