"""What follows from imported orders: of some at once, of all accounts together at the end.

Orders of before the installation earn nothing as yet, so most accounts only get their totals. Points can follow for
those alone who did something here already, or in a shop whose merchant has chosen that history counts.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.changes import Changes, Key
from app.intake.models import IntakeRun
from app.orders import totals
from app.reactions import react
from app.sql import keys

BATCH = 5_000

_WITH_OUR_CODES = text("""
select distinct o.id, o.account_id
from jsonb_to_recordset(cast(:orders as jsonb)) as k(shop_id bigint, id bigint)
join order_codes c on c.shop_id = k.shop_id and c.order_id = k.id
join discount_codes d on d.shop_id = c.shop_id and d.code = c.code
join orders o on o.shop_id = k.shop_id and o.id = k.id
where k.shop_id = :shop_id
""")


def urgent(session: Session, run: IntakeRun, changes: Changes) -> Changes:
    """Of a batch of an import: orders that used a code of ours, which would be given back or withdrawn otherwise."""
    found = session.execute(_WITH_OUR_CODES, {"orders": keys(changes.orders), "shop_id": run.shop_id}).all()
    return Changes(
        orders={(run.shop_id, row.id) for row in found},
        accounts={(run.shop_id, row.account_id) for row in found if row.account_id},
    )


_ASKED_TO_FORGET = text("select exists (select from privacy_requests where shop_id = :shop_id)")


def to_forget(session: Session, run: IntakeRun, changes: Changes) -> set[Key]:
    """Of a batch of an import: orders that may name somebody who was forgotten; none in most shops."""
    asked = session.scalar(_ASKED_TO_FORGET, {"shop_id": run.shop_id})
    return set(changes.orders) if asked else set()


_NEXT = text("""
select a.id, :history
    or exists (select from orders o where o.shop_id = a.shop_id and o.account_id = a.id and not o.imported)
    or exists (select from actions d where d.shop_id = a.shop_id and d.account_id = a.id)
    or exists (select from programs p join balances b on b.shop_id = p.shop_id and b.program_id = p.id
               where p.shop_id = a.shop_id and b.account_id = a.id) as lives
from accounts a
where a.shop_id = :shop_id and a.id > :after and a.merged_into is null
order by a.id limit :batch
""")
_HISTORY = text("select exists (select from programs where shop_id = :shop_id and history_chosen_at is not null)")


def settle_accounts(session: Session, shop_id: int, after: int) -> int | None:
    """Totals of the next accounts, and the points of those who may have any; returns the last one's id."""
    history = bool(session.scalar(_HISTORY, {"shop_id": shop_id}))
    parameters = {"shop_id": shop_id, "after": after, "batch": BATCH, "history": history}
    found = session.execute(_NEXT, parameters).all()
    if not found:
        return None
    lives = {(shop_id, row.id) for row in found if row.lives}
    totals.compute(session, {(shop_id, row.id) for row in found if not row.lives})
    react(session, Changes(accounts=lives))
    return int(found[-1].id)
