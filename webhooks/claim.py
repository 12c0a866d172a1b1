"""Which events a loop takes next.

A loop locks partitions (each holds the shops that hash to it) for its transaction; a killed worker frees them at once,
and one shop is never in two hands. It takes one partition that has work, and while that does not fill a batch further
ones: a transaction costs the same for five events as for fifty. Within them every shop's oldest events come in turn,
compliance first, a company at a time: events of one shop that are handled together cost a fraction, because most tell
of the same few orders. The company that has waited longest goes first, so no shop keeps another waiting. Events that
were in hand when a worker ended come first and in smaller groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from app import clock
from app.sql import Statement, rows
from webhooks.models import PARTITIONS

BATCH = 500
COMPANY = 20
# Of sealed bodies: parsed they take many times as much memory, and reading a batch must not take FROZEN_AFTER.
BATCH_BYTES = 16_000_000
FROZEN_AFTER = "3s"
# How many events share a transaction after as many deaths in company: so the fatal one is alone at its third.
_IN_COMPANY = {1: 25}


class Claimed(NamedTuple):
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


# Counted up to a batch. Whoever wants company must not be suspected of ending workers.
_WAITING = """
    select count(*) as waiting, coalesce(max(deaths), 0) > 0 as suspected
    from (select e.deaths from inbox_events e where e.partition = {of}.id and e.state = 'pending' limit :batch) e
"""
_FIRST = Statement(f"""
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
select id as partition, nextval(cast('inbox_starts_' || id as regclass)) as start, ended, waiting, suspected,
       set_config('idle_in_transaction_session_timeout', :frozen_after, true) as frozen_after
from locked cross join lateral ({_WAITING.format(of="locked")}) w
""")  # noqa: S608 - a constant of this module
# Round the ring from the first one on, until there is enough. What follows a death has a turn of its own.
_MORE = Statement(f"""
with recursive ring as (
    select 1 as step, cast(:first as int) as id, cast(:waiting as bigint) as total, false as joins
    union all
    select step + 1, here.id, total + case when w.suspected then 0 else w.waiting end,
           w.waiting between 1 and :batch - 1 and not w.suspected
    from ring cross join lateral (select (ring.id + 1) % :partitions as id) here
    cross join lateral ({_WAITING.format(of="here")}) w
    where step < :partitions and total < :batch
), locked as materialized (
    select p.id, p.ended from inbox_partitions p join ring using (id)
    where ring.joins
        and coalesce(pg_sequence_last_value(cast('inbox_starts_' || p.id as regclass)), 0) <= p.ended
    for update of p skip locked
)
select id as partition, nextval(cast('inbox_starts_' || id as regclass)) as start, ended from locked
""")  # noqa: S608 - a constant of this module


def begin_turns(session: Session, offset: int, batch: int = BATCH) -> list[Turn]:
    """Lock partitions that have work, none if there is nothing to do; `offset` makes loops begin at different ones.

    From now on the server ends this session if we say nothing for FROZEN_AFTER: the locks of a frozen process are free
    again, and when it wakes up its transaction is gone.
    """
    parameters = {"offset": offset, "partitions": PARTITIONS, "frozen_after": FROZEN_AFTER, "batch": batch}
    for first in _FIRST.run(session, **_due(), **parameters):
        turn = Turn(first.partition, first.start, first.ended)
        if turn.follows_a_death or first.suspected or first.waiting >= batch:
            return [turn]
        around = {"first": first.partition, "waiting": first.waiting, "partitions": PARTITIONS, "batch": batch}
        return [turn, *(Turn(*row) for row in _MORE.run(session, **around))]
    return []


_ENDED = "jsonb_to_recordset(cast(:turns as jsonb)) as t(partition smallint, start bigint)"
_END = Statement(f"update inbox_partitions p set ended = start from {_ENDED} where p.id = t.partition")  # noqa: S608 - as above


def end_turns(session: Session, turns: Sequence[Turn]) -> None:
    """Note, in the transaction that did the work, that these starts came to their end."""
    _END.run(session, turns=_named(turns))


_EXCUSE = Statement(f"""
update inbox_partitions p set ended = greatest(ended, start) from {_ENDED}
where p.id = t.partition and p.id in (
    select id from inbox_partitions where id in (select partition from {_ENDED}) for update skip locked)
""")  # noqa: S608 - a constant of this module


def excuse_turns(session: Session, turns: Sequence[Turn]) -> None:
    """Turns that the database refused are no death; nothing happens where another worker has taken the next one."""
    _EXCUSE.run(session, turns=_named(turns))


def _named(turns: Sequence[Turn]) -> str:
    return rows({"partition": turn.partition, "start": turn.start} for turn in turns)


# A process that froze while an answer was on its way does not idle; its session is ended by the other workers.
_RELEASE = Statement("""
select pg_terminate_backend(pid) from pg_stat_activity
where usename = current_user and datname = current_database() and pid <> pg_backend_pid()
    and xact_start is not null and wait_event = 'ClientWrite'
    and state_change < clock_timestamp() - cast(:frozen_after as interval)
""")


def release_frozen(session: Session) -> None:
    """End sessions whose client has stopped reading in the middle of a transaction; every worker looks now and then."""
    _RELEASE.run(session, frozen_after=FROZEN_AFTER)


# The distinct shops are found by hopping over the index, not by reading a shop's whole backlog.
_EVENTS = Statement("""
with recursive waiting as (
    select p.id as partition, (select e.shop_id from inbox_events e where e.partition = p.id and e.state = 'pending'
                               order by e.shop_id limit 1) as shop_id
    from unnest(cast(:partitions as smallint[])) as p(id)
    union all
    select w.partition, (select e.shop_id from inbox_events e
                         where e.partition = w.partition and e.state = 'pending' and e.shop_id > w.shop_id
                         order by e.shop_id limit 1)
    from waiting w where w.shop_id is not null
), turns as (
    select e.shop_id, e.id, e.size, row_number() over (partition by e.shop_id order by e.lane, e.id) as turn
    from waiting w cross join lateral (
        select e.shop_id, e.lane, e.id, coalesce(octet_length(e.body), 0) as size from inbox_events e
        where e.partition = w.partition and e.shop_id = w.shop_id and e.state = 'pending'
            and (e.retry_at is null or e.retry_at not between :now and :soon)
        order by e.lane, e.id limit (select greatest(:company, :batch / count(shop_id)) from waiting)
    ) e
), companies as (
    select *, (turn - 1) / :company as round, min(id) over (partition by shop_id, (turn - 1) / :company) as oldest
    from turns
), queue as (
    select shop_id, id, row_number() over in_turn as place, sum(size) over in_turn - size as bytes_before
    from companies window in_turn as (order by round, oldest, shop_id, turn)
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


def claim(session: Session, partitions: Sequence[int], batch: int = BATCH) -> Sequence[Claimed]:
    """The next events of locked partitions: at most `batch`, and no more once BATCH_BYTES are reached."""
    limits = {"batch": batch, "company": COMPANY, "bytes": BATCH_BYTES}
    found = _EVENTS.run(session, **_due(), partitions=list(partitions), **limits)
    events = [Claimed._make(row) for row in found]
    deaths = max((event.deaths for event in events), default=0)
    if not deaths:
        return events
    return [event for event in events if event.deaths == deaths][: _IN_COMPANY.get(deaths, 1)]
