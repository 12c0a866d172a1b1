"""Bringing the projections of orders and refunds up to date with snapshots, deletions and changed owners.

Called by the webhook handlers, by re-reads and by imports, with rows of any number of shops. Every function is right
for any order, repetition and delay of deliveries: the newest version wins, a refund is stored by its id, `paid` and
`deleted_at` never go back. What follows from a change is `app.reactions`' business.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.changes import Changes, Key
from app.customers import accounts
from app.orders.models import Order
from app.orders.snapshot import OrderSnapshot, RefundSnapshot, Version
from app.sql import Statement, assignments, keys, rows


class _Stored(NamedTuple):
    version: Version | None
    account_id: int | None
    redacted: bool = False

    def holds(self, item: OrderSnapshot, owner: int | None) -> bool:
        """Whether a newer snapshot says nothing new: most of what Shopify tells of an order changes only its times."""
        return self.version is not None and self.version[2] == item.digest and self.account_id == owner


def apply(session: Session, snapshots: Sequence[OrderSnapshot]) -> Changes:
    """Take in order snapshots, with the lines, codes and refunds they carry."""
    changes = Changes()
    if not snapshots:
        return changes
    stored = _lock_stored(session, {(snapshot.shop_id, snapshot.id) for snapshot in snapshots})
    newest, changes.rereads = _newest(snapshots, stored)
    changes.erased = {key for key, item in newest.items() if stored[key].redacted and item.names_a_person}
    newest |= {key: newest[key].anonymous() for key in changes.erased}
    owners = accounts.owners_of_orders(session, newest.values())
    # An erased guest's order stays with the account that it had.
    owners |= {key: owners[key] or stored[key].account_id for key in newest if stored[key].redacted}
    news = {key: item for key, item in newest.items() if not stored[key].holds(item, owners[key])}
    for key in news:
        changes.accounts |= {(key[0], account) for account in (owners[key], stored[key].account_id) if account}
    _write(session, newest, owners)
    _write_parts(session, news)
    written_paid = {key for key, item in newest.items() if item.paid}
    changes.add(_remember_paid(session, {(s.shop_id, s.id) for s in snapshots if s.paid} - written_paid))
    changes.add(apply_refunds(session, [refund for snapshot in snapshots for refund in snapshot.refunds]))
    changes.orders |= set(newest)
    return changes


_STORED = Statement("""
select o.shop_id, o.id, o.updated_at, o.triggered_at, o.digest, o.account_id,
       o.redacted_at is not null as redacted
from orders o join jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint) using (shop_id, id)
order by o.shop_id, o.id for update of o
""")


def _lock_stored(session: Session, wanted: set[Key]) -> dict[Key, _Stored]:
    stored = dict.fromkeys(wanted, _Stored(None, None))
    for row in _STORED.run(session, keys=keys(wanted)):
        version = (row.updated_at, row.triggered_at, bytes(row.digest)) if row.updated_at else None
        stored[row.shop_id, row.id] = _Stored(version, row.account_id, row.redacted)
    return stored


def _newest(
    snapshots: Iterable[OrderSnapshot], stored: dict[Key, _Stored]
) -> tuple[dict[Key, OrderSnapshot], set[Key]]:
    """The snapshot to store for each order that has news, and the orders whose last second is told in two ways.

    Two tellings of a second that newer news has overtaken need no re-read: neither is how the order is now.
    """
    best: dict[Key, OrderSnapshot] = {}
    ambiguous: dict[Key, datetime] = {}
    held = {key: was.version for key, was in stored.items()}
    for snapshot in sorted(snapshots, key=lambda snapshot: snapshot.version):
        key = (snapshot.shop_id, snapshot.id)
        was = held[key]
        if was and was[0] == snapshot.updated_at and was[2] != snapshot.digest and not snapshot.reread:
            ambiguous[key] = snapshot.updated_at
        if was is None or was < snapshot.version:
            best[key], held[key] = snapshot, snapshot.version
    return best, {key for key, second in ambiguous.items() if (now := held[key]) and now[0] == second}


# What no snapshot says, or what never goes back.
_KEPT = ("paid", "deleted_at", "imported", "redacted_at", "journey_ref")
_UPSERT = Statement(f"""
insert into orders as o select * from jsonb_populate_recordset(null::orders, cast(:rows as jsonb))
on conflict (shop_id, id) do update
    set {assignments(Order, without=_KEPT)}, paid = o.paid or excluded.paid
where o.updated_at is null or (o.updated_at, o.triggered_at, o.digest)
    < (excluded.updated_at, excluded.triggered_at, excluded.digest)
""")  # noqa: S608 - column names of our own model
_CLEAR_PARTS = [
    Statement(f"""
        delete from {table} p using jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
        where p.shop_id = k.shop_id and p.order_id = k.id
    """)  # noqa: S608 - two table names of our own
    for table in ("order_lines", "order_codes")
]
_LINES = Statement("""
insert into order_lines select * from jsonb_populate_recordset(null::order_lines, cast(:rows as jsonb))
on conflict do nothing
""")
_CODES = Statement("""
insert into order_codes select * from jsonb_populate_recordset(null::order_codes, cast(:rows as jsonb))
on conflict do nothing
""")


def _write(session: Session, newest: dict[Key, OrderSnapshot], owners: dict[Key, int | None]) -> None:
    if newest:
        ordered = [newest[key] for key in sorted(newest)]
        _UPSERT.run(session, rows=rows(item.row() | _owner(owners, item) for item in ordered))


def _write_parts(session: Session, news: dict[Key, OrderSnapshot]) -> None:
    if not news:
        return
    for statement in _CLEAR_PARTS:
        statement.run(session, keys=keys(news))
    for statement, parts in ((_LINES, "lines"), (_CODES, "codes")):
        values: list[dict[str, Any]] = [
            {"shop_id": shop_id, "order_id": order_id, **part.__dict__}
            for (shop_id, order_id), item in sorted(news.items())
            for part in getattr(item, parts)
        ]
        if values:
            statement.run(session, rows=rows(values))


def _owner(owners: dict[Key, int | None], item: OrderSnapshot) -> dict[str, Any]:
    return {"account_id": owners[item.shop_id, item.id]}


_PAID = Statement("""
update orders o set paid = true
from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
where o.shop_id = k.shop_id and o.id = k.id and not o.paid
returning o.shop_id, o.id, o.account_id
""")


def _remember_paid(session: Session, paid: set[Key]) -> Changes:
    """An older delivery may be the only one that says the order was paid."""
    found = _PAID.run(session, keys=keys(paid)) if paid else []
    return Changes(
        orders={(row.shop_id, row.id) for row in found},
        accounts={(row.shop_id, row.account_id) for row in found if row.account_id},
    )


_REFUNDS = Statement("""
insert into refunds select * from jsonb_populate_recordset(null::refunds, cast(:rows as jsonb))
on conflict do nothing returning shop_id, order_id
""")
_REFUND_LINES = Statement("""
insert into refund_lines select * from jsonb_populate_recordset(null::refund_lines, cast(:rows as jsonb))
on conflict do nothing
""")
_OWNERS = Statement("""
select o.shop_id, o.id, o.account_id
from orders o join jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint) using (shop_id, id)
""")


def apply_refunds(session: Session, refunds: Sequence[RefundSnapshot]) -> Changes:
    """Store refunds by their ids; one whose order is unknown waits for it."""
    if not refunds:
        return Changes()
    unique = {(refund.shop_id, refund.id): refund for refund in refunds}
    values = rows(unique[key].__dict__ for key in sorted(unique))
    touched = {(row.shop_id, row.order_id) for row in _REFUNDS.run(session, rows=values)}
    pieces = [
        {"shop_id": refund.shop_id, "refund_id": refund.id, "line_id": line_id, "quantity": quantity}
        for refund in unique.values()
        for line_id, quantity in refund.lines
    ]
    if pieces:
        _REFUND_LINES.run(session, rows=rows(pieces))
    owners = _OWNERS.run(session, keys=keys(touched)) if touched else []
    return Changes(orders=touched, accounts={(row.shop_id, row.account_id) for row in owners if row.account_id})


_DELETE = Statement("""
insert into orders as o (shop_id, id, deleted_at)
select shop_id, id, min(at)
from jsonb_to_recordset(cast(:rows as jsonb)) as r(shop_id bigint, id bigint, at timestamptz)
group by 1, 2 order by 1, 2
on conflict (shop_id, id) do update set deleted_at = least(o.deleted_at, excluded.deleted_at)
returning shop_id, id, account_id
""")


def delete(session: Session, deletions: Iterable[tuple[int, int, datetime]]) -> Changes:
    """Mark orders as deleted, for good; one that we do not know yet is remembered as deleted."""
    values = [{"shop_id": shop, "id": order, "at": at} for shop, order, at in deletions]
    found = _DELETE.run(session, rows=rows(values)) if values else []
    return Changes(
        orders={(row.shop_id, row.id) for row in found},
        accounts={(row.shop_id, row.account_id) for row in found if row.account_id},
    )


_OF_EMAILS = Statement("""
select o.shop_id, o.id, o.customer_id, o.email, o.phone, o.account_id, o.account_id as root
from orders o join jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, email text) using (shop_id, email)
where o.customer_id is null order by 1, 2 for update of o
""")
_OF_ACCOUNTS = Statement("""
select o.shop_id, o.id, o.customer_id, o.email, o.phone, o.account_id, coalesce(a.merged_into, a.id) as root
from orders o join jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, account_id bigint)
    using (shop_id, account_id)
join accounts a on a.shop_id = o.shop_id and a.id = o.account_id
order by 1, 2 for update of o
""")
_REASSIGN = Statement("""
update orders o set account_id = r.account_id
from jsonb_to_recordset(cast(:rows as jsonb)) as r(shop_id bigint, id bigint, account_id bigint)
where o.shop_id = r.shop_id and o.id = r.id
""")


def reassign(session: Session, emails: set[tuple[int, str]], regrouped: set[Key]) -> Changes:
    """Give orders to whom they belong now: guests' orders by e-mail, and all orders of accounts that were regrouped."""
    found = list(_OF_EMAILS.run(session, keys=keys(emails, "email"))) if emails else []
    if regrouped:
        found += _OF_ACCOUNTS.run(session, keys=keys(regrouped, "account_id"))
    named = accounts.owners_of_orders(session, found)
    # An order that names nobody any more, because its guest was erased, stays with whoever has its account.
    owners = {key: named[key] or row.root for row in found for key in [(row.shop_id, row.id)]}
    moved = {key: row for row in found if owners[key := (row.shop_id, row.id)] != row.account_id}
    if moved:
        values = [{"shop_id": shop, "id": order, "account_id": owners[shop, order]} for shop, order in sorted(moved)]
        _REASSIGN.run(session, rows=rows(values))
    changes = Changes(orders=set(moved))
    for (shop_id, order_id), row in moved.items():
        changes.accounts |= {(shop_id, a) for a in (row.account_id, owners[shop_id, order_id]) if a}
    return changes
