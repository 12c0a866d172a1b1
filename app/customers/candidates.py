"""Customers who may be one person: found, offered, turned down, merged, and parted again. For the API and the admin.

Two customers of a shop are offered for merging when both have verified one mailbox (another case, or something behind a
plus sign, makes no other mailbox) or have one telephone number. Nothing is merged without somebody saying so. Merged
are our accounts, never Shopify's customers, and `part` undoes it exactly. Both are written to the audit log.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import clock
from app.audit import service as audit
from app.changes import Changes, Key
from app.customers import accounts, merging
from app.customers.merge_models import AccountMerge, MergeDismissal
from app.customers.models import LIVING, MAILBOX
from app.errors import Conflict, NotFound
from app.reactions import react
from app.sql import Statement


@dataclass(frozen=True)
class Offer:
    """Two customers, the smaller id first, and what they have in common: `email`, `phone`."""

    one: int
    other: int
    basis: tuple[str, ...]


_OFFERS = Statement(f"""
with alike as (
    select 'email' as basis, array_agg(id order by id) as ids from customers
    where shop_id = :shop_id and verified_email and email is not null and {LIVING}
    group by shop_id, {MAILBOX} having count(*) > 1
    union all
    select 'phone', array_agg(id order by id) from customers
    where shop_id = :shop_id and phone is not null and phone like '+%' and {LIVING}
    group by shop_id, phone having count(*) > 1
), pairs as (
    select one, other, array_agg(distinct basis) as basis
    from alike cross join unnest(ids) as one cross join unnest(ids) as other
    where one < other and (one, other) > (:one, :other)
    group by 1, 2
)
select p.one, p.other, p.basis from pairs p
left join merge_dismissals d on d.shop_id = :shop_id and d.one = p.one and d.other = p.other
left join identities i on i.shop_id = :shop_id and i.kind = 'customer' and i.value = p.one::text
left join accounts a on a.shop_id = i.shop_id and a.id = i.account_id
left join identities j on j.shop_id = :shop_id and j.kind = 'customer' and j.value = p.other::text
left join accounts b on b.shop_id = j.shop_id and b.id = j.account_id
where d.one is null and coalesce(a.merged_into, a.id) is distinct from coalesce(b.merged_into, b.id)
order by p.one, p.other limit :limit
""")  # noqa: S608 - constants of ours


def offers(session: Session, shop_id: int, *, beyond: tuple[int, int] | None = None, limit: int = 50) -> list[Offer]:
    """Pairs that nobody has decided about, in the order of their ids, from behind `beyond` on."""
    one, other = beyond or (0, 0)
    found = _OFFERS.run(session, shop_id=shop_id, one=one, other=other, limit=limit)
    return [Offer(row.one, row.other, tuple(row.basis)) for row in found]


def dismiss(session: Session, shop_id: int, one: int, other: int, actor: str) -> None:
    """They are two persons: do not offer them again. Raises NotFound when they are not offered."""
    one, other = _offered(session, shop_id, one, other)
    values = {"shop_id": shop_id, "one": one, "other": other, "actor": actor, "at": clock.now()}
    session.execute(insert(MergeDismissal).values(values).on_conflict_do_nothing())
    audit.record(session, shop_id, actor=actor, what="merge.dismissed", subject=f"customers:{one},{other}")


def accept(session: Session, shop_id: int, kept: int, absorbed: int, actor: str) -> AccountMerge:
    """They are one person: the account of the first customer takes over that of the second, points, orders and all.

    Raises NotFound when they are not offered.
    """
    _offered(session, shop_id, kept, absorbed)
    own = accounts.own_accounts_of_customers(session, {(shop_id, kept), (shop_id, absorbed)})
    pair = {"kept": own[shop_id, kept], "absorbed": own[shop_id, absorbed]}
    fact = merging.Fact(shop_id=shop_id, **pair, cause=merging.STAFF, at=clock.now(), actor=actor)
    _follow(session, merging.record(session, [fact]))
    merge = session.scalars(
        select(AccountMerge).where(
            AccountMerge.shop_id == shop_id,
            AccountMerge.kept == fact.kept,
            AccountMerge.absorbed == fact.absorbed,
            AccountMerge.cause == merging.STAFF,
            AccountMerge.undone_at.is_(None),
        )
    ).one()
    named = {"kept": str(kept), "absorbed": str(absorbed)}
    audit.record(session, shop_id, actor=actor, what="merge.made", subject=f"merge:{merge.id}", after=named)
    return merge


def part(session: Session, shop_id: int, merge_id: int, actor: str) -> AccountMerge:
    """Undo a merge: both accounts are what they would be without it. Repeating is harmless.

    Raises NotFound, and Conflict for an account that follows a verified address, which no decision of ours changes.
    """
    merge = session.get(AccountMerge, (shop_id, merge_id))
    if merge is None:
        raise NotFound(f"There is no merge {merge_id}.")
    if merge.cause == merging.ADDRESS:
        raise Conflict("The account belongs to whoever has verified its address.", kind="merge-follows-address")
    if merge.undone_at is None:
        _follow(session, merging.undo(session, {(shop_id, merge_id)}, actor))
        audit.record(session, shop_id, actor=actor, what="merge.undone", subject=f"merge:{merge_id}")
        session.refresh(merge)
    return merge


def merges(session: Session, shop_id: int, *, before: int | None = None, limit: int = 50) -> Sequence[AccountMerge]:
    """Merges of the shop, undone ones too, newest first, with ids below `before`."""
    wanted = select(AccountMerge).where(AccountMerge.shop_id == shop_id).order_by(AccountMerge.id.desc()).limit(limit)
    return session.scalars(wanted.where(AccountMerge.id < before) if before is not None else wanted).all()


def _offered(session: Session, shop_id: int, one: int, other: int) -> tuple[int, int]:
    one, other = sorted((one, other))
    found = offers(session, shop_id, beyond=(one, other - 1), limit=1)
    if not found or (found[0].one, found[0].other) != (one, other):
        raise NotFound(f"The customers {one} and {other} are not offered for merging.", kind="no-such-offer")
    return one, other


def _follow(session: Session, regrouped: set[Key]) -> None:
    react(session, Changes(accounts=set(regrouped)), frozenset(regrouped))
