"""What a named person does about parked events: puts them back to work, or dismisses one with a note.

The audit log keeps who it was. Replaying is harmless: every effect has a key of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.audit.service import record
from webhooks.inbox import CHANNEL

log = structlog.get_logger()

_LONGEST_NOTE = 500


@dataclass(frozen=True)
class Which:
    """Which of a shop's parked events are meant: all that fit all that is given. `since`: received since then."""

    ids: Sequence[int] | None = None
    topic: str | None = None
    reason: str | None = None
    since: datetime | None = None


_REPLAY = text("""
update inbox_events set state = 'pending', attempts = 0, deaths = 0, retry_at = null, finished_at = null
where shop_id = :shop_id and state = 'parked' and body is not null
    and (cast(:ids as bigint[]) is null or id = any(:ids))
    and (cast(:topic as text) is null or topic = :topic)
    and (cast(:reason as text) is null or reason = :reason)
    and (cast(:since as timestamptz) is null or received_at >= :since)
returning id
""")


def replay(session: Session, shop_id: int, which: Which, actor: str) -> list[int]:
    """Make parked events pending again; returns those that were. The caller writes the audit log."""
    ids = list(which.ids) if which.ids is not None else None
    found = session.execute(_REPLAY, {**which.__dict__, "shop_id": shop_id, "ids": ids})
    replayed = sorted(found.scalars())
    if replayed:
        session.execute(text("select pg_notify(:channel, '')"), {"channel": CHANNEL})
    log.info("events replayed", shop=shop_id, events=replayed, actor=actor)
    return replayed


def replay_many(session: Session, shop_id: int, which: Which, actor: str) -> list[int]:
    """The same with its line in the audit log."""
    replayed = replay(session, shop_id, which, actor)
    if replayed:
        record(session, shop_id, actor=actor, what="events.replayed", subject="inbox", after={"events": replayed})
    return replayed


_DISMISS = text("""
update inbox_events set state = 'ignored', reason = 'dismissed', error = :note, finished_at = :now
where shop_id = :shop_id and id = :id and state = 'parked' returning reason
""")


def dismiss(session: Session, shop_id: int, event_id: int, note: str, actor: str) -> bool:
    """Let nothing be made of a parked event, for good; False when it is not parked (any more).

    The note says why, without naming a person, and goes when the receipt of the event goes.
    """
    told = {"shop_id": shop_id, "id": event_id, "note": note.strip()[:_LONGEST_NOTE], "now": clock.wall_now()}
    if session.execute(_DISMISS, told).one_or_none() is None:
        return False
    record(session, shop_id, actor=actor, what="event.dismissed", subject=f"event:{event_id}")
    log.info("event dismissed", shop=shop_id, event_id=event_id, actor=actor)
    return True
