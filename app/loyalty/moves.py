"""Points that follow a person when two customers become one.

Points earned by orders and actions move by themselves: they belong to the other account now, and the fold posts both
sides. What was adjusted, imported, redeemed or has expired under the absorbed account is a fact and stays where it was
posted; a pair of entries carries its sum over. Their target is that sum, so the pair is right whatever arrives later,
and in whatever order.
"""

from collections import defaultdict
from collections.abc import Sequence

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.loyalty import ledger
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import Source

# Entry kinds that stay with the account they were posted to, and the kind that carries them.
_CARRIERS = {
    "adjustment": "moved",
    "import": "moved",
    "redemption": "moved_spending",
    "expiry": "moved_spending",
    "forgiven": "moved_spending",
}

_ABSORBED = """
with wanted as (
    select * from jsonb_to_recordset(cast(:holders as jsonb)) as h(shop_id bigint, program_id bigint, account_id bigint)
), roots as (
    select w.shop_id, w.program_id, coalesce(a.merged_into, a.id) as id
    from wanted w join accounts a on a.shop_id = w.shop_id and a.id = w.account_id
), absorbed as (
    select distinct r.shop_id, r.program_id, a.id, r.id as root
    from roots r join accounts a on a.shop_id = r.shop_id and a.merged_into = r.id
)
"""
_FACTS = text(
    _ABSORBED
    + """
select a.shop_id, a.program_id, a.id, a.root, e.source_kind as kind, sum(e.points)::bigint as points
from absorbed a
join ledger_entries e on e.shop_id = a.shop_id and e.program_id = a.program_id and e.account_id = a.id
where e.source_kind = any(:kinds)
group by 1, 2, 3, 4, 5
"""
)
_CARRIED = text(
    _ABSORBED
    + """
select a.shop_id, a.program_id, a.id, m.id as at_account, e.source_kind as carrier, sum(e.points)::bigint as points
from absorbed a
join accounts m on m.shop_id = a.shop_id and (m.id = a.root or m.merged_into = a.root)
join ledger_entries e on e.shop_id = a.shop_id and e.program_id = a.program_id and e.account_id = m.id
    and e.source_kind = any(:carriers) and e.source_id = a.id::text
group by 1, 2, 3, 4, 5
"""
)


def carry_over(session: Session, holders: Sequence[Holder]) -> int:
    """Post what is missing for every account that these absorbed or were absorbed by; returns the number of entries."""
    missing = _missing(session, orjson.dumps([holder._asdict() for holder in holders]).decode())
    now = clock.now()
    postings = [
        Posting(holder=holder, source=source, points=points, reason="account_merged", business_at=now)
        for (holder, source), points in sorted(missing.items())
        if points
    ]
    ledger.lock_balances(session, {posting.holder for posting in postings})
    ledger.post(session, postings)
    return len(postings)


def _missing(session: Session, holders: str) -> dict[tuple[Holder, Source], int]:
    """For each account of a group and each absorbed one: minus its facts there, plus them at the root, 0 elsewhere."""
    missing: dict[tuple[Holder, Source], int] = defaultdict(int)
    for row in session.execute(_FACTS, {"holders": holders, "kinds": list(_CARRIERS)}):
        source = Source(_CARRIERS[row.kind], str(row.id))
        missing[Holder(row.shop_id, row.program_id, row.id), source] -= row.points
        missing[Holder(row.shop_id, row.program_id, row.root), source] += row.points
    for row in session.execute(_CARRIED, {"holders": holders, "carriers": list(_CARRIERS.values())}):
        missing[Holder(row.shop_id, row.program_id, row.at_account), Source(row.carrier, str(row.id))] -= row.points
    return missing
