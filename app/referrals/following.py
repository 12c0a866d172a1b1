"""Keeping referrals to what the projections say: which order came through whose code, and whether it counts.

Called by `app.loyalty.service.settle` for accounts whose balances are locked, so for every account that an order, a
merge or a change of a person has touched. Nothing is remembered of how it came to be known, but for codes that were
given with a link: whatever the order of deliveries, the same rows stand at the end.

What an order counts for is decided under the lock of its advocate's balance. Whoever decides about a friend's order
takes that lock first and looks then; so of two who change a friend and an advocate at one time the second sees both.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app import clock
from app.changes import Key
from app.loyalty import fact_loading, ledger
from app.loyalty.ledger import Holder
from app.loyalty.programs import ProgramRules
from app.referrals import journeys
from app.referrals.judging import Case, Side, refusal
from app.sql import Statement, keys, rows

# Strongest first. A code that was given with a link stays the reason when its sign-up is forgotten.
_CANDIDATES = """
candidates as (
    select distinct on (f.shop_id, f.id) f.shop_id, f.id, f.account_id, c.account_id as advocate, c.code, f.matched_by
    from found f join referral_codes c on c.shop_id = f.shop_id and c.code = f.code
    order by f.shop_id, f.id, f.rank, c.code
)
"""
_FOUND = """
found as (
    select t.shop_id, t.id, t.account_id, 1 as rank, 'code' as matched_by, upper(s.ref) as code
    from told t
    join order_codes d on d.shop_id = t.shop_id and d.order_id = t.id
    join sign_ups s on s.shop_id = d.shop_id and s.code = d.code and s.ref is not null
    union all
    select t.shop_id, t.id, t.account_id, 1, 'code', r.code
    from told t join referrals r on r.shop_id = t.shop_id and r.order_id = t.id and r.matched_by = 'code'
    union all
    select shop_id, id, account_id, 2, 'attribute', cart_ref from told where cart_ref is not null
    union all
    select shop_id, id, account_id, 3, 'landing', landing_ref from told where landing_ref is not null
    union all
    select shop_id, id, account_id, 4, 'journey', journey_ref from told where journey_ref <> ''
)
"""
_KEYS = "jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)"
_TOLD = """
told as (
    select o.shop_id, o.id, o.account_id, o.cart_ref, o.landing_ref, o.journey_ref
    from {keys} join orders o on o.shop_id = k.shop_id and o.{by} = k.id
    where o.updated_at is not null and o.account_id is not null and not o.test
)
"""
# All accounts that one stands for.
_GROUP = """(
    select m.id from accounts m where m.shop_id = {row}.shop_id and m.id = {root}
    union all
    select m.id from accounts m where m.shop_id = {row}.shop_id and m.merged_into = {root}
)"""
# Orders of these accounts that came through a code, and those that these accounts brought.
_SEEN = Statement(f"""
with {_TOLD.format(keys=_KEYS, by="account_id")}, {_FOUND}, {_CANDIDATES}, seen as (
    select shop_id, id, advocate from candidates
    union
    select r.shop_id, r.order_id, r.advocate_account_id
    from told t join referrals r on r.shop_id = t.shop_id and r.order_id = t.id
    union
    select r.shop_id, r.order_id, r.advocate_account_id
    from {_KEYS} cross join lateral {_GROUP.format(row="k", root="k.id")} g
    join referrals r on r.shop_id = k.shop_id and r.advocate_account_id = g.id
)
select s.shop_id, s.id, coalesce(a.merged_into, a.id) as advocate
from seen s join accounts a on a.shop_id = s.shop_id and a.id = s.advocate
""")  # noqa: S608 - constants of this module


def _person(name: str, root: str) -> str:
    """A lateral join: addresses and numbers of an account, and whether some of it were forgotten."""
    return f"""
        cross join lateral (
            select array_agg(distinct case i.kind when 'email' then i.value else p.email end) as emails,
                   array_agg(distinct case i.kind when 'phone' then i.value else p.phone end) as phones,
                   bool_or(p.redacted_at is not null or p.deleted_at is not null) as gone
            from {_GROUP.format(row="c", root=root)} g
            join identities i on i.shop_id = c.shop_id and i.account_id = g.id
            left join customers p on p.shop_id = c.shop_id
                and p.id = case when i.kind = 'customer' then i.value::bigint end
        ) {name}
    """  # noqa: S608 - constants of this module


_AT = "coalesce({0}.processed_at, {0}.created_at, {0}.updated_at)"
# What an advocate ordered later says nothing of the two then.
_CASES = Statement(f"""
with {_TOLD.format(keys=_KEYS, by="id")}, {_FOUND}, {_CANDIDATES}
select c.shop_id, c.id, c.advocate, c.code, c.matched_by, c.account_id as friend_account,
       coalesce(a.merged_into, a.id) as advocate_account, r.refused as held,
       array[o.email] || friend.emails as friend_emails, array[o.phone] || friend.phones as friend_phones,
       array[o.address_digest] as friend_addresses,
       bought.emails || advocate.emails as advocate_emails, bought.phones || advocate.phones as advocate_phones,
       bought.addresses as advocate_addresses,
       o.redacted_at is not null or coalesce(friend.gone, false) or coalesce(advocate.gone, false) as forgotten,
       not exists (
           select from orders b where b.shop_id = o.shop_id and b.account_id = o.account_id and b.id <> o.id
               and b.paid and not b.test and b.updated_at is not null
               and ({_AT.format("b")}, b.id) < ({_AT.format("o")}, o.id)
       ) as is_first
from candidates c
join orders o on o.shop_id = c.shop_id and o.id = c.id
join accounts a on a.shop_id = c.shop_id and a.id = c.advocate
left join referrals r on r.shop_id = c.shop_id and r.order_id = c.id
{_person("friend", "c.account_id")}
{_person("advocate", "coalesce(a.merged_into, a.id)")}
cross join lateral (
    select array_agg(distinct b.email) as emails, array_agg(distinct b.phone) as phones,
           array_agg(distinct b.address_digest) as addresses
    from orders b where b.shop_id = c.shop_id and b.account_id = coalesce(a.merged_into, a.id)
        and {_AT.format("b")} <= {_AT.format("o")}
) bought
""")  # noqa: S608 - constants of this module
_WRITE = Statement("""
insert into referrals as r (shop_id, order_id, advocate_account_id, code, matched_by, refused, noted_at)
select shop_id, order_id, advocate, code, matched_by, refused, :now
from jsonb_to_recordset(cast(:rows as jsonb)) as w(
    shop_id bigint, order_id bigint, advocate bigint, code text, matched_by text, refused text)
order by shop_id, order_id
on conflict (shop_id, order_id) do update
    set advocate_account_id = excluded.advocate_account_id, code = excluded.code, matched_by = excluded.matched_by,
        refused = excluded.refused
    where (r.advocate_account_id, r.code, r.matched_by, r.refused)
        is distinct from (excluded.advocate_account_id, excluded.code, excluded.matched_by, excluded.refused)
returning r.shop_id, r.order_id
""")
_DROP = Statement(f"""
delete from referrals r using {_KEYS} where r.shop_id = k.shop_id and r.order_id = k.id
""")  # noqa: S608 - constants of this module


def follow(session: Session, programs: Mapping[int, ProgramRules], holders: Sequence[Holder]) -> set[Key]:
    """Bring the referrals of these accounts up to date; returns the other accounts that may be worth something else.

    Costs nothing where no program rewards bringing friends.
    """
    mine = {(holder.shop_id, holder.account_id) for holder in holders if programs[holder.shop_id].refers}
    if not mine:
        return set()
    journeys.want(session, mine)
    seen = _SEEN.run(session, keys=keys(mine))
    if not seen:
        return set()
    advocates = {(row.shop_id, row.advocate) for row in seen} - mine
    ledger.lock_balances(session, [Holder(shop, programs[shop].program_id, account) for shop, account in advocates])
    orders = {(row.shop_id, row.id) for row in seen}
    found = _CASES.run(session, keys=keys(orders))
    gone = orders - {(row.shop_id, row.id) for row in found}
    if gone:
        _DROP.run(session, keys=keys(gone))
    changed = _decide(session, found)
    # A code that another account has taken over meanwhile: its new owner, too.
    owners = {(row.shop_id, row.advocate_account) for row in found}
    friends = {(row.shop_id, row.friend_account) for row in found if (row.shop_id, row.id) in changed}
    return (advocates | owners | friends) - mine


def _decide(session: Session, found: Sequence[Any]) -> set[Key]:
    """Write the verdicts; returns the orders of which something is different now."""
    friends = sorted({(row.shop_id, row.friend_account) for row in found})
    earlier = fact_loading.earlier_orders(session, friends)
    decided = [
        {
            "shop_id": row.shop_id,
            "order_id": row.id,
            "advocate": row.advocate,
            "code": row.code,
            "matched_by": row.matched_by,
            "refused": refusal(_case(row, earlier[row.shop_id, row.friend_account])),
        }
        for row in found
    ]
    written = _WRITE.run(session, rows=rows(decided), now=clock.now()) if decided else []
    return {(row.shop_id, row.order_id) for row in written}


def _case(row: Any, earlier: int | None) -> Case:
    return Case(
        advocate=_side(row.advocate_account, row.advocate_emails, row.advocate_phones, row.advocate_addresses),
        friend=_side(row.friend_account, row.friend_emails, row.friend_phones, row.friend_addresses),
        is_first=row.is_first,
        earlier=earlier,
        held=row.held,
        forgotten=row.forgotten,
    )


def _side(account: int, *told: Iterable[str | None] | None) -> Side:
    emails, phones, addresses = (frozenset(value for value in values or () if value) for values in told)
    return Side(account, emails, phones, addresses)


_CONCERNED = Statement(f"""
select distinct k.shop_id, k.id from {_KEYS}
cross join lateral {_GROUP.format(row="k", root="k.id")} g
where exists (select from referrals r where r.shop_id = k.shop_id and r.advocate_account_id = g.id)
union
select distinct k.shop_id, k.id from {_KEYS}
join orders o on o.shop_id = k.shop_id and o.account_id = k.id
join referrals r on r.shop_id = o.shop_id and r.order_id = o.id
""")  # noqa: S608 - constants of this module


def concerned(session: Session, people: Iterable[Key]) -> set[Key]:
    """Which of these accounts, of whose persons something new is known, have to do with a referral."""
    wanted = set(people)
    found = _CONCERNED.run(session, keys=keys(wanted)) if wanted else []
    return {(row.shop_id, row.id) for row in found}
