"""Taking what is due and settling what was published, around the calls of `jobs`.

Whoever publishes holds a lease, so that an older value never overwrites a newer one; a mark tells whether something
changed in between, and then it is due again. Values that Shopify has already are not sent: their digests are kept.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock
from app.loyalty.programs import program_rules
from app.loyalty.referral_rules import ReferralRule
from app.popups.definition import published
from app.popups.models import Popup
from app.referrals.service import member_codes, next_change, rule_at
from app.shops.models import Shop
from app.sql import rows
from app.storefront.dirty import DEBOUNCE, note_everybody
from app.storefront.members import members
from app.storefront.metafields import MOST, Value
from app.storefront.models import PublishedValue, Storefront

# Longer than the slowest calls of one turn.
LEASE = timedelta(minutes=3)
NAMESPACE, POPUPS, PROGRAM, MEMBER = "perennial", "popups", "program", "member"


@dataclass(frozen=True)
class ShopTurn:
    """A shop's popups and program, as they are now."""

    shop_id: int
    mark: int
    installation_id: str | None
    values: dict[str, dict[str, Any]]
    # When they may be others by themselves.
    changes_at: datetime | None


def take_shop(session: Session, shop_id: int) -> ShopTurn | None:
    """What is to be published of a shop, if something is."""
    now, wall = clock.now(), clock.wall_now()
    row = session.get(Storefront, shop_id, with_for_update={"skip_locked": True}, populate_existing=True)
    if row is None or row.due_at is None or row.due_at > now or (row.leased_until and row.leased_until > wall):
        return None
    row.leased_until = wall + LEASE
    shop = session.get_one(Shop, shop_id)
    values: dict[str, dict[str, Any]] = {POPUPS: {"list": _popups(session, shop)}}
    program = program_rules(session, [shop_id])[shop_id]
    told: dict[str, Any] = {"customer_namespace": row.customer_namespace} if row.customer_namespace else {}
    told |= _brand(session, shop_id)
    rule = rule_at(program, now)
    if rule is not None:
        told["referrals"] = _told_to_friends(shop, rule)
    if told:
        values[PROGRAM] = told
    return ShopTurn(shop_id, row.mark, row.installation_id, values, next_change(program, now, rule_at))


# The admin's table, which stands above this feature.
_COLOUR = text("select colour from shop_profiles where shop_id = :shop")


def _brand(session: Session, shop_id: int) -> dict[str, str | None]:
    """The shop's colour as #rrggbb, null for the theme's own; nothing where nobody was ever asked."""
    found = session.execute(_COLOUR, {"shop": shop_id}).one_or_none()
    return {"colour": found.colour} if found else {}


def _told_to_friends(shop: Shop, rule: ReferralRule) -> dict[str, Any]:
    """What friends are greeted with: their points, and from which order on as it is written beside prices."""
    return {"friend": rule.friend, "minimum": f"{rule.minimum} {shop.currency}" if rule.minimum else None}


def _popups(session: Session, shop: Shop) -> list[dict[str, Any]]:
    active = select(Popup).where(Popup.shop_id == shop.id, Popup.active).order_by(Popup.id)
    return [{"id": popup.id, **published(popup.definition, shop.currency)} for popup in session.scalars(active)]


def settle_shop(session: Session, turn: ShopTurn, installation_id: str) -> None:
    """All of a turn is at Shopify. What changed meanwhile is due again."""
    row = session.get_one(Storefront, turn.shop_id, with_for_update=True, populate_existing=True)
    row.installation_id, row.leased_until = installation_id, None
    row.due_at = turn.changes_at if row.mark == turn.mark else clock.now()


def learn_namespace(session: Session, shop_id: int, namespace: str) -> bool:
    """Keep the app's own namespace as Shopify spelt it; says whether that was news, and the program is due then."""
    row = session.get_one(Storefront, shop_id, with_for_update=True, populate_existing=True)
    if row.customer_namespace == namespace:
        return False
    row.customer_namespace, row.mark, row.due_at = namespace, row.mark + 1, clock.now()
    return True


@dataclass(frozen=True)
class MemberTurn:
    """Accounts whose points are to be published, with their marks, and the values of their customers."""

    shop_id: int
    marks: dict[int, int]
    values: tuple[Value, ...]


_TAKE = text("""
with due as materialized (
    select shop_id, account_id from member_changes
    where shop_id = :shop and due_at <= :now and coalesce(leased_until <= :wall, true)
    order by due_at, account_id limit :most for update skip locked
)
update member_changes m set leased_until = :until
from due where m.shop_id = due.shop_id and m.account_id = due.account_id
returning m.account_id, m.mark
""")
# Every customer whose points are on an account, its own or one merged into it; the deleted and forgotten have none.
_CUSTOMERS = text("""
select a.root as account_id, c.id
from (select id, coalesce(merged_into, id) as root from accounts where shop_id = :shop
      and (id = any(:accounts) or merged_into = any(:accounts))) a
join identities i on i.shop_id = :shop and i.account_id = a.id and i.kind = 'customer'
join customers c on c.shop_id = :shop and c.id = i.value::bigint
where c.deleted_at is null and c.redacted_at is null and c.merged_into is null
order by c.id
""")


def take_members(session: Session, shop_id: int) -> MemberTurn | None:
    """The accounts that are due longest, with values for at most one call; None when nobody is."""
    now, wall = clock.now(), clock.wall_now()
    taken = session.execute(_TAKE, {"shop": shop_id, "now": now, "wall": wall, "until": wall + LEASE, "most": MOST})
    marks = {row.account_id: row.mark for row in taken}
    if not marks:
        return None
    customers = session.execute(_CUSTOMERS, {"shop": shop_id, "accounts": sorted(marks)}).all()
    wanted = {row.account_id for row in customers}
    member_codes(session, shop_id, wanted)
    found = members(session, shop_id, wanted)
    values = [
        Value(f"gid://shopify/Customer/{row.id}", MEMBER, as_json(found[row.account_id].value)) for row in customers
    ]
    return MemberTurn(shop_id, marks, tuple(values))


_SETTLE = text("""
with turn as (select * from jsonb_to_recordset(cast(:rows as jsonb))
    as r(account_id bigint, mark bigint, next timestamptz)
), gone as (
    delete from member_changes m using turn t
    where m.shop_id = :shop and m.account_id = t.account_id and m.mark = t.mark and t.next is null
)
update member_changes m set leased_until = null, due_at = case when m.mark = t.mark then t.next else :soon end
from turn t
where m.shop_id = :shop and m.account_id = t.account_id and (m.mark <> t.mark or t.next is not null)
""")


def settle_members(session: Session, turn: MemberTurn) -> None:
    """The accounts of a turn are done, until their points change by themselves or have changed meanwhile."""
    found = members(session, turn.shop_id, turn.marks)
    told = [
        {"account_id": account, "mark": mark, "next": found[account].changes_at}
        for account, mark in sorted(turn.marks.items())
    ]
    session.execute(_SETTLE, {"shop": turn.shop_id, "rows": rows(told), "soon": clock.now() + DEBOUNCE})


_RELEASE = text("""
update member_changes set leased_until = null, due_at = :due where shop_id = :shop and account_id = any(:accounts)
""")


def postpone_members(session: Session, turn: MemberTurn, wait: timedelta) -> None:
    """Nothing was decided; later again."""
    told = {"shop": turn.shop_id, "accounts": sorted(turn.marks), "due": clock.now() + wait}
    session.execute(_RELEASE, told)


def postpone_shop(session: Session, turn: ShopTurn, wait: timedelta) -> None:
    """Nothing was decided; later again."""
    row = session.get_one(Storefront, turn.shop_id, with_for_update=True, populate_existing=True)
    row.leased_until, row.due_at = None, clock.now() + wait


def as_json(value: Any) -> str:
    """One spelling for equal values, so that digests compare."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def unpublished(session: Session, shop_id: int, values: Iterable[Value]) -> list[Value]:
    """Those that Shopify does not have yet."""
    wanted = list(values)
    held = select(PublishedValue).where(
        PublishedValue.shop_id == shop_id, PublishedValue.owner.in_({value.owner for value in wanted})
    )
    known = {(row.owner, row.key): row.digest for row in session.scalars(held)}
    return [value for value in wanted if known.get((value.owner, value.key)) != _digest(value)]


_REMEMBER = text("""
insert into published_values (shop_id, owner, key, digest, published_at)
select :shop, owner, key, decode(digest, 'hex'), :now
from jsonb_to_recordset(cast(:rows as jsonb)) as r(owner text, key text, digest text)
order by owner, key
on conflict (shop_id, owner, key) do update set digest = excluded.digest, published_at = excluded.published_at
""")


def remember(session: Session, shop_id: int, values: Sequence[Value]) -> None:
    """Shopify has these now."""
    told = [{"owner": value.owner, "key": value.key, "digest": _digest(value).hex()} for value in values]
    session.execute(_REMEMBER, {"shop": shop_id, "rows": rows(told), "now": clock.now()})


def _digest(value: Value) -> bytes:
    return hashlib.sha256(value.json.encode()).digest()


def start_over(session: Session, shop_id: int) -> None:
    """After a reinstall Shopify has none of it: an uninstall took the installation and its metafields away."""
    session.execute(text("delete from published_values where shop_id = :shop"), {"shop": shop_id})
    row = session.get(Storefront, shop_id, with_for_update=True)
    if row is not None:
        row.installation_id, row.mark, row.due_at, row.leased_until = None, row.mark + 1, clock.now(), None
        if row.members:
            note_everybody(session, shop_id)
