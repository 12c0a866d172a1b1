"""The inbox as the API shows it (`app.api.inbox.Inbox`): events without bodies, and another try for parked ones.

The factory registers this module as the API's inbox. Sessions are a shop's own, so the wall stands here too.
"""

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, defer

from app.api.inbox import Event, Parked
from webhooks import replay as replaying
from webhooks.models import PARTITIONS, InboxEvent
from webhooks.wording import explain

# Of parked events by kind.
_MOST_COUNTED = 1_000


def page(
    session: Session, shop_id: int, *, state: str | None, topic: str | None, before: int | None, limit: int
) -> Sequence[Event]:
    """Events newest first, with ids below `before`."""
    return [
        _shown(row) for row in session.scalars(wanted(shop_id, state=state, topic=topic, before=before, limit=limit))
    ]


def wanted(shop_id: int, *, state: str | None, topic: str | None, before: int | None, limit: int) -> Select[InboxEvent]:
    """The statement behind `page`; whatever it filters by, there is an index for it."""
    found = _of_shop(shop_id).order_by(InboxEvent.id.desc()).limit(limit)
    if state is not None:
        found = found.where(InboxEvent.state == state)
    if state == "pending":
        found = found.where(InboxEvent.partition == shop_id % PARTITIONS)  # along which the pending ones lie
    if topic is not None:
        found = found.where(InboxEvent.topic == topic)
    return found if before is None else found.where(InboxEvent.id < before)


def event(session: Session, shop_id: int, event_id: int) -> Event | None:
    """One event, None when this shop has none of that id."""
    row = session.scalar(_of_shop(shop_id).where(InboxEvent.id == event_id).execution_options(populate_existing=True))
    return _shown(row) if row is not None else None


def replay(session: Session, shop_id: int, event_id: int, actor: str) -> bool:
    """Make a parked event pending again; False when it is not parked (any more)."""
    return bool(replaying.replay(session, shop_id, replaying.Which(ids=[event_id]), actor))


def parked(session: Session, shop_id: int) -> Sequence[Parked]:
    """The newest parked events by topic and reason, most of them first; counted no further than a page can wait."""
    newest = select(InboxEvent.topic, InboxEvent.reason).where(
        InboxEvent.shop_id == shop_id, InboxEvent.state == "parked"
    )
    few = newest.order_by(InboxEvent.id.desc()).limit(_MOST_COUNTED).subquery()
    counted = select(few.c.topic, few.c.reason, func.count()).group_by(few.c.topic, few.c.reason)
    rows = session.execute(counted.order_by(func.count().desc(), few.c.topic, few.c.reason))
    return [Parked(topic, reason, explain(reason, None), events) for topic, reason, events in rows]


def replay_many(session: Session, shop_id: int, *, topic: str | None, reason: str | None, actor: str) -> int:
    """Make all parked events pending again that fit what is given, with a line in the audit log; how many."""
    return len(replaying.replay_many(session, shop_id, replaying.Which(topic=topic, reason=reason), actor))


def dismiss(session: Session, shop_id: int, event_id: int, note: str, actor: str) -> bool:
    """Let nothing be made of a parked event; False when it is not parked (any more)."""
    return replaying.dismiss(session, shop_id, event_id, note, actor)


def _of_shop(shop_id: int) -> Select[InboxEvent]:
    return select(InboxEvent).options(defer(InboxEvent.body, raiseload=True)).where(InboxEvent.shop_id == shop_id)


def _shown(row: InboxEvent) -> Event:
    return Event(
        id=row.id,
        topic=row.topic,
        webhook_id=row.webhook_id,
        state=row.state,
        attempts=row.attempts,
        triggered_at=row.triggered_at,
        received_at=row.received_at,
        retry_at=row.retry_at,
        finished_at=row.finished_at,
        reason=row.reason,
        explanation=explain(row.reason, row.error),
    )
