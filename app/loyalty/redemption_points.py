"""The entries of a redemption after its hold: points that come back, or are taken again. For outcomes and returns.

They are written where the hold was written, on the account that redeemed; if that account was absorbed since, its
points are carried over to the one that took it over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.loyalty import expiry, ledger, moves
from app.loyalty.dates import after_days
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import Source
from app.loyalty.programs import zone_of
from app.sql import rows

PURPOSE = "redemption"


@dataclass(frozen=True, kw_only=True)
class Change:
    """Points of a redemption that come back (positive) or are taken again; `keep_until` as for postings."""

    holder: Holder
    redemption_id: str
    points: int
    reason: str
    business_at: datetime
    keep_until: datetime | None = None


def post(session: Session, changes: Sequence[Change]) -> None:
    """Write the entries. It locks the balances; whoever locks codes or redemptions does that with `lock` before."""
    if not changes:
        return
    holders = sorted({change.holder for change in changes})
    lock(session, holders)
    lots = ledger.load_needed(session, [(change.holder, Source(PURPOSE, change.redemption_id)) for change in changes])
    expiry.expire(session, holders, clock.now(), lots)
    ledger.post(
        session,
        [
            Posting(
                holder=change.holder,
                source=Source(PURPOSE, change.redemption_id),
                points=change.points,
                reason=change.reason,
                business_at=change.business_at,
                keep_until=change.keep_until,
            )
            for change in changes
        ],
        lots,
    )
    moves.carry_over(session, holders)


_ROOTS = text("""
select a.shop_id, h.program_id, a.merged_into
from jsonb_to_recordset(cast(:holders as jsonb)) as h(shop_id bigint, program_id bigint, account_id bigint)
join accounts a on a.shop_id = h.shop_id and a.id = h.account_id
where a.merged_into is not null
""")


def lock(session: Session, holders: Iterable[Holder]) -> None:
    """Lock the balances of these accounts and of those that took them over, in the one order of locks."""
    wanted = set(holders)
    merged = session.execute(_ROOTS, {"holders": rows(holder._asdict() for holder in sorted(wanted))})
    ledger.lock_balances(session, wanted | {Holder(row.shop_id, row.program_id, row.merged_into) for row in merged})


_TERMS = text("""
select p.return_days, s.timezone from programs p join shops s on s.id = p.shop_id
where p.shop_id = :shop_id and p.id = :program_id
""")


def kept_until(session: Session, holder: Holder, now: datetime) -> datetime:
    """Until when points that return to an account now live at least."""
    terms: Any = session.execute(_TERMS, {"shop_id": holder.shop_id, "program_id": holder.program_id}).one()
    return keep_until(now, terms.return_days, terms.timezone)


def keep_until(now: datetime, days: int, zone: str) -> datetime:
    """The end of so many whole days of the shop; of none, a moment that changes nothing."""
    return after_days(now, days, zone_of(zone)) if days else now - timedelta(microseconds=1)
