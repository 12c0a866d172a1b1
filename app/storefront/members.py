"""What a member sees of their points: the value of the metafield `member`, and the answer of the proxy. Reads only.

`{"available", "pending", "next_reward": {"title", "missing"} | null, "expires": {"points", "day"} | null,
"referral_code"}`: points that are over count for nothing, as in `app.loyalty.standing`; the next reward is the
cheapest that the points available do not reach; the day is one of the shop's zone; the code is null where bringing
friends is not rewarded. One statement for all accounts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.loyalty.programs import program_rules
from app.referrals import service as referrals

# When a lot is over: its own end, or that of the account's idleness.
_END = "coalesce(l.expires_at, case when l.available_at < b.idle_at then b.idle_at end)"
_MEMBERS = text(f"""
with wanted as (select unnest(cast(:accounts as bigint[])) as account_id), held as (
    select b.account_id, l.remaining, l.available_at, {_END} as ends_at
    from wanted w join balances b on b.shop_id = :shop and b.program_id = :program and b.account_id = w.account_id
    join lots l on l.shop_id = b.shop_id and l.program_id = b.program_id and l.account_id = b.account_id
    where l.remaining > 0 and coalesce({_END} > :now, true)
), sums as (
    select account_id,
           coalesce(sum(remaining) filter (where available_at <= :now), 0)::bigint as available,
           coalesce(sum(remaining) filter (where available_at > :now), 0)::bigint as pending,
           least(min(available_at) filter (where available_at > :now), min(ends_at)) as changes_at
    from held group by account_id
), ending as (
    select distinct on (account_id) account_id, sum(remaining)::bigint as points,
           cast(ends_at at time zone s.timezone as date) as day
    from held join shops s on s.id = :shop
    where ends_at is not null group by account_id, cast(ends_at at time zone s.timezone as date)
    order by account_id, day
)
select w.account_id, coalesce(s.available, 0) as available, coalesce(s.pending, 0) as pending,
       s.changes_at, c.code, r.title, r.points - coalesce(s.available, 0) as missing, e.points as ending, e.day
from wanted w left join sums s using (account_id) left join ending e using (account_id)
left join referral_codes c on c.shop_id = :shop and c.account_id = w.account_id
left join lateral (
    select title, points from rewards
    where shop_id = :shop and program_id = :program and active and points > coalesce(s.available, 0)
    order by points, id limit 1
) r on true
""")  # noqa: S608 - a constant of this module


@dataclass(frozen=True)
class Member:
    """The value of an account, and when it changes by itself: points become available, or end."""

    value: dict[str, Any]
    changes_at: datetime | None


def members(session: Session, shop_id: int, accounts: Iterable[int]) -> dict[int, Member]:
    """Each of these accounts; one without points is a member with none."""
    program, now = program_rules(session, [shop_id])[shop_id], clock.now()
    wanted = {"shop": shop_id, "program": program.program_id, "accounts": sorted(set(accounts)), "now": now}
    linked, turn = referrals.rewards_at(program, now), referrals.next_change(program, now)
    return {
        row.account_id: Member(
            _value(row, linked=linked), min((at for at in (row.changes_at, turn) if at is not None), default=None)
        )
        for row in session.execute(_MEMBERS, wanted)
    }


def _value(row: Any, *, linked: bool) -> dict[str, Any]:
    return {
        "available": row.available,
        "pending": row.pending,
        "next_reward": {"title": row.title, "missing": row.missing} if row.title else None,
        "expires": {"points": row.ending, "day": row.day.isoformat()} if row.day else None,
        "referral_code": row.code if linked else None,
    }
