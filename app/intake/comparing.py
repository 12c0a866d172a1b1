"""Shopify's orders as they were read against ours: which are missed, which are told otherwise here.

Both sides are put through one digest of the fields in use that webhooks and the Admin API tell alike, in the database,
order by order. What is newer here, or deleted, is right as it is. What agrees leaves the staging: the rest is taken in.
"""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.intake import staging

BATCH = 5_000

_FIELDS = (
    "customer_id", "name", "source_name", "company_id", "currency", "subtotal_minor", "current_subtotal_minor",
    "total_minor", "current_total_minor", "tax_minor", "tip_minor", "discounts_minor", "presentment_currency",
    "presentment_total_minor", "taxes_included", "payment_gateways", "test", "financial_status", "created_at",
    "processed_at", "cancelled_at", "listed_refunds",
)  # fmt: skip
# Of deleted products the Admin API tells no id.
_LINE = "l.id, l.quantity, l.current_quantity, l.price_minor, l.discount_minor, l.tax_minor, l.gift_card"


def _digest(order: str, side: str) -> str:
    fields = ", ".join(f"{order}.{field}" for field in _FIELDS)
    return f"sha256(convert_to(row({fields}, {side}_lines.digest, {side}_codes.digest)::text, 'UTF8'))"


def _parts(side: str, lines: str, codes: str) -> str:
    """Digests of lines and codes, of the orders in hand."""
    return f"""
{side}_lines as (
    select l.order_id, sha256(convert_to(string_agg(row({_LINE})::text, ',' order by l.id), 'UTF8')) as digest
    from told t join {lines} l on l.shop_id = t.shop_id and l.order_id = t.id group by l.order_id
), {side}_codes as (
    select c.order_id, string_agg(distinct c.code, ',' order by c.code) as digest
    from told t join {codes} c on c.shop_id = t.shop_id and c.order_id = t.id group by c.order_id
)"""  # noqa: S608 - names of our own


_COMPARE = f"""
with told as materialized (
    select * from {{orders}} where id > :after order by id limit :batch
), {_parts("their", "{order_lines}", "{order_codes}")}, {_parts("our", "order_lines", "order_codes")},
verdicts as (
    select t.id, case
        when o.updated_at is null and o.deleted_at is null then 'missed'
        when o.deleted_at is not null or (o.updated_at, o.triggered_at) >= (t.updated_at, t.triggered_at) then 'same'
        when {_digest("t", "their")} = {_digest("o", "our")}
            and (t.email is not distinct from o.email or o.redacted_at is not null or c.redacted_at is not null)
            and o.paid >= t.paid
            and t.shipping_minor + coalesce(back.shipping, 0) = o.shipping_minor
            and coalesce(back.n, 0) = cardinality(t.listed_refunds) then 'same'
        else 'stale' end as verdict
    from told t
    left join orders o on o.shop_id = t.shop_id and o.id = t.id
    left join customers c on c.shop_id = t.shop_id and c.id = t.customer_id
    left join their_lines on their_lines.order_id = t.id
    left join their_codes on their_codes.order_id = t.id
    left join our_lines on our_lines.order_id = t.id
    left join our_codes on our_codes.order_id = t.id
    left join lateral (
        select count(*) as n, sum(f.shipping_minor) as shipping from refunds f
        where f.shop_id = t.shop_id and f.order_id = t.id and f.id = any(t.listed_refunds)
    ) back on cardinality(t.listed_refunds) > 0
)
"""  # noqa: S608 - names of our own
_REPORT = """
select max(id) as until, count(*) filter (where verdict = 'missed') as missed,
       count(*) filter (where verdict = 'stale') as stale
from verdicts
"""
_SETTLE = f"""
, agreed as (
    delete from {{orders}} s using verdicts v where s.id = v.id and v.verdict = 'same'
)
{_REPORT}
"""  # noqa: S608 - a constant of ours


class Compared(NamedTuple):
    """A batch: the last order's id (None: there are no more), how many are not here, how many are otherwise here."""

    until: int | None
    missed: int
    stale: int


_ANYTHING = text("select exists (select from orders where shop_id = :shop_id)")


def nothing_here(session: Session, shop_id: int, run_id: int) -> int | None:
    """In a shop that has no orders yet all are missed: how many that is; None where there is something to compare."""
    if session.scalar(_ANYTHING, {"shop_id": shop_id}):
        return None
    return int(session.scalar(text(f"select count(*) from {staging.name(run_id, 'orders')}")) or 0)  # noqa: S608 - a name of ours


def compare(session: Session, run_id: int, after: int, *, settle: bool = True) -> Compared:
    """Compare the next orders; with `settle` those that agree leave the staging."""
    statement = (_COMPARE + (_SETTLE if settle else _REPORT)).format(**staging.names(run_id))
    return Compared(*session.execute(text(statement), {"after": after, "batch": BATCH}).one())
