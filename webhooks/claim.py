"""Which events a loop takes next.

A loop locks one partition (it holds the shops that hash to it) for its transaction; a killed worker frees it at once,
and one shop is never in two hands. Within it every shop's oldest events come in turn, compliance first, and no shop
takes more than its share of a batch while others wait. Events that were in hand when a worker ended come first and in
smaller groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from webhooks.models import PARTITIONS

BATCH = 500
SHARE = 100
# Of sealed bodies: parsed they take many times as much memory, and reading a batch must not take FROZEN_AFTER.
BATCH_BYTES = 16_000_000
FROZEN_AFTER = "3s"
# How many events share a transaction after as many deaths in company: so the fatal one is alone at its third.
_IN_COMPANY = {1: 25}


@dataclass(frozen=True)
class Claimed:
    """A pending event as it is stored."""

    shop_id: int
    shop_domain: str
    shopify_id: int | None
    shop_currency: str
    id: int
    topic: str
    webhook_id: str
    triggered_at: datetime
    received_at: datetime
    attempts: int
    deaths: int
    body: bytes | None


@dataclass(frozen=True)
class Turn:
    """A locked partition. A sequence counts starts, the row those that were committed; between them is lost work."""

    partition: int
    start: int
    ended: int

    @property
    def follows_a_death(self) -> bool:
        """Whether the last worker ended, lost its connection or was frozen in the middle of its work."""
        return self.start > self.ended + 1


_TURN = text("""
with locked as materialized (
    select p.id, p.ended from inbox_partitions p
    where exists (
        select 1 from inbox_events e
        where e.partition = p.id and e.state = 'pending'
            and (e.retry_at is null or e.retry_at not between :now and :soon)
    )
    order by (p.id + :offset) % :partitions
    limit 1 for update skip locked
)
select id as partition, nextval(cast('inbox_starts_' || id as regclass)) as start, ended,
       set_config('idle_in_transaction_session_timeout', :frozen_after, true) as frozen_after
from locked
""")
_END = text("update inbox_partitions set ended = :start where id = :partition")


def begin_turn(session: Session, offset: int) -> Turn | None:
    """Lock a partition that has work; `offset` turns the order, so that loops do not all begin at the same one.

    From now on the server ends this session if we say nothing for FROZEN_AFTER: the lock of a frozen process is free
    again, and when it wakes up its transaction is gone.
    """
    parameters = {**_due(), "offset": offset, "partitions": PARTITIONS, "frozen_after": FROZEN_AFTER}
    found = session.execute(_TURN, parameters).one_or_none()
    return Turn(found.partition, found.start, found.ended) if found else None


def end_turn(session: Session, turn: Turn) -> None:
    """Note, in the transaction that did the work, that this start came to its end."""
    session.execute(_END, {"start": turn.start, "partition": turn.partition})


_EXCUSE = text("""
update inbox_partitions set ended = greatest(ended, :start)
where id = (select id from inbox_partitions where id = :partition for update skip locked)
""")


def excuse_turn(session: Session, turn: Turn) -> None:
    """A turn that the database refused is no death; nothing happens if another worker has taken the next one."""
    session.execute(_EXCUSE, {"start": turn.start, "partition": turn.partition})


# A process that froze while an answer was on its way does not idle; its session is ended by the other workers.
_RELEASE = text("""
select pg_terminate_backend(pid) from pg_stat_activity
where usename = current_user and datname = current_database() and pid <> pg_backend_pid()
    and xact_start is not null and wait_event = 'ClientWrite'
    and state_change < clock_timestamp() - cast(:frozen_after as interval)
""")


def release_frozen(session: Session) -> None:
    """End sessions whose client has stopped reading in the middle of a transaction; every worker looks now and then."""
    session.execute(_RELEASE, {"frozen_after": FROZEN_AFTER})


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
    select e.shop_id, e.id, e.size, row_number() over (partition by e.shop_id order by e.lane, e.id) as turn
    from waiting cross join lateral (
        select shop_id, lane, id, coalesce(octet_length(body), 0) as size from inbox_events
        where partition = :partition and shop_id = waiting.shop_id and state = 'pending'
            and (retry_at is null or retry_at not between :now and :soon)
        order by lane, id limit (select greatest(:share, :batch / count(shop_id)) from waiting)
    ) e
), queue as (
    select shop_id, id, row_number() over in_turn as place, sum(size) over in_turn - size as bytes_before
    from turns window in_turn as (order by (turn - 1) / :share, turn, shop_id)
), chosen as (
    select shop_id, id from queue where place <= :batch and bytes_before < :bytes
)
select e.shop_id, s.domain as shop_domain, s.shopify_id, s.currency as shop_currency, e.id, e.topic, e.webhook_id,
       e.triggered_at, e.received_at, e.attempts, e.deaths, e.body
from chosen join inbox_events e using (shop_id, id) join shops s on s.id = e.shop_id
order by e.shop_id, e.lane, e.id
""")


def _due() -> dict[str, datetime]:
    """No pause before another try is a minute long: one that ends later was planned before the clock stepped back."""
    now = clock.wall_now()
    return {"now": now, "soon": now + timedelta(minutes=1)}


def claim(session: Session, partition: int, batch: int = BATCH) -> Sequence[Claimed]:
    """The next events of a locked partition: at most `batch`, and no more once BATCH_BYTES are reached."""
    limits = {"batch": batch, "share": SHARE, "bytes": BATCH_BYTES}
    rows = session.execute(_EVENTS, {**_due(), "partition": partition, **limits})
    events = [Claimed(**row._mapping) for row in rows]
    deaths = max((event.deaths for event in events), default=0)
    if not deaths:
        return events
    return [event for event in events if event.deaths == deaths][: _IN_COMPANY.get(deaths, 1)]
