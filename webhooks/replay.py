"""Putting parked events back to work, by a named person."""

from collections.abc import Sequence

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from webhooks.inbox import CHANNEL

log = structlog.get_logger()

_REPLAY = text("""
update inbox_events set state = 'pending', attempts = 0, deaths = 0, retry_at = null, finished_at = null
where shop_id = :shop_id and state = 'parked' and (:all or id = any(:ids)) and body is not null
returning id
""")


def replay(session: Session, shop_id: int, event_ids: Sequence[int] | None, actor: str) -> list[int]:
    """Make these parked events of a shop pending again (None: all of them); returns those that were."""
    parameters = {"shop_id": shop_id, "all": event_ids is None, "ids": list(event_ids or [])}
    replayed = sorted(session.execute(_REPLAY, parameters).scalars())
    if replayed:
        session.execute(text("select pg_notify(:channel, '')"), {"channel": CHANNEL})
    log.info("events replayed", shop=shop_id, events=replayed, actor=actor)
    return replayed
