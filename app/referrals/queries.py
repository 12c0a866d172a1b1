"""What came of referrals: one by one, and in sums. Reads only; called by the API and the admin.

States: `waiting` (the order is not paid, or its points cannot be spent yet), `rewarded`, `reversed` (what was or would
have been rewarded is gone with the order: cancelled, deleted, refunded), `refused` (`reason` says why). They follow
from the order and from what the ledger holds, so that no list can say something else than a balance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.loyalty.programs import default_program

STATES = ("waiting", "rewarded", "reversed", "refused")
UNPAID, NO_REWARD = "unpaid", "no_reward"

_LOT = """
left join lots {name} on {name}.shop_id = r.shop_id and {name}.program_id = :program
    and {name}.account_id = {account} and {name}.source_kind = 'referral'
    and {name}.source_id = r.order_id || '\\:{side}'
"""
# Not `coalesce`: PostgreSQL takes that for something that may tell what rows behind the wall hold, and uses no index.
_ADVOCATE = "case when p.merged_into is null then p.id else p.merged_into end"
_STATED = f"""
select r.order_id, o.name as order_name, coalesce(o.processed_at, o.created_at, o.updated_at) as ordered_at,
       r.code, r.matched_by, {_ADVOCATE} as advocate_account, o.account_id as friend_account,
       coalesce(a.granted, 0) as advocate_points, coalesce(f.granted, 0) as friend_points,
       greatest(a.available_at, f.available_at) as available_at, o.current_total_minor as revenue_minor, o.currency,
       case when r.refused is not null then 'refused'
            when coalesce(a.granted, 0) + coalesce(f.granted, 0) > 0 then
                case when greatest(a.available_at, f.available_at) > :now then 'waiting' else 'rewarded' end
            when gone.why is not null then 'reversed'
            when not o.paid then 'waiting'
            else 'refused' end as state,
       coalesce(r.refused, case when coalesce(a.granted, 0) + coalesce(f.granted, 0) > 0 then null
                                when gone.why is not null then gone.why
                                when not o.paid then '{UNPAID}' else '{NO_REWARD}' end) as reason
from referrals r
join orders o on o.shop_id = r.shop_id and o.id = r.order_id
join accounts p on p.shop_id = r.shop_id and p.id = r.advocate_account_id
{_LOT.format(name="a", account=_ADVOCATE, side="advocate")}
{_LOT.format(name="f", account="o.account_id", side="friend")}
cross join lateral (
    select case when o.deleted_at is not null then 'deleted' when o.cancelled_at is not null then 'cancelled'
                when exists (select from refunds b where b.shop_id = o.shop_id and b.order_id = o.id)
                    or o.financial_status in ('refunded', 'partially_refunded') then 'refunded' end as why
) gone
where r.shop_id = :shop
"""  # noqa: S608 - constants of this module
# Cut off first: who they are is looked up of those that are shown.
_LIST = text(f"""
select s.*, advocate.customer_id as advocate_customer, friend.customer_id as friend_customer
from (
    select s.* from ({_STATED} and (cast(:before as bigint) is null or r.order_id < :before)
      and (cast(:least as bigint) is null or r.order_id >= :least)
      and (cast(:account as bigint) is null or r.advocate_account_id in (
          select id from accounts where shop_id = :shop and id = :account
          union all select id from accounts where shop_id = :shop and merged_into = :account))) s
    where cast(:state as text) is null or s.state = :state
    order by s.order_id desc limit :limit
) s
left join lateral (
    select min(i.value::bigint) as customer_id from identities i
    where i.shop_id = :shop and i.account_id = s.advocate_account and i.kind = 'customer'
) advocate on true
left join lateral (
    select min(i.value::bigint) as customer_id from identities i
    where i.shop_id = :shop and i.account_id = s.friend_account and i.kind = 'customer'
) friend on true
order by s.order_id desc
""")  # noqa: S608 - constants of this module


def listed(
    session: Session,
    shop_id: int,
    *,
    state: str | None = None,
    account: int | None = None,
    before: int | None = None,
    least: int | None = None,
    limit: int = 50,
) -> Sequence[Any]:
    """Referrals by the ids of their orders, newest first, from `least` to `before`; of one advocate's `account`, in one
    state. What is in no state's index is looked for from the newest on: `least` says how far."""
    asked = {"state": state, "account": account, "before": before, "least": least, "limit": limit}
    return session.execute(_LIST, _asked(session, shop_id) | asked).all()


_REACH = text("""
select order_id from referrals
where shop_id = :shop and (cast(:before as bigint) is null or order_id < :before)
order by order_id desc offset :number - 1 limit 1
""")


def reach(session: Session, shop_id: int, *, before: int | None, number: int) -> int | None:
    """The order of the last of so many referrals before another one; None when there are fewer."""
    found: int | None = session.scalar(_REACH, {"shop": shop_id, "before": before, "number": number})
    return found


@dataclass(frozen=True)
class Statistics:
    """Sums over a shop, or over one member. Revenue: what their orders come to now, in minor units, after refunds."""

    links: int
    links_used: int
    sign_ups: int
    orders: dict[str, int]
    revenue_minor: int
    advocate_points: int
    friend_points: int
    refused: dict[str, int]


_SUMS = text(f"""
select s.state, s.reason, count(*) as orders, coalesce(sum(s.advocate_points), 0)::bigint as advocate_points,
       coalesce(sum(s.friend_points), 0)::bigint as friend_points,
       coalesce(sum(s.revenue_minor) filter (where s.state in ('waiting', 'rewarded') and s.reason is null), 0)::bigint
           as revenue_minor
from ({_STATED}) s group by s.state, s.reason
""")  # noqa: S608 - constants of this module
_LINKS = text("""
with signed as (
    select c.code, count(*) as n from sign_ups s
    join referral_codes c on c.shop_id = s.shop_id and c.code = upper(s.ref)
    where s.shop_id = :shop and s.ref is not null group by c.code
), used as (
    select code from signed union select code from referrals where shop_id = :shop
)
select (select count(*) from referral_codes where shop_id = :shop) as links, (select count(*) from used) as used,
       (select coalesce(sum(n), 0)::bigint from signed) as sign_ups
""")


def statistics(session: Session, shop_id: int) -> Statistics:
    """What came of a shop's links so far."""
    found = session.execute(_SUMS, _asked(session, shop_id)).all()
    links = session.execute(_LINKS, {"shop": shop_id}).one()
    return Statistics(
        links=links.links,
        links_used=links.used,
        sign_ups=links.sign_ups,
        orders={state: sum(row.orders for row in found if row.state == state) for state in STATES},
        revenue_minor=sum(row.revenue_minor for row in found),
        advocate_points=sum(row.advocate_points for row in found),
        friend_points=sum(row.friend_points for row in found),
        refused={row.reason: row.orders for row in found if row.state == "refused"},
    )


def _asked(session: Session, shop_id: int) -> dict[str, int | datetime]:
    return {"shop": shop_id, "program": default_program(session, shop_id).id, "now": clock.now()}
