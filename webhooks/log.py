"""The inbox as the API shows it (`app.api.inbox.Inbox`): events without bodies, and another try for parked ones.

The factory registers this module as the API's inbox. Sessions are a shop's own, so the wall stands here too.
"""

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, defer

from app.api.inbox import Event
from webhooks import replay as replaying
from webhooks.models import InboxEvent


def page(
    session: Session, shop_id: int, *, state: str | None, topic: str | None, before: int | None, limit: int
) -> Sequence[Event]:
    """Events newest first, with ids below `before`."""
    wanted = _of_shop(shop_id).order_by(InboxEvent.id.desc()).limit(limit)
    if state is not None:
        wanted = wanted.where(InboxEvent.state == state)
    if topic is not None:
        wanted = wanted.where(InboxEvent.topic == topic)
    if before is not None:
        wanted = wanted.where(InboxEvent.id < before)
    return [_shown(row) for row in session.scalars(wanted)]


def event(session: Session, shop_id: int, event_id: int) -> Event | None:
    """One event, None when this shop has none of that id."""
    wanted = _of_shop(shop_id).where(InboxEvent.id == event_id).execution_options(populate_existing=True)
    row = session.scalar(wanted)
    return _shown(row) if row is not None else None


def replay(session: Session, shop_id: int, event_id: int, actor: str) -> bool:
    """Make a parked event pending again; False when it is not parked (any more)."""
    return bool(replaying.replay(session, shop_id, [event_id], actor))


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
        explanation=row.error,
    )
