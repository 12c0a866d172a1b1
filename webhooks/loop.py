"""The inbox loop: claim, read, handle, settle, mark done, in one transaction (design section 3).

Effects in the database are exactly once because they commit together with the mark. If a batch raises, it is halved
until the event that cannot be handled is alone; that one is tried again later, a few times, and then parked. Faults of
the database itself are not an event's fault: the whole batch is left pending and tried again. An event that ends its
worker without raising is found in the same way, over several deaths (`webhooks.claim`).
"""

import itertools
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import clock, metrics
from app.changes import Changes, Key
from app.db import is_accident, is_passing
from app.reactions import react
from app.runtime import Runtime
from app.sql import Statement, rows
from webhooks.claim import BATCH, Claimed, Turn, begin_turns, claim, end_turns, excuse_turns
from webhooks.reading import SetAside, read
from webhooks.topics import Apply, table

log = structlog.get_logger()

# An event is tried this often before it is parked, with a pause that grows fourfold: 1 s, 4 s.
ATTEMPTS = 3
# Workers that may end while an event is in hand, before it is parked. Two are spent on finding out which event it is,
# three on an event that was alone: it takes that many unrelated accidents to park an innocent one.
DEATHS = 5

# After a small batch the loop rests this many times as long as it took: under load more gathers meanwhile, and a large
# batch costs each event a fraction of what a small one does. An event that comes while nothing happens never waits.
_REST = 3
_LONGEST_REST = 0.2

Read = tuple[Claimed, Any]


class InboxLoop:
    """Drains the inbox of all shops. Two in each worker; all of them share the work by partitions."""

    def __init__(self, runtime: Runtime, batch: int = BATCH) -> None:
        """`batch` events at most share a transaction; another number is for measuring what that is worth."""
        self._runtime = runtime
        self._batch = batch
        self._topics = table()
        self._start = itertools.count(os.getpid())

    def run(self, stop: threading.Event, wake: threading.Event, poll_seconds: float = 1.0) -> None:
        """Work until told to stop; `wake` is set when a delivery has arrived, the poll is the net."""
        while not stop.is_set():
            began = time.monotonic()
            try:
                worked = self.drain_once()
            except Exception as error:
                # Nothing may end this thread: a worker without it looks alive and does nothing.
                if is_passing(error):
                    log.warning("inbox waits for the database", error=type(error).__name__)
                else:
                    log.error("inbox loop failed", exc_info=error)
                stop.wait(0.5)
                continue
            if not worked:
                wake.wait(poll_seconds)
                wake.clear()
            elif worked < self._batch // 2:
                stop.wait(min(_REST * (time.monotonic() - began), _LONGEST_REST))

    def drain(self) -> int:
        """Work until nothing is due (tests and the command line); returns the number of events ended."""
        return sum(iter(self.drain_once, 0))

    def drain_once(self) -> int:
        """Handle one batch of one partition; returns how many events that was, 0 when there is nothing to do."""
        turns: Sequence[Turn] = ()
        events: Sequence[Claimed] = ()
        try:
            with self._runtime.database.system() as session:
                turns = begin_turns(session, next(self._start), self._batch)
                if turns:
                    events = self._take(session, turns)
        except Exception as error:
            if turns and is_accident(error):
                self._excuse(turns)
            raise
        if not any(turn.follows_a_death for turn in turns):
            _observe(events)
        return len(events)

    def _take(self, session: Session, turns: Sequence[Turn]) -> Sequence[Claimed]:
        lost = [turn.partition for turn in turns if turn.follows_a_death]
        events = claim(session, lost or [turn.partition for turn in turns], self._batch)
        if lost:
            _count_death(session, events)
        else:
            self._work(session, events)
        end_turns(session, turns)
        return events

    def _excuse(self, turns: Sequence[Turn]) -> None:
        """A deadlock or a restart of the database is no death: we lived. If this fails as well, one is counted."""
        with suppress(DBAPIError), self._runtime.database.system() as session:
            excuse_turns(session, turns)

    def _work(self, session: Session, events: Sequence[Claimed]) -> None:
        items = [(event, read(event, self._topics, self._runtime.keyring)) for event in events]
        self._set_aside(session, [item for item in items if isinstance(item[1], SetAside)])
        self._handle_or_halve(session, [item for item in items if not isinstance(item[1], SetAside)])

    def _handle_or_halve(self, session: Session, items: Sequence[Read]) -> None:
        if not items:
            return
        try:
            with session.begin_nested():
                self._handle(session, items)
                _finish(session, [event for event, _ in items], "done")
        except Exception as error:
            if is_passing(error):
                raise
            if len(items) > 1:
                middle = len(items) // 2
                self._handle_or_halve(session, items[:middle])
                self._handle_or_halve(session, items[middle:])
            else:
                _postpone(session, items[0][0], error)

    def _handle(self, session: Session, items: Sequence[Read]) -> None:
        """Hand each handler its facts as a list, whatever topics told them, then settle what changed once.

        An order that was created, paid and updated within a batch is thus written once.
        """
        changes = Changes()
        absorbed: set[Key] = set()
        facts: dict[Apply, list[Any]] = {topic.apply: [] for topic in self._topics.values()}
        for event, fact in items:
            facts[self._topics[event.topic].apply].append(fact)
        for apply, told in facts.items():
            if told:
                effects = apply(session, told)
                changes.add(effects.changes)
                absorbed |= effects.absorbed
        react(session, changes, frozenset(absorbed))

    def _set_aside(self, session: Session, items: Sequence[tuple[Claimed, SetAside]]) -> None:
        """Those that end alike end together: a shop that sends nothing but unknown topics costs a statement a batch."""
        alike: dict[SetAside, list[Claimed]] = {}
        for event, end in items:
            alike.setdefault(end, []).append(event)
        for end, events in alike.items():
            _finish(session, events, end.state, end.reason, end.message)
            log.warning("webhooks set aside", **_named(events[0]), reason=end.reason, events=len(events))


_FINISH = Statement("""
update inbox_events e set state = :state, reason = :reason, error = :error, finished_at = :now, retry_at = null,
                          attempts = e.attempts + 1
from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
where e.shop_id = k.shop_id and e.id = k.id
""")
_POSTPONE = Statement("""
update inbox_events set attempts = attempts + 1, retry_at = :retry_at, reason = :reason, error = :error
where shop_id = :shop_id and id = :id
""")


def _finish(
    session: Session, events: Sequence[Claimed], state: str, reason: str | None = None, error: str | None = None
) -> None:
    keys = rows({"shop_id": event.shop_id, "id": event.id} for event in events)
    _FINISH.run(session, state=state, reason=reason, error=error, now=clock.wall_now(), keys=keys)
    metrics.webhooks_processed.labels(state).inc(len(events))


_DEATH = Statement("""
update inbox_events e set deaths = e.deaths + 1
from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
where e.shop_id = k.shop_id and e.id = k.id
""")


def _count_death(session: Session, events: Sequence[Claimed]) -> None:
    """The last worker ended with these in hand: claiming is repeatable, so they are what it had claimed.

    Nothing else is done in this turn, so that it cannot die as well. Claiming takes smaller groups from now on.
    """
    log.warning("a worker ended in the middle of a batch", events=len(events))
    fatal = [event for event in events if event.deaths + 1 >= DEATHS]
    if fatal:
        log.error("webhook ends its worker", **_named(fatal[0]))
        _finish(session, fatal, "parked", "fatal", "The worker process ended each time when it handled this alone.")
    _DEATH.run(session, keys=rows({"shop_id": event.shop_id, "id": event.id} for event in events))


def _observe(events: Sequence[Claimed]) -> None:
    now = clock.wall_now()
    for event in events:
        metrics.webhook_to_points_seconds.observe(max((now - event.received_at).total_seconds(), 0))


def _named(event: Claimed) -> dict[str, Any]:
    """What log lines say of an event."""
    return {"topic": event.topic, "shop": event.shop_id, "event_id": event.id}


def _postpone(session: Session, event: Claimed, error: Exception) -> None:
    """Try a failing event later, or park it. The error's kind is kept; its text may quote personal data and is not."""
    attempt = event.attempts + 1
    kind = type(error).__name__
    log.error("webhook failed", **_named(event), attempt=attempt, exc_info=error)
    if attempt >= ATTEMPTS:
        _finish(session, [event], "parked", "failed", f"Handling it raised {kind}.")
        return
    _POSTPONE.run(
        session,
        retry_at=clock.wall_now() + timedelta(seconds=4 ** (attempt - 1)),
        reason="failed",
        error=f"Handling it raised {kind}.",
        shop_id=event.shop_id,
        id=event.id,
    )
