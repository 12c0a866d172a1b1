"""Reading members for the admin: lists walked by key at any size, search along indexes, and one member's own things.

Called by the routes beside it. Every list takes one statement, whatever is on it; nothing here counts all members.
What is searched by has an index of its own (the migration of the admin's lists), and is compared byte by byte
(`~>=~`), so that those indexes serve with prepared statements and under any collation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock

# Nobody reads on: who finds more types more letters.
MOST_FOUND = 50
# What no text has behind a prefix.
_BEYOND = "\U0010ffff"


@dataclass(frozen=True)
class Member:
    """A row of the list. Points are those that are told: without what is over and not yet swept."""

    id: int
    customer_id: int | None
    name: str | None
    # E-mail address, or the telephone number of a guest who left none.
    contact: str | None
    points: int
    orders: int
    spent_minor: int
    last_order_at: datetime | None
    created_at: datetime

    @property
    def title(self) -> str:
        """What somebody is called here; never empty."""
        return self.name or self.contact or f"#{self.customer_id or self.id}"


_SHOWN = """
select a.id, p.id as customer_id, p.name, coalesce(p.email, g.value) as contact,
       coalesce(b.points, 0) - coalesce(o.points, 0) as points, coalesce(t.orders, 0) as orders,
       coalesce(t.spent_minor, 0) as spent_minor, t.last_order_at, a.created_at
from ({chosen}) chosen
join accounts a on a.shop_id = :shop and a.id = chosen.id
left join lateral (
    select c.id, c.email, nullif(trim(concat_ws(' ', c.first_name, c.last_name)), '') as name
    from identities i cross join lateral (
        -- A subquery of its own: behind the wall a cast inside a join would keep the index from being used.
        select * from customers c where c.shop_id = i.shop_id and c.id = cast(i.value as bigint) limit 1
    ) c
    where i.shop_id = a.shop_id and i.account_id = a.id and i.kind = 'customer'
    order by c.deleted_at is null and c.redacted_at is null desc, c.id limit 1
) p on true
left join lateral (
    select i.value from identities i
    where i.shop_id = a.shop_id and i.account_id = a.id and i.kind in ('email', 'phone')
    order by i.kind, i.value limit 1
) g on p.id is null
left join balances b on b.shop_id = a.shop_id and b.program_id = :program and b.account_id = a.id
left join lateral (
    select sum(l.remaining)::bigint as points from lots l
    where l.shop_id = b.shop_id and l.program_id = b.program_id and l.account_id = b.account_id and l.remaining > 0
        and coalesce(l.expires_at, case when l.available_at < b.idle_at then b.idle_at end) <= :now
) o on true
left join account_totals t on t.shop_id = a.shop_id and t.account_id = a.id
order by {order}
"""
_NEWEST = "a.id desc"
_ALL = """
select id from accounts where shop_id = :shop and merged_into is null and id < :before order by id desc limit :limit
"""
_OWING = """
select distinct account_id as id from lot_uses
where shop_id = :shop and program_id = :program and lot_id = 0 and account_id < :before
order by account_id desc limit :limit
"""
_THESE = "select unnest(cast(:ids as bigint[])) as id"
_BY_LISTS = {
    "all": text(_SHOWN.format(chosen=_ALL, order=_NEWEST)),
    "owing": text(_SHOWN.format(chosen=_OWING, order=_NEWEST)),
}
_OF_IDS = text(_SHOWN.format(chosen=_THESE, order=_NEWEST))
LISTS = tuple(_BY_LISTS)


def listed(
    session: Session, shop_id: int, program_id: int, which: str = "all", *, before: int | None = None, limit: int
) -> list[Member]:
    """Members of one of `LISTS`, newest first, with ids below `before`."""
    told = {"before": before or 2**63 - 1, "limit": limit}
    return _members(session, _BY_LISTS[which], shop_id, program_id, told)


def members(session: Session, shop_id: int, program_id: int, ids: Sequence[int]) -> list[Member]:
    """These accounts, newest first; ids that this shop does not have are left out."""
    return _members(session, _OF_IDS, shop_id, program_id, {"ids": list(ids)})


def _members(session: Session, statement: Any, shop_id: int, program_id: int, told: dict[str, Any]) -> list[Member]:
    named = {"shop": shop_id, "program": program_id, "now": clock.now(), **told}
    return [Member(**row._mapping) for row in session.execute(statement, named)]


# Customers come from a function of the database (migration 0026): `lower()` behind the wall reads the whole shop.
_FOUND = """
select distinct coalesce(a.merged_into, a.id) as id from (
    select i.account_id from (
        select id from customers_found(:low, :high, :limit) as id
        union all
        select id from customers where shop_id = :shop and id = cast(:number as bigint)
            and deleted_at is null and redacted_at is null
    ) c cross join lateral (
        select account_id from identities i
        where i.shop_id = :shop and i.kind = 'customer' and i.value = cast(c.id as text) limit 1
    ) i
    union all
    (select account_id from identities where shop_id = :shop and kind = 'email'
        and value ~>=~ :low and value ~<~ :high order by value using ~<~ limit :limit)
) found cross join lateral (select * from accounts a where a.shop_id = :shop and a.id = found.account_id limit 1) a
order by 1 desc limit :limit
"""
_SEARCH = text(_SHOWN.format(chosen=_FOUND, order=_NEWEST))


def found(session: Session, shop_id: int, program_id: int, words: str) -> tuple[list[Member], bool]:
    """Members whose address, name or surname begins so, or whose Shopify number this is; whether there are more."""
    prefix = " ".join(words.lower().split())
    number = int(prefix) if prefix.isascii() and prefix.isdigit() and len(prefix) < 19 else 0
    told = {"low": prefix, "high": prefix + _BEYOND, "number": number, "limit": MOST_FOUND + 1}
    rows = _members(session, _SEARCH, shop_id, program_id, told)
    return rows[:MOST_FOUND], len(rows) > MOST_FOUND


_COUNT = text("""
select count(*) from (
    -- In the order of the key: else accounts of all shops might be gone through.
    select from accounts where shop_id = :shop and merged_into is null order by id limit :most) few
""")


def count_up_to(session: Session, shop_id: int, most: int) -> int:
    """How many members there are, counted no further than `most`: a page must not wait for a million."""
    return int(session.scalar(_COUNT, {"shop": shop_id, "most": most}) or 0)


class MemberOrder(NamedTuple):
    """An order as the member's page lists it. Money is minor units of `currency`, after refunds."""

    id: int
    name: str | None
    at: datetime
    total_minor: int
    currency: str | None
    points: int
    state: str


_ORDERS = text("""
select o.id, o.name, coalesce(o.processed_at, o.created_at, o.updated_at, o.deleted_at) as at,
       o.current_total_minor as total_minor, o.currency, coalesce(l.points, 0) as points,
       case when o.deleted_at is not null then 'deleted' when o.cancelled_at is not null then 'cancelled'
            when o.test then 'test' else coalesce(o.financial_status, 'unknown') end as state
from orders o
left join lateral (
    select sum(e.points)::bigint as points from ledger_entries e
    where e.shop_id = o.shop_id and e.program_id = :program and e.account_id = o.account_id
        and e.source_kind = 'order' and e.source_id = o.id::text
) l on true
where o.shop_id = :shop and o.account_id = :account
order by o.processed_at desc nulls last, o.id desc limit :limit
""")


def orders(session: Session, shop_id: int, program_id: int, account_id: int, *, limit: int) -> list[MemberOrder]:
    """The newest orders of an account with what they brought."""
    told = {"shop": shop_id, "program": program_id, "account": account_id, "limit": limit}
    return [MemberOrder(*row) for row in session.execute(_ORDERS, told)]


class Receipt(NamedTuple):
    """That the member agreed to something, in which words, and whether Shopify was told."""

    channel: str
    given_at: datetime
    source: str
    words: str | None
    told_at: datetime | None
    refused: str | None


_RECEIPTS = text("""
select r.channel, r.given_at, r.source, t.text as words, r.told_at, r.refused
from consent_receipts r left join consent_texts t on t.shop_id = r.shop_id and t.version = r.version
where r.shop_id = :shop and r.account_id = any(:accounts)
order by r.id desc limit :limit
""")


def receipts(session: Session, shop_id: int, accounts: Sequence[int], *, limit: int) -> list[Receipt]:
    """The newest receipts of consent of these accounts."""
    told = {"shop": shop_id, "accounts": list(accounts), "limit": limit}
    return [Receipt(*row) for row in session.execute(_RECEIPTS, told)]


class MemberCode(NamedTuple):
    """A code that the member was given: for points, or at a popup."""

    code: str
    title: str
    state: str
    at: datetime
    points: int | None
    used_order: str | None


_CODES = text("""
select * from (
    select d.code, d.title, d.state, coalesce(d.issued_at, d.starts_at) as at, r.points, o.name as used_order
    from redemptions r
    join discount_codes d on d.shop_id = r.shop_id and d.code = r.code
    left join orders o on o.shop_id = d.shop_id and o.id = d.used_order_id
    where r.shop_id = :shop and r.account_id = any(:accounts)
    union all
    select s.code, p.name, case when o.id is null then 'given' else 'used' end, s.created_at, null, o.name
    from sign_ups s
    join popups p on p.shop_id = s.shop_id and p.id = s.popup_id
    left join lateral (
        select o.id, o.name from order_codes c join orders o on o.shop_id = c.shop_id and o.id = c.order_id
        where c.shop_id = s.shop_id and c.code = s.code order by o.id limit 1
    ) o on true
    where s.shop_id = :shop and s.account_id = any(:accounts) and s.code is not null
) held order by at desc, code limit :limit
""")


def codes(session: Session, shop_id: int, accounts: Sequence[int], *, limit: int) -> list[MemberCode]:
    """The newest codes of these accounts."""
    told = {"shop": shop_id, "accounts": list(accounts), "limit": limit}
    return [MemberCode(*row) for row in session.execute(_CODES, told)]


_GROUP = text("""
select id from accounts where shop_id = :shop and id = :account
union select id from accounts where shop_id = :shop and merged_into = :account
""")


def with_merged(session: Session, shop_id: int, account_id: int) -> list[int]:
    """The account and those that it took over; empty for an account that this shop does not have."""
    return sorted(session.scalars(_GROUP, {"shop": shop_id, "account": account_id}))
