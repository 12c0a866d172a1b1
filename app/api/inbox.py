"""The seam to the inbox: what the API shows of it and asks of it.

The door (`webhooks/`) stands above the features, so the API cannot import it. The factory puts an object of this shape,
`webhooks.log`, into `flask_app.extensions[EXTENSION]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

EXTENSION = "perennial.inbox"


@dataclass(frozen=True)
class Event:
    """A delivery as the log shows it: never its body, never the words of an exception."""

    id: int
    topic: str
    webhook_id: str
    state: str
    attempts: int
    triggered_at: datetime
    received_at: datetime
    retry_at: datetime | None
    finished_at: datetime | None
    # A stable kind, and what it means in plain words; null unless the event was ignored, parked or has failed.
    reason: str | None
    explanation: str | None


@dataclass(frozen=True)
class Parked:
    """Parked events of one topic with one reason, and how many of them are among the newest that are looked at."""

    topic: str
    reason: str | None
    explanation: str | None
    events: int


class Inbox(Protocol):
    """Reads and the verbs of the inbox log; each takes a session of the shop and never commits."""

    def page(
        self, session: Session, shop_id: int, *, state: str | None, topic: str | None, before: int | None, limit: int
    ) -> Sequence[Event]:
        """Events newest first, with ids below `before`."""

    def event(self, session: Session, shop_id: int, event_id: int) -> Event | None:
        """One event, None when this shop has none of that id."""

    def replay(self, session: Session, shop_id: int, event_id: int, actor: str) -> bool:
        """Make a parked event pending again; False when it is not parked (any more)."""

    def parked(self, session: Session, shop_id: int) -> Sequence[Parked]:
        """The newest parked events by topic and reason, most of them first."""

    def replay_many(self, session: Session, shop_id: int, *, topic: str | None, reason: str | None, actor: str) -> int:
        """Make all parked events pending again that fit what is given, with a line in the audit log; how many."""

    def dismiss(self, session: Session, shop_id: int, event_id: int, note: str, actor: str) -> bool:
        """Let nothing be made of a parked event, for good; False when it is not parked (any more)."""
