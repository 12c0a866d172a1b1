"""Merges of accounts: writing the facts, undoing them, and what `accounts.merged_into` follows from them.

Called by `app.customers.service` (Shopify's merges, addresses that change hands) and by `app.customers.candidates` (by
hand). Accounts that are merged, whatever the way round, stand for one: the one that nothing absorbed. That is a
function of the facts in force, so neither their order nor what was undone in between matters.

Every function returns the accounts that stand for something else now. Their orders are to be looked at again
(`app.orders.service.reassign`), they are to be settled, and `app.loyalty.moves` carries what is left.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app import clock
from app.changes import Key
from app.customers import accounts
from app.sql import Statement, keys, rows

SHOPIFY, ADDRESS, STAFF = "shopify", "address", "staff"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """An account (its own id) took over another one."""

    shop_id: int
    kept: int
    absorbed: int
    cause: str
    at: datetime
    actor: str | None = None


# Shopify tells of a merge once, however often it delivers that: undone by hand it stays undone.
_RECORD = Statement("""
insert into account_merges (shop_id, kept, absorbed, cause, actor, at)
select distinct on (shop_id, kept, absorbed, cause) shop_id, kept, absorbed, cause, actor, at
from jsonb_to_recordset(cast(:rows as jsonb)) as r(
    shop_id bigint, kept bigint, absorbed bigint, cause text, actor text, at timestamptz)
where kept <> absorbed and not exists (
    select 1 from account_merges m
    where m.shop_id = r.shop_id and m.kept = r.kept and m.absorbed = r.absorbed and m.cause = r.cause
        and (m.undone_at is null or m.cause = 'shopify')
)
order by shop_id, kept, absorbed, cause, at
on conflict do nothing
returning shop_id, kept, absorbed
""")


def record(session: Session, facts: Iterable[Fact]) -> set[Key]:
    """Write facts down that are new; see the module for what is returned."""
    told = sorted((fact.__dict__ for fact in facts), key=lambda fact: (fact["shop_id"], fact["kept"], fact["absorbed"]))
    if not told:
        return set()
    accounts.lock_shops(session, {fact["shop_id"] for fact in told})
    new = _RECORD.run(session, rows=rows(told))
    return regroup(session, {(row.shop_id, account) for row in new for account in (row.kept, row.absorbed)})


_UNDO = Statement("""
update account_merges m set undone_at = :now, undone_by = :actor
from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
where m.shop_id = k.shop_id and m.id = k.id and m.undone_at is null
returning m.shop_id, m.kept, m.absorbed
""")


def undo(session: Session, facts: Iterable[Key], actor: str) -> set[Key]:
    """Let facts (shop, id) hold no longer; what was undone already stays so. See the module for what is returned."""
    wanted = set(facts)
    if not wanted:
        return set()
    accounts.lock_shops(session, {shop_id for shop_id, _ in wanted})
    gone = _UNDO.run(session, keys=keys(wanted), now=clock.now(), actor=actor)
    return regroup(session, {(row.shop_id, account) for row in gone for account in (row.kept, row.absorbed)})


# Whoever was never absorbed stands for the rest. Where that is nobody or several (merged in a circle, or by two
# others), the oldest account does, so that every machine chooses alike.
_REGROUP = Statement("""
with recursive reach(shop_id, start, id) as (
    select shop_id, id, id from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
    union
    select r.shop_id, r.start, n.id from reach r cross join lateral (
        select m.absorbed as id from account_merges m
        where m.shop_id = r.shop_id and m.kept = r.id and m.undone_at is null
        union all
        select m.kept from account_merges m
        where m.shop_id = r.shop_id and m.absorbed = r.id and m.undone_at is null
    ) n
), roots as (
    select distinct on (r.shop_id, r.start) r.shop_id, r.start, r.id as root
    from reach r
    order by r.shop_id, r.start, exists (
        select 1 from account_merges m
        where m.shop_id = r.shop_id and m.absorbed = r.id and m.undone_at is null), r.id
), members as (
    select distinct shop_id, id, root from reach join roots using (shop_id, start)
)
update accounts a set merged_into = nullif(m.root, a.id)
from members m join accounts was on was.shop_id = m.shop_id and was.id = m.id
where a.shop_id = m.shop_id and a.id = m.id and a.merged_into is distinct from nullif(m.root, a.id)
returning a.shop_id, a.id, was.merged_into as before, a.merged_into as after
""")


def regroup(session: Session, touched: set[Key]) -> set[Key]:
    """Bring `merged_into` of these accounts, and of all that are merged with them, to what the facts say."""
    if not touched:
        return set()
    found = _REGROUP.run(session, keys=keys(touched))
    return {(row.shop_id, account) for row in found for account in (row.id, row.before, row.after) if account}


# Each address is looked up by its keys (lateral, limit 1): joins took the whole shop while there were no statistics.
_WANTED = """
with told as (
    select distinct * from jsonb_to_recordset(cast(:emails as jsonb)) as e(shop_id bigint, email text)
), guest as (
    select told.shop_id, told.email, i.absorbed
    from told cross join lateral (
        select i.account_id as absorbed from identities i
        where i.shop_id = told.shop_id and i.kind = 'email' and i.value = told.email limit 1
    ) i
), holder as (
    select told.shop_id, told.email, h.kept
    from told cross join lateral (
        select i.account_id as kept
        from customers c cross join lateral (
            select i.account_id from identities i
            where i.shop_id = c.shop_id and i.kind = 'customer' and i.value = c.id::text limit 1
        ) i
        where c.shop_id = told.shop_id and c.email = told.email
            and c.verified_email and c.deleted_at is null and c.merged_into is null
        order by c.updated_at desc, c.id limit 1
    ) h
)
"""
_LEFT = Statement(
    _WANTED
    + """
select m.shop_id, m.id from guest g
join account_merges m on m.shop_id = g.shop_id and m.absorbed = g.absorbed and m.cause = 'address'
    and m.undone_at is null
left join holder h on h.shop_id = g.shop_id and h.email = g.email
where h.kept is distinct from m.kept
"""
)
_COME = Statement(
    _WANTED  # noqa: S608 - constants of this module
    + """
select g.shop_id, h.kept, g.absorbed from guest g join holder h using (shop_id, email)
where not exists (
    select 1 from account_merges m
    where m.shop_id = g.shop_id and m.kept = h.kept and m.absorbed = g.absorbed and m.cause = 'address'
        and m.undone_at is null)
"""
)


def follow_addresses(session: Session, emails: Iterable[tuple[int, str]]) -> set[Key]:
    """Let the accounts of these addresses belong to whoever has verified the address now, with all that is on them.

    The rule for guests' orders (docs/decisions.md 13), for everything else that was posted to a guest.
    """
    wanted = keys(set(emails), "email")
    left = undo(session, [(row.shop_id, row.id) for row in _LEFT.run(session, emails=wanted)], ADDRESS)
    now = clock.now()
    come = [
        Fact(shop_id=row.shop_id, kept=row.kept, absorbed=row.absorbed, cause=ADDRESS, at=now)
        for row in _COME.run(session, emails=wanted)
    ]
    return left | record(session, come)
