"""Reads what the fold is about out of the projections: orders, lines, actions, referrals, how many orders came before.

Called by `app.loyalty.service` with the accounts of a batch, several shops at once, and by what-if questions with
whole shops. Only what the programs' rules ask for is read: lines, products' labels and numbers of orders cost time.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson
from psycopg.rows import tuple_row
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.loyalty.facts import AccountFacts, ActionFacts, LineFacts, OrderFacts, ReferralFacts
from app.loyalty.programs import ProgramRules
from app.loyalty.referral_rules import ADVOCATE, FRIEND
from app.sql import Statement

AccountKey = tuple[int, int]

_WANTED = (
    "wanted as (select * from jsonb_to_recordset(cast(:accounts as jsonb)) as a(shop_id bigint, account_id bigint))"
)
# Two look-ups, because one with `or` reads the table: the account itself, and those that were merged into it.
_EACH_MERGED = """
cross join lateral (
    select a.id from accounts a where a.shop_id = w.shop_id and a.id = w.account_id and a.merged_into is null
    union all
    select a.id from accounts a where a.shop_id = w.shop_id and a.merged_into = w.account_id
) c
"""
_OF_ORDER = """
       o.shop_id, o.id, coalesce(o.processed_at, o.created_at, o.updated_at) as business_at,
       o.updated_at as changed_at, o.currency, o.paid, o.test, o.imported, o.taxes_included, o.gift_card_minor,
       o.cancelled_at is not null as cancelled, o.deleted_at is not null as deleted,
       o.source_name, o.company_id is not null as b2b, o.payment_gateways,
       o.current_subtotal_minor - coalesce(r.taken, 0) as base_minor, coalesce(r.n, 0) > 0 as refunded,
       coalesce(r.loose, 0) as loose_minor, o.shipping_minor - coalesce(r.shipping, 0) as shipping_minor
"""
_REFUNDED = """
left join lateral (
    -- A refund that the snapshot lists has already lowered its subtotal, except for money tied to no line.
    -- Sums of bigint are numeric to PostgreSQL, and would be Decimal here.
    select sum(f.loose_minor + case when f.id = any(o.listed_refunds) then 0 else f.lines_minor end)::bigint as taken,
           sum(f.loose_minor)::bigint as loose, sum(f.shipping_minor)::bigint as shipping, count(*) as n
    from refunds f where f.shop_id = o.shop_id and f.order_id = o.id
) r on true
where o.updated_at is not null
"""
_ORDERS = Statement(f"""
with {_WANTED}
select o.account_id, {_OF_ORDER}
from wanted join orders o using (shop_id, account_id) {_REFUNDED}
""")  # noqa: S608 - constants of this module
# An order counts for whoever has it, and for the account whose code brought it, wherever that one belongs now.
_REFERRALS = Statement(f"""
with {_WANTED}, found as (
    select w.shop_id, w.account_id, '{FRIEND}' as side, r.order_id, r.refused
    from wanted w join orders o using (shop_id, account_id)
    join referrals r on r.shop_id = o.shop_id and r.order_id = o.id
    union all
    select w.shop_id, w.account_id, '{ADVOCATE}', r.order_id, r.refused
    from wanted w
    {_EACH_MERGED}
    join referrals r on r.shop_id = w.shop_id and r.advocate_account_id = c.id
)
select f.account_id, f.side, f.refused is not null as refused, {_OF_ORDER}
from found f join orders o on o.shop_id = f.shop_id and o.id = f.order_id {_REFUNDED}
""")  # noqa: S608 - constants of this module
_LINES = f"""
with {_WANTED}
select l.shop_id, l.order_id, l.product_id, l.gift_card, l.quantity,
       l.price_minor * l.quantity - l.discount_minor as net_minor, l.tax_minor,
       least(greatest(l.current_quantity - coalesce(r.quantity, 0), 0), l.quantity) as left_over, p.labels
from wanted join orders o using (shop_id, account_id)
join order_lines l on l.shop_id = o.shop_id and l.order_id = o.id
left join lateral (
    select sum(f.quantity)::bigint as quantity
    from refunds r join refund_lines f on f.shop_id = r.shop_id and f.refund_id = r.id
    where r.shop_id = l.shop_id and r.order_id = l.order_id and f.line_id = l.id and r.id <> all(o.listed_refunds)
) r on true
{{labels}}
order by l.shop_id, l.order_id, l.id
"""  # noqa: S608 - a constant of this module
# Tags and collections of the time when the order was placed.
_LABELS = """
left join lateral (
    select array_agg(p.label) as labels from product_labels p
    where p.shop_id = l.shop_id and p.product_id = l.product_id
        and p.since <= coalesce(o.processed_at, o.created_at, o.updated_at)
        and coalesce(o.processed_at, o.created_at, o.updated_at) < p.until
) p on true
"""
# There are many, so they come as they are.
_PLAIN_LINES = Statement(_LINES.format(labels="cross join (select null::text[] as labels) p"), row_factory=tuple_row)
_LABELLED_LINES = Statement(_LINES.format(labels=_LABELS), row_factory=tuple_row)
# An action stays with the account that did it; what it is worth goes to the account that this one was merged into.
_ACTIONS = text(f"""
with {_WANTED}
select w.shop_id, w.account_id, a.kind, a.key, a.business_at
from wanted w
{_EACH_MERGED}
join actions a on a.shop_id = w.shop_id and a.account_id = c.id
""")  # noqa: S608 - a constant of this module
# Shopify's count at the time of the import less the orders of then that are here; like Shopify's, ours counts unpaid
# and cancelled ones too. Unknown (null) when a customer was there before our record of orders begins and has no such
# count, and for whoever is known by an address only. Somebody merged or deleted has left all that is known elsewhere.
_EARLIER = text(f"""
with {_WANTED}
select w.shop_id, w.account_id,
       case when s.orders_complete_from is null then 0
            when count(c.id) = 0 then null
            when bool_or(i.value is not null and c.imported_orders is null and c.merged_into is null
                         and c.deleted_at is null
                         and (c.created_at is null or c.created_at < s.orders_complete_from)) then null
            else coalesce(sum(greatest(c.imported_orders - held.n, 0)), 0) end as earlier
from wanted w
join shops s on s.id = w.shop_id
cross join lateral (
    select w.account_id as id
    union all
    select a.id from accounts a where a.shop_id = w.shop_id and a.merged_into = w.account_id
) a
left join identities i on i.shop_id = w.shop_id and i.account_id = a.id and i.kind = 'customer'
left join customers c on c.shop_id = i.shop_id and c.id = cast(i.value as bigint)
left join lateral (
    select count(*) as n from orders o
    where o.shop_id = c.shop_id and o.customer_id = c.id and not o.test
        and coalesce(o.processed_at, o.created_at) <= c.imported_at
) held on c.imported_orders is not null
group by w.shop_id, w.account_id, s.orders_complete_from
""")  # noqa: S608 - a constant of this module

_CHANNEL_OF = {"pos": "pos", "shopify_draft_order": "drafts"}
_PAYMENT_OF = {"gift_card": "gift_card", "shopify_store_credit": "store_credit"}


def load(
    session: Session, accounts: Iterable[AccountKey], programs: Mapping[int, ProgramRules]
) -> dict[AccountKey, AccountFacts]:
    """The facts of these accounts; every account is in the answer."""
    wanted = sorted(set(accounts))
    asking: dict[str, list[AccountKey]] = {}
    for name in ("needs_lines", "needs_labels", "needs_ordinals", "actions", "referral"):
        shops = {shop_id for shop_id, program in programs.items() if _asks(program, name)}
        asking[name] = [key for key in wanted if key[0] in shops]
    labelled = set(asking["needs_labels"])
    lines = _lines(session, _LABELLED_LINES, sorted(labelled))
    lines |= _lines(session, _PLAIN_LINES, [key for key in asking["needs_lines"] if key not in labelled])
    orders = _orders(session, wanted, lines)
    actions = _actions(session, asking["actions"])
    earlier = earlier_orders(session, asking["needs_ordinals"])
    referrals = _referrals(session, asking["referral"])
    return {
        key: AccountFacts(
            orders=tuple(orders.get(key, ())),
            actions=tuple(actions.get(key, ())),
            earlier_orders=earlier.get(key, 0),
            referrals=tuple(referrals.get(key, ())),
        )
        for key in wanted
    }


def _asks(program: ProgramRules, what: str) -> bool:
    return any(getattr(rules, what) for rules in program.versions)


def _orders(
    session: Session, wanted: list[AccountKey], lines: dict[AccountKey, list[LineFacts]]
) -> dict[AccountKey, list[OrderFacts]]:
    found: dict[AccountKey, list[OrderFacts]] = {}
    for row in _ORDERS.run(session, accounts=_rows(wanted)) if wanted else ():
        found.setdefault((row.shop_id, row.account_id), []).append(_order(row, lines))
    return found


def _order(row: Any, lines: dict[AccountKey, list[LineFacts]]) -> OrderFacts:
    return OrderFacts(
        id=row.id,
        business_at=row.business_at,
        changed_at=row.changed_at,
        currency=row.currency,
        base_minor=max(row.base_minor, 0),
        gift_card_minor=row.gift_card_minor,
        loose_minor=row.loose_minor,
        shipping_minor=max(row.shipping_minor, 0),
        taxes_included=row.taxes_included,
        lines=tuple(lines.get((row.shop_id, row.id), ())),
        channels=_channels(row.source_name, row.b2b),
        payments=_payments(tuple(row.payment_gateways)),
        imported=row.imported,
        refunded=row.refunded,
        paid=row.paid,
        test=row.test,
        cancelled=row.cancelled,
        deleted=row.deleted,
    )


@lru_cache(1_000)
def _payments(gateways: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_PAYMENT_OF[name] for name in gateways if name in _PAYMENT_OF)


@lru_cache(1_000)
def _channels(source_name: str | None, b2b: bool) -> frozenset[str]:
    channel = _CHANNEL_OF.get(source_name or "")
    return frozenset(name for name in (channel, "b2b" if b2b else None) if name)


def _lines(session: Session, statement: Statement, wanted: list[AccountKey]) -> dict[AccountKey, list[LineFacts]]:
    found: dict[AccountKey, list[LineFacts]] = {}
    rows = statement.run(session, accounts=_rows(wanted)) if wanted else ()
    for shop_id, order_id, product_id, gift_card, quantity, net_minor, tax_minor, left, labels in rows:
        amount, tax = _share(net_minor, left, quantity), _share(tax_minor, left, quantity)
        line = LineFacts(amount, tax, left, gift_card, _labels(product_id, tuple(labels or ())))
        found.setdefault((shop_id, order_id), []).append(line)
    return found


@lru_cache(100_000)
def _labels(product_id: int | None, labels: tuple[str, ...]) -> frozenset[str]:
    return frozenset({*labels, f"product:{product_id}"})


def _share(amount: int, part: int, whole: int) -> int:
    """What of an amount belongs to some of its pieces, half up."""
    if part == whole:
        return amount if whole else 0
    return (2 * amount * part + whole) // (2 * whole)


def _actions(session: Session, wanted: list[AccountKey]) -> dict[AccountKey, list[ActionFacts]]:
    found: dict[AccountKey, list[ActionFacts]] = {}
    for row in session.execute(_ACTIONS, {"accounts": _rows(wanted)}) if wanted else ():
        action = ActionFacts(kind=row.kind, key=row.key, business_at=row.business_at)
        found.setdefault((row.shop_id, row.account_id), []).append(action)
    return found


def _referrals(session: Session, wanted: list[AccountKey]) -> dict[AccountKey, list[ReferralFacts]]:
    found: dict[AccountKey, list[ReferralFacts]] = {}
    for row in _REFERRALS.run(session, accounts=_rows(wanted)) if wanted else ():
        fact = ReferralFacts(side=row.side, order=_order(row, {}), refused=row.refused)
        found.setdefault((row.shop_id, row.account_id), []).append(fact)
    return found


def earlier_orders(session: Session, wanted: list[AccountKey]) -> dict[AccountKey, int | None]:
    """How many orders each account had placed before the first one here; None is unknown."""
    rows = session.execute(_EARLIER, {"accounts": _rows(wanted)}) if wanted else ()
    return {(row.shop_id, row.account_id): None if row.earlier is None else int(row.earlier) for row in rows}


def _rows(accounts: list[AccountKey]) -> str:
    return orjson.dumps([{"shop_id": shop_id, "account_id": account_id} for shop_id, account_id in accounts]).decode()
