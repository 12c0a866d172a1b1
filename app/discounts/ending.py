"""Taking back codes whose time is over, so that what was paid for them returns. Called by the sweep, for all shops.

Shopify lets no code be used after its `endsAt`, which is the same instant. It is withdrawn there all the same, because
the answer tells whether somebody used it before. An order that is told of later still counts (`use`).
"""

from collections import defaultdict

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.discounts.outcomes import OWNERS

# Codes at a time; the sweep comes again after seconds.
STEP = 500
_WITHDRAW = text("""
update discount_codes d set state = 'revoking', attempts = 0, due_at = :due
from (
    select shop_id, code from discount_codes where state = 'issued' and ends_at <= :now
    order by ends_at limit :step for update skip locked
) over
where d.shop_id = over.shop_id and d.code = over.code
returning d.shop_id, d.purpose, d.intent_id
""")


def withdraw_ended(session: Session, step: int = STEP) -> int:
    """Plan that ended codes are made useless, and tell their owners; needs a system session. Returns how many."""
    found = session.execute(_WITHDRAW, {"now": clock.now(), "due": clock.wall_now(), "step": step}).all()
    by_purpose: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in found:
        by_purpose[row.purpose].append((row.shop_id, row.intent_id))
    for purpose, intents in by_purpose.items():
        OWNERS[purpose].ended(session, intents)
    return len(found)
