"""Which events a loop takes next.

A loop locks one partition (it holds the shops that hash to it) for its transaction; a killed worker frees it at once,
and one shop is never in two hands. Within it every shop's oldest events come in turn, compliance first, and no shop
takes more than its share of a batch while others wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock

BATCH = 500
SHARE = 100


@dataclass(frozen=True)
class Claimed:
    """A pending event as it is stored."""

    shop_id: int
    shop_domain: str
    shopify_id: int | None
    id: int
    topic: str
    webhook_id: str
    triggered_at: datetime
    received_at: datetime
    attempts: int
    body: bytes | None


_PARTITION = text("""
select p.id from inbox_partitions p
where exists (
    select 1 from inbox_events e
    where e.partition = p.id and e.state = 'pending' and (e.retry_at is null or e.retry_at <= :now)
)
order by (p.id + :offset) % 64
limit 1 for update skip locked
""")


def lock_partition(session: Session, offset: int) -> int | None:
    """Lock a partition that has work; `offset` turns the order, so that loops do not all begin at the same one."""
    found = session.execute(_PARTITION, {"now": clock.wall_now(), "offset": offset}).one_or_none()
    return found.id if found else None


# The distinct shops are found by hopping over the index, not by reading a shop's whole backlog.
_EVENTS = text("""
with recursive waiting as (
    (select shop_id from inbox_events where partition = :partition and state = 'pending' order by shop_id limit 1)
    union all
    select (select e.shop_id from inbox_events e
            where e.partition = :partition and e.state = 'pending' and e.shop_id > waiting.shop_id
            order by e.shop_id limit 1)
    from waiting where waiting.shop_id is not null
), turns as (
    select e.shop_id, e.id, row_number() over (partition by e.shop_id order by e.lane, e.id) as turn
    from waiting cross join lateral (
        select shop_id, lane, id from inbox_events
        where partition = :partition and shop_id = waiting.shop_id and state = 'pending'
            and (retry_at is null or retry_at <= :now)
        order by lane, id limit :batch
    ) e
), chosen as (
    select shop_id, id from turns order by (turn - 1) / :share, shop_id, turn limit :batch
)
select e.shop_id, s.domain as shop_domain, s.shopify_id, e.id, e.topic, e.webhook_id, e.triggered_at, e.received_at,
       e.attempts, e.body
from chosen join inbox_events e using (shop_id, id) join shops s on s.id = e.shop_id
order by e.shop_id, e.lane, e.id
""")


def claim(session: Session, partition: int, batch: int = BATCH) -> Sequence[Claimed]:
    """The next events of a locked partition, at most `batch`."""
    rows = session.execute(_EVENTS, {"partition": partition, "now": clock.wall_now(), "batch": batch, "share": SHARE})
    return [Claimed(**row._mapping) for row in rows]
