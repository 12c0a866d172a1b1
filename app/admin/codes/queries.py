"""Reading codes for the admin: those made for a member (rewards, referrals), newest first, walked by key.

Codes of popups come out of pools and belong to sign-ups; their page lists them. Called by the routes beside it.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

STATES = ("planned", "issued", "used", "revoking", "revoked", "failed")


class Issued(NamedTuple):
    """A code with whom it is for. `account_id` is the account that has the member's points now."""

    code: str
    purpose: str
    title: str
    value_minor: int
    currency: str
    state: str
    starts_at: datetime
    ends_at: datetime | None
    used_at: datetime | None
    used_order: str | None
    last_error: str | None
    account_id: int
    member: str | None


class Key(NamedTuple):
    """Where a page ends: the next one begins behind it."""

    starts_at: datetime
    code: str


# The page is chosen first, along an index that holds its order; everything else is looked up for its rows alone.
_PAGE = """
select d.code, d.purpose, d.title, d.value_minor, d.currency, d.state, d.starts_at, d.ends_at, d.used_at,
       o.name as used_order, d.last_error, coalesce(a.merged_into, d.account_id) as account_id,
       coalesce(nullif(trim(concat_ws(' ', c.first_name, c.last_name)), ''), c.email) as member
from (
    select * from discount_codes
    where shop_id = :shop {narrowed} order by starts_at desc, code desc limit :limit
) d
left join accounts a on a.shop_id = d.shop_id and a.id = d.account_id
left join customers c on c.shop_id = d.shop_id and c.id = d.customer_id
left join orders o on o.shop_id = d.shop_id and o.id = d.used_order_id
order by d.starts_at desc, d.code desc
"""
_STATE = "and state = :state"
_BEFORE = "and (starts_at, code) < (cast(:at as timestamptz), cast(:code as text))"
_PAGES = {
    (False, False): text(_PAGE.format(narrowed="")),
    (True, False): text(_PAGE.format(narrowed=_STATE)),
    (False, True): text(_PAGE.format(narrowed=_BEFORE)),
    (True, True): text(_PAGE.format(narrowed=f"{_STATE} {_BEFORE}")),
}
_ONE = text(_PAGE.format(narrowed="and code = :code"))


def page(session: Session, shop_id: int, *, state: str | None, before: Key | None, limit: int) -> list[Issued]:
    """Codes of the shop, newest first; only those in a state when given."""
    told: dict[str, Any] = {"shop": shop_id, "limit": limit}
    told |= {"state": state} if state else {}
    told |= {"at": before.starts_at, "code": before.code} if before else {}
    return [Issued(*row) for row in session.execute(_PAGES[bool(state), before is not None], told)]


def found(session: Session, shop_id: int, code: str) -> list[Issued]:
    """The code that somebody typed, whatever its case; empty when this shop has none."""
    told = {"shop": shop_id, "limit": 1, "code": code.strip().upper()}
    return [Issued(*row) for row in session.execute(_ONE, told)]
