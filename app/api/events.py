"""The log of the inbox: what Shopify sent, what became of it, and what to do about parked events. Never bodies."""

from typing import Any

from app.api import pages
from app.api.inbox import Event
from app.api.operation import Answer, Call
from app.api.queries import LARGEST_ID
from app.api.words import instant, instant_or_none
from app.audit.service import record
from app.errors import Conflict, NotFound


def list_events(call: Call) -> Answer:
    """GET /events"""
    key = pages.after(call, pages.row_id)
    rows = call.inbox.page(
        call.session,
        call.shop.id,
        state=call.query.get("state"),
        topic=call.query.get("topic"),
        before=key[0] if key else None,
        limit=pages.limit_of(call) + 1,
    )
    return pages.page(call, rows, _event, lambda event: [event.id])


def replay_event(call: Call) -> Answer:
    """POST /events/{event_id}/replay"""
    before = _wanted(call)
    if not call.inbox.replay(call.session, call.shop.id, before.id, call.actor):
        raise Conflict(f"Only parked events can be replayed; this one is {before.state}.", kind="event-not-parked")
    record(call.session, call.shop.id, actor=call.actor, what="event.replayed", subject=f"event:{before.id}")
    return Answer(202, _event(_wanted(call)))


def dismiss_event(call: Call) -> Answer:
    """POST /events/{event_id}/dismiss"""
    before = _wanted(call)
    if not call.inbox.dismiss(call.session, call.shop.id, before.id, call.body["note"], call.actor):
        raise Conflict(f"Only parked events can be dismissed; this one is {before.state}.", kind="event-not-parked")
    return Answer(200, _event(_wanted(call)))


def _wanted(call: Call) -> Event:
    number = int(call.path["event_id"])
    event = call.inbox.event(call.session, call.shop.id, number) if number <= LARGEST_ID else None
    if event is None:
        raise NotFound(f"This shop has no event {number}.")
    return event


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "topic": event.topic,
        "webhook_id": event.webhook_id,
        "state": event.state,
        "attempts": event.attempts,
        "reason": event.reason,
        "explanation": event.explanation,
        "triggered_at": instant(event.triggered_at),
        "received_at": instant(event.received_at),
        "retry_at": instant_or_none(event.retry_at),
        "finished_at": instant_or_none(event.finished_at),
    }
