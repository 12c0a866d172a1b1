"""Staged orders into the projections, some thousands a transaction, with the same result as one webhook each.

The rules are those of `app.orders.service`: the newest version wins, a refund is stored by its id, `paid` stays, nobody
who was forgotten is named again, columns that only webhooks tell stay as they are. Rows are locked in the order of
their ids, as everywhere.
"""

from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.changes import Changes, Key
from app.customers import accounts
from app.intake import staging
from app.intake.rows import ORDERS
from app.sql import Statement, array, rows

BATCH = 10_000

_UNTIL = "select max(id) from (select id from {orders} where id > :after order by id limit :batch) batch"
# Guests, and customers whose account is not made yet.
_OWNERLESS = """
select s.shop_id, s.id, s.customer_id, s.email, s.phone
from {orders} s
left join identities i on i.shop_id = s.shop_id and i.kind = 'customer' and i.value = s.customer_id::text
where s.id > :after and s.id <= :until and i.account_id is null order by s.id
"""
_PERSONAL = ("email", "phone")
_GIVEN = [column for column in ORDERS if column not in {"shop_id", "id", "paid", "shipping_minor", *_PERSONAL}]
_ASSIGNED = ", ".join(f"{column} = excluded.{column}" for column in (*_GIVEN, "shipping_minor", "gift_card_minor"))
_WRITE = f"""
with told as materialized (
    select s.*, coalesce(owner.account_id, a.merged_into, a.id) as owner_id, c.redacted_at is not null as forgotten
    from {{orders}} s
    left join identities i on i.shop_id = s.shop_id and i.kind = 'customer' and i.value = s.customer_id::text
    left join accounts a on a.shop_id = i.shop_id and a.id = i.account_id
    left join customers c on c.shop_id = s.shop_id and c.id = s.customer_id
    left join jsonb_to_recordset(cast(:owners as jsonb)) as owner(id bigint, account_id bigint) on owner.id = s.id
    where s.id > :after and s.id <= :until
), held as materialized (
    select o.id, o.account_id from told t join orders o on o.shop_id = t.shop_id and o.id = t.id
    order by o.id for update of o
), written as (
    insert into orders as o (shop_id, id, account_id, email, phone, paid, imported, {", ".join(_GIVEN)},
                             shipping_minor, gift_card_minor)
    select t.shop_id, t.id, t.owner_id, case when not t.forgotten then t.email end,
           case when not t.forgotten then t.phone end, t.paid,
           :imported and coalesce(t.created_at < cast(:installed_at as timestamptz), true),
           {", ".join(f"t.{column}" for column in _GIVEN)},
           t.shipping_minor + coalesce((select sum(f.shipping_minor) from {{refunds}} f
                                        where cardinality(t.listed_refunds) > 0 and f.order_id = t.id), 0)::bigint,
           coalesce((select sum((2 * (l.price_minor * l.quantity - l.discount_minor) * l.current_quantity + l.quantity)
                                / (2 * l.quantity))
                     from {{order_lines}} l where l.order_id = t.id and l.gift_card and l.quantity > 0), 0)::bigint
    from told t left join held h using (id) order by t.id
    on conflict (shop_id, id) do update set {_ASSIGNED}, paid = o.paid or excluded.paid,
        account_id = coalesce(excluded.account_id, case when o.redacted_at is not null then o.account_id end),
        email = case when o.redacted_at is null then excluded.email end,
        phone = case when o.redacted_at is null then excluded.phone end
    where o.updated_at is null or (o.updated_at, o.triggered_at, o.digest)
        < (excluded.updated_at, excluded.triggered_at, excluded.digest)
    returning o.id, o.account_id
)
select w.id, w.account_id, h.id is not null as known, h.account_id as was
from written w left join held h using (id)
"""  # noqa: S608 - column names of our own
_CLEAR = [
    f"delete from {table} p where p.shop_id = :shop_id and p.order_id = any(cast(:known as bigint[]))"  # noqa: S608 - names of our own
    for table in ("order_lines", "order_codes")
]
_PARTS = (
    """
    insert into order_lines (shop_id, order_id, id, product_id, variant_id, sku, title, quantity, current_quantity,
                             price_minor, discount_minor, tax_minor, gift_card)
    select shop_id, order_id, id, product_id, variant_id, sku, title, quantity, current_quantity,
           price_minor, discount_minor, tax_minor, gift_card
    from {order_lines} where order_id > :after and order_id <= :until and order_id = any(cast(:written as bigint[]))
    order by order_id, id on conflict do nothing
    """,
    """
    insert into order_codes (shop_id, order_id, code, amount_minor, kind)
    select shop_id, order_id, code, sum(amount_minor), coalesce(max(kind), 'unknown')
    from {order_codes} where order_id > :after and order_id <= :until and order_id = any(cast(:written as bigint[]))
    group by shop_id, order_id, code on conflict do nothing
    """,
)
_PAID = """
update orders o set paid = true from {orders} s
where s.id > :after and s.id <= :until and s.paid and o.shop_id = s.shop_id and o.id = s.id and not o.paid
returning o.id, o.account_id
"""
_REFUNDS = """
with new as (
    insert into refunds (shop_id, id, order_id, lines_minor, loose_minor, shipping_minor, created_at, processed_at)
    select f.shop_id, f.id, f.order_id, f.lines_minor, f.loose_minor, f.shipping_minor, f.created_at, f.processed_at
    from {refunds} f join {orders} s on s.id = f.order_id
    where f.order_id > :after and f.order_id <= :until and f.read
    order by f.id on conflict do nothing returning shop_id, id, order_id
), pieces as (
    insert into refund_lines (shop_id, refund_id, line_id, quantity)
    select p.shop_id, p.refund_id, p.line_id, p.quantity from {refund_lines} p join new on new.id = p.refund_id
    on conflict do nothing
)
select new.order_id as id, o.account_id from new join orders o on o.shop_id = new.shop_id and o.id = new.order_id
"""


class Taken(NamedTuple):
    """A batch: the last order's id (None: no more), orders written, what changed, and orders never told of before."""

    until: int | None
    written: int
    changes: Changes
    new: set[Key]


class Owner(NamedTuple):
    """An order as far as it names its owner."""

    shop_id: int
    id: int
    customer_id: int | None
    email: str | None
    phone: str | None


def take(session: Session, shop_id: int, run_id: int, after: int, *, imported: bool, installed_at: Any) -> Taken:
    """Take in the next orders. `imported`: those from before `installed_at` earn nothing until the merchant chose."""
    place = staging.names(run_id)
    until = session.scalar(text(_UNTIL.format(**place)), {"after": after, "batch": BATCH})
    if until is None:
        return Taken(None, 0, Changes(), set())
    span = {"after": after, "until": until}
    changes = Changes()
    given = {"owners": _owners(session, place, span), "imported": imported, "installed_at": installed_at}
    written = Statement(_WRITE.format(**place)).run(session, **span, **given)
    for row in written:
        changes.orders.add((shop_id, row.id))
        changes.accounts |= {(shop_id, account) for account in (row.account_id, row.was) if account}
    if known := [row.id for row in written if row.known]:
        for statement in _CLEAR:
            session.execute(text(statement), {"shop_id": shop_id, "known": array(known)})
    parts = span | {"written": array(row.id for row in written)}
    for statement in _PARTS:
        session.execute(text(statement.format(**place)), parts)
    for statement in (_PAID, _REFUNDS):
        found = session.execute(text(statement.format(**place)), span).all()
        changes.orders |= {(shop_id, row.id) for row in found}
        changes.accounts |= {(shop_id, row.account_id) for row in found if row.account_id}
    new = {(shop_id, row.id) for row in written if not row.known}
    return Taken(until, len(written), changes, new)


def _owners(session: Session, place: dict[str, str], span: dict[str, Any]) -> str:
    """Accounts of those orders that have no customer with an account, made where they are missing."""
    found = [Owner(*row) for row in session.execute(text(_OWNERLESS.format(**place)), span)]
    owners: dict[Key, int | None] = accounts.owners_of_orders(session, found) if found else {}
    return rows({"id": order_id, "account_id": account} for (_, order_id), account in owners.items())
