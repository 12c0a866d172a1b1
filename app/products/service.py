"""Bringing products' labels up to date with what was told of them, and noting which products have to be read.

Called by the webhook handlers, by the jobs in `reading` and by `app.reactions`. Labels are a function of the statements
held, never of the order in which they came: between two statements the earlier one holds, before the first one that one
does, so that orders of before get the same points however late a product becomes known. Of unchanged runs only both
ends are kept, once they are so old that no delivery can fall between them any more.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock, jobs, sql
from app.changes import Key
from app.products.payload import Statement
from app.sql import keys, rows

# Shopify gives up after eight tries in four hours, a merchant's replay comes within days.
LATEST_DELIVERY = timedelta(days=7)
# What is wanted for so long that its job must have been lost.
READ_SOON = timedelta(minutes=5)

_LOCK = text("""
insert into products (shop_id, id)
select shop_id, id from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint) order by 1, 2
on conflict (shop_id, id) do update set id = excluded.id
""")
_STATE = text("""
insert into product_statements as s
select * from jsonb_populate_recordset(null::product_statements, cast(:rows as jsonb))
on conflict (shop_id, product_id, source, at) do update set told_at = excluded.told_at, labels = excluded.labels
where (s.told_at, s.labels) < (excluded.told_at, excluded.labels)
""")
_FORGET = text("""
with runs as (
    select s.shop_id, s.product_id, s.source, s.at, max(s.at) over (partition by s.shop_id, s.product_id, s.source) as
           newest, lag(s.labels) over w = s.labels and lead(s.labels) over w = s.labels as says_nothing
    from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
    join product_statements s on s.shop_id = k.shop_id and s.product_id = k.id
    window w as (partition by s.shop_id, s.product_id, s.source order by s.at)
)
delete from product_statements s using runs r
where r.says_nothing and r.at < r.newest - cast(:age as interval)
    and (s.shop_id, s.product_id, s.source, s.at) = (r.shop_id, r.product_id, r.source, r.at)
""")
# Spans of statements, each label's neighbouring spans joined, and what differs from the labels held so far.
_RELABEL = text("""
with touched as (
    select * from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, product_id bigint)
), spans as (
    select shop_id, product_id, s.labels,
           case when lag(s.at) over w is null then timestamptz '-infinity' else s.at end as since,
           lead(s.at, 1, timestamptz 'infinity') over w as until
    from touched join product_statements s using (shop_id, product_id)
    window w as (partition by shop_id, product_id, s.source order by s.at)
), pieces as (
    select shop_id, product_id, label, since, until,
           lag(until) over (partition by shop_id, product_id, label order by since) is distinct from since as begins
    from spans cross join lateral unnest(labels) as l(label)
), numbered as (
    select *, count(*) filter (where begins) over (partition by shop_id, product_id, label order by since) as run
    from pieces
), labels as (
    select shop_id, product_id, label, min(since) as since, max(until) as until
    from numbered group by shop_id, product_id, label, run
), held as (
    select p.* from touched join product_labels p using (shop_id, product_id)
), gone as (
    delete from product_labels p using held h
    where (p.shop_id, p.product_id, p.label, p.since) = (h.shop_id, h.product_id, h.label, h.since)
        and not exists (select 1 from labels l where (l.shop_id, l.product_id, l.label, l.since)
                                                   = (h.shop_id, h.product_id, h.label, h.since))
), written as (
    insert into product_labels as p (shop_id, product_id, label, since, until)
    select shop_id, product_id, label, since, until from labels
    on conflict (shop_id, product_id, label, since) do update set until = excluded.until
    where p.until <> excluded.until
)
select shop_id, product_id,
       cast(min(case when l.until is null or h.until is null then since else least(l.until, h.until) end) as text)
           as since
from labels l full join held h using (shop_id, product_id, label, since)
where l.until is distinct from h.until
group by shop_id, product_id order by shop_id, product_id
""")


def take_in(session: Session, statements: Iterable[Statement]) -> None:
    """Note what was told of products; orders that this concerns are settled by jobs."""
    held: dict[tuple[object, ...], Statement] = {}
    for told in sorted(statements, key=lambda told: (told.told_at, told.labels)):
        held[told.shop_id, told.product_id, told.source, told.at] = told
    if not held:
        return
    products = {(told.shop_id, told.product_id) for told in held.values()}
    session.execute(_LOCK, {"keys": keys(products)})
    session.execute(_STATE, {"rows": rows(told.__dict__ for told in held.values())})
    session.execute(_FORGET, {"keys": keys(products), "age": LATEST_DELIVERY})
    changed = session.execute(_RELABEL, {"keys": keys(products, "product_id")}).all()
    jobs.enqueue_all(session, [_settling(row.shop_id, row.product_id, row.since) for row in changed])


def _settling(shop_id: int, product_id: int, since: str) -> jobs.Planned:
    """`since` is PostgreSQL's text of an instant: mostly -infinity, which Python's instants do not know."""
    return jobs.Planned(
        "products.settle",
        {"shop_id": shop_id, "product_id": product_id, "since": since},
        queueing_lock=f"products.settle:{shop_id}:{product_id}:{since}",
    )


# Every batch of the inbox asks this; mostly no rule does.
_WANT_UNKNOWN = sql.Statement("""
with touched as (
    select * from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
), asking as (
    select s.shop_id from (select distinct shop_id from touched) s
    where exists (select 1 from rule_versions v
                  where v.shop_id = s.shop_id and (v.rules @? '$.**.tags' or v.rules @? '$.**.collections'))
)
insert into products as p (shop_id, id, wanted_at)
select distinct l.shop_id, l.product_id, cast(:now as timestamptz)
from asking join touched t using (shop_id)
join order_lines l on l.shop_id = t.shop_id and l.order_id = t.id
where l.product_id is not null
    and not exists (select 1 from products p where p.shop_id = l.shop_id and p.id = l.product_id
                        and (p.read_at is not null or p.wanted_at is not null))
order by 1, 2
on conflict (shop_id, id) do update set wanted_at = excluded.wanted_at where p.read_at is null
returning shop_id
""")
# A product that was never read is read when it is first ordered.
_WANT_AGAIN = text("""
update products p set wanted_at = :now
from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
where p.shop_id = k.shop_id and p.id = k.id and p.read_at is not null
    and exists (select 1 from rule_versions v where v.shop_id = k.shop_id and v.rules @? '$.**.collections')
returning p.shop_id
""")
_WANT_HISTORY = text("""
insert into products as p (shop_id, id, wanted_at)
select distinct l.shop_id, l.product_id, cast(:now as timestamptz)
from order_lines l where l.shop_id = :shop_id and l.product_id is not null
order by 1, 2
on conflict (shop_id, id) do update set wanted_at = excluded.wanted_at where p.read_at is null and p.wanted_at is null
returning shop_id
""")


def want_unknown(session: Session, orders: Iterable[Key]) -> None:
    """Have the products of these orders read that we know nothing of, in shops whose rules ask for labels."""
    touched = keys(orders)
    if touched != "[]":
        plan_reading(session, {row.shop_id for row in _WANT_UNKNOWN.run(session, keys=touched, now=clock.wall_now())})


def want_again(session: Session, products: Iterable[Key]) -> None:
    """Have known products read that changed: a webhook does not tell their collections. Only where a rule asks."""
    found = session.execute(_WANT_AGAIN, {"keys": keys(products), "now": clock.wall_now()})
    plan_reading(session, {row.shop_id for row in found})


def want_history(session: Session, shop_id: int) -> None:
    """Have all products read that were ever ordered: for rules that are to say what orders of before are worth."""
    found = session.execute(_WANT_HISTORY, {"shop_id": shop_id, "now": clock.wall_now()})
    plan_reading(session, {row.shop_id for row in found})


def plan_reading(session: Session, shops: Iterable[int]) -> None:
    """One job a shop reads what is wanted."""
    planned = [
        jobs.Planned("products.read", {"shop_id": shop_id}, queueing_lock=f"products.read:{shop_id}")
        for shop_id in sorted(set(shops))
    ]
    jobs.enqueue_all(session, planned)


_COMPARED = text("""
select k.shop_id, k.id
from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
where exists (select 1 from rule_versions v, lateral jsonb_path_query(v.rules, '$.**.collections[*]') as c(id)
              where v.shop_id = k.shop_id and c.id #>> '{}' = cast(k.id as text))
""")


def compare_collections(session: Session, collections: Sequence[Key]) -> None:
    """Have collections compared that a rule names: a webhook does not tell which products came and went."""
    planned = [
        jobs.Planned(
            "products.compare_collection",
            {"shop_id": row.shop_id, "collection_id": row.id},
            queueing_lock=f"products.compare_collection:{row.shop_id}:{row.id}",
        )
        for row in session.execute(_COMPARED, {"keys": keys(collections)})
    ]
    jobs.enqueue_all(session, planned)
