"""Tags of customers, which rules and segments may name: from webhooks of their own, and whole from imports.

`customers/create|update` carry no tags since 2025-01. A tag is stored with when it was last put on or taken off, so
that webhooks may come in any order; a list that was read whole (`tags_at`) answers for everything before it. Gone with
the customer, as the column is. Shopify compares tags without regard to case, and so do we.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import payload
from app.changes import Key
from app.payload import BadPayload, Body
from app.segments import dirty
from app.sql import Statement, rows

# Shopify's own limit; longer ones never come.
_LONGEST = 255


@dataclass(frozen=True)
class TagNews:
    """These tags were put on a customer, or taken off (`held` false), at an instant."""

    shop_id: int
    customer_id: int
    tags: tuple[str, ...]
    held: bool
    at: datetime


def parse_news(shop_id: int, body: Body, triggered_at: datetime, *, held: bool) -> TagNews:
    """The news in `customer.tags_added` and `customer.tags_removed`; raises BadPayload."""
    return TagNews(
        shop_id=shop_id,
        customer_id=payload.needed_id(body, "customerId"),
        tags=folded(body.get("tags")),
        held=held,
        at=payload.instant(body, "occurredAt") or triggered_at,
    )


def folded(tags: object) -> tuple[str, ...]:
    """A list of tags as they are stored and asked for, each once; raises BadPayload for anything else."""
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadPayload("wrong-type", "tags is not a list of texts")
    clean = {tag.replace("\x00", "").strip().casefold()[:_LONGEST] for tag in tags}
    return tuple(sorted(clean - {""}))


# Of what was told at one instant, that a tag is gone holds.
_NEWS = Statement("""
insert into customers as c (shop_id, id, tags)
select shop_id, id, tags from jsonb_to_recordset(cast(:rows as jsonb)) as r(shop_id bigint, id bigint, tags jsonb)
order by shop_id, id
on conflict (shop_id, id) do update set tags = (
    select jsonb_object_agg(f.key, f.value) from (
        select distinct on (n.key) n.key, n.value from (
            select key, value from jsonb_each(c.tags)
            union all
            select key, value from jsonb_each(excluded.tags)
            where c.tags_at is null or cast(value ->> 'at' as timestamptz) > c.tags_at
        ) n order by n.key, cast(n.value ->> 'at' as timestamptz) desc, cast(n.value ->> 'held' as boolean)
    ) f)
where c.deleted_at is null and c.redacted_at is null and c.merged_into is null
returning c.shop_id, c.id
""")


def apply(session: Session, news: Sequence[TagNews]) -> None:
    """Take in what webhooks said; a customer may be unknown as yet."""
    told: dict[Key, dict[str, dict[str, Any]]] = {}
    for item in sorted(news, key=lambda item: (item.at, not item.held)):
        facts = told.setdefault((item.shop_id, item.customer_id), {})
        facts |= {tag: {"at": item.at, "held": item.held} for tag in item.tags}
    values = [{"shop_id": shop, "id": customer, "tags": facts} for (shop, customer), facts in told.items() if facts]
    if values:
        written = _NEWS.run(session, rows=rows(values))
        dirty.note_customers(session, {(row.shop_id, row.id) for row in written})


def facts(tags: Iterable[str], at: datetime) -> dict[str, dict[str, Any]]:
    """A list that was read whole, as it is stored."""
    return {tag: {"at": at, "held": True} for tag in tags}


# News from after the reading stay. Who had these tags already is left alone: most have, and have had none.
_LISTS = Statement("""
update customers c set tags = told.facts, tags_at = cast(:at as timestamptz)
from (
    select c.id, nullif(coalesce(r.tags, '{}') || coalesce(
               (select jsonb_object_agg(key, value) from jsonb_each(c.tags)
                where cast(value ->> 'at' as timestamptz) > cast(:at as timestamptz)), '{}'), '{}') as facts
    from jsonb_to_recordset(cast(:rows as jsonb)) as r(id bigint, tags jsonb)
    join customers c on c.shop_id = :shop_id and c.id = r.id
    where c.deleted_at is null and c.redacted_at is null and c.merged_into is null
        and (c.tags_at is null or c.tags_at < cast(:at as timestamptz))
        and array(select jsonb_object_keys(r.tags) order by 1)
            <> array(select key from jsonb_each(c.tags) where cast(value ->> 'held' as boolean) order by 1)
) told
where c.shop_id = :shop_id and c.id = told.id
returning c.shop_id, c.id
""")


def apply_lists(session: Session, shop_id: int, lists: Mapping[int, Iterable[str]], at: datetime) -> None:
    """All tags of these customers of a shop, as they were at an instant or later."""
    values = rows({"id": customer, "tags": facts(tags, at)} for customer, tags in sorted(lists.items()))
    changed = _LISTS.run(session, shop_id=shop_id, rows=values, at=at)
    dirty.note_customers(session, {(row.shop_id, row.id) for row in changed})
