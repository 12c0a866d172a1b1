"""The sweep: points that are over are posted as expired, and debts are written off where a program forgives them.

Every minute, over all shops, in steps of some hundred accounts and a transaction each. A step takes only accounts whose
balance nobody holds, so that several workers share the work and nobody waits for anybody; a killed step leaves nothing.
What has expired follows from the lots as they stand under the lock, and posting it empties them: sweeping again posts
nothing. Nothing goes before its instant, and from that instant on nothing can be spent, swept or not
(`AccountLots.available`).

Whoever posts for an account by itself (redemptions, returns, adjustments) calls `expire` first, under its own locks.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.jobs import job
from app.loyalty import ledger
from app.loyalty.lots import OWED, AccountLots, Holder, forgiven_of
from app.runtime import Runtime
from app.sql import rows

log = structlog.get_logger()

JOB = "points.expire"
# Accounts a transaction, and the rest between two of them.
STEP = 500
_REST_SECONDS = 0.02
# Debts of spending are forgiven. A merchant who takes points by hand below zero means it.
_FORGIVABLE = frozenset({"redemption", "moved_spending"})

_DUE = text("""
with due as (
    select p.shop_id, p.id as program_id, found.account_id
    from programs p cross join lateral (
        (select l.account_id from lots l
         where l.shop_id = p.shop_id and l.program_id = p.id and l.remaining > 0 and l.expires_at <= :now
         order by l.expires_at limit :step)
        union
        (select b.account_id from balances b
         where b.shop_id = p.shop_id and b.program_id = p.id and b.idle_at <= :now
         order by b.idle_at limit :step)
        union
        (select u.account_id from lot_uses u
         where p.forgives_debts and u.shop_id = p.shop_id and u.lot_id = 0 and u.program_id = p.id
             and u.source_kind in ('redemption', 'moved_spending')
         limit :step)
    ) found
)
select b.shop_id, b.program_id, b.account_id, p.forgives_debts
from due join balances b using (shop_id, program_id, account_id)
join programs p on p.shop_id = b.shop_id and p.id = b.program_id
order by b.shop_id, b.program_id, b.account_id limit :step
for update of b skip locked
""")
_RESTED = text("""
update balances b set idle_at = null
from jsonb_to_recordset(cast(:holders as jsonb)) as h(shop_id bigint, program_id bigint, account_id bigint)
where (b.shop_id, b.program_id, b.account_id) = (h.shop_id, h.program_id, h.account_id) and b.idle_at <= :now
""")


@job(JOB, queue="care", cron="* * * * * 0")
def sweep_due(runtime: Runtime) -> None:
    """Every minute: whatever is over by now, in steps until nothing is left."""
    swept = 0
    # A step that is not full has not seen everything: it looks at so many lots, and an account has several.
    while found := _step(runtime):
        swept += found
        time.sleep(_REST_SECONDS)
    if swept:
        log.info("points expired", accounts=swept)


def _step(runtime: Runtime) -> int:
    with runtime.database.system() as session:
        return sweep(session, step=STEP)


def sweep(session: Session, *, at: datetime | None = None, step: int = STEP) -> int:
    """One step of the sweep, of all shops: needs a system session. Returns how many accounts it took on."""
    now = at or clock.now()
    due = session.execute(_DUE, {"now": now, "step": step}).all()
    forgiving = {Holder(row.shop_id, row.program_id, row.account_id): bool(row.forgives_debts) for row in due}
    if not forgiving:
        return 0
    lots = ledger.load_lots(session, forgiving)
    expire(session, forgiving, now, lots)
    ledger.post(session, _forgiven([holder for holder, yes in forgiving.items() if yes], lots, now), lots)
    session.execute(_RESTED, {"holders": rows(holder._asdict() for holder in forgiving), "now": now})
    return len(forgiving)


def expire(session: Session, holders: Iterable[Holder], at: datetime, lots: Mapping[Holder, AccountLots]) -> int:
    """Post what of these accounts is over by an instant; returns the points that went.

    The caller holds the locks and has loaded `lots` since; they are brought up to date.
    """
    postings = [posting for holder in holders for posting in ledger.expiry_postings(holder, lots[holder], at)]
    ledger.post(session, postings, lots)
    return -sum(posting.points for posting in postings)


def _forgiven(holders: Iterable[Holder], lots: Mapping[Holder, AccountLots], now: datetime) -> list[ledger.Posting]:
    """What each spending source owes comes as points of its own, named by it, which it uses up at once."""
    return [
        ledger.Posting(
            holder=holder,
            source=forgiven_of(user),
            points=held[OWED],
            reason="debt_forgiven",
            business_at=now,
        )
        for holder in holders
        for user, held in sorted(lots[holder].uses.items())
        if user.kind in _FORGIVABLE and OWED in held
    ]
