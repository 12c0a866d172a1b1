"""The inbox: every webhook that was acknowledged, and what became of it.

Bodies are compressed, then sealed; the cell is named by shop domain, topic and webhook id, which are known before the
row's own id is.
"""

from datetime import datetime

from sqlalchemy import Identity, Index, LargeBinary, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

PARTITIONS = 64


class InboxPartition(Base):
    """A lock, nothing more: who holds the row drains the shops that hash to it."""

    __tablename__ = "inbox_partitions"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    # The last start (sequence `inbox_starts_<id>`) whose transaction was committed.
    ended: Mapped[int] = mapped_column(default=0, server_default="0")


class InboxEvent(Base):
    """One delivery. pending -> done | ignored (with a reason) | parked (with its error, replayable)."""

    __tablename__ = "inbox_events"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    partition: Mapped[int] = mapped_column(SmallInteger)
    lane: Mapped[int] = mapped_column(SmallInteger)
    topic: Mapped[str]
    webhook_id: Mapped[str]
    event_id: Mapped[str | None]
    api_version: Mapped[str | None]
    triggered_at: Mapped[datetime]
    received_at: Mapped[datetime]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    # How often a worker ended while this was in its hands; innocent neighbours are counted as well.
    deaths: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    retry_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # A stable kind and a sentence without personal data, for ignored and parked events.
    reason: Mapped[str | None]
    error: Mapped[str | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        UniqueConstraint("shop_id", "topic", "webhook_id", name="inbox_events_delivery_key"),
        Index("inbox_events_pending_ix", "partition", "shop_id", "lane", "id", postgresql_where="state = 'pending'"),
        Index("inbox_events_parked_ix", "shop_id", "id", postgresql_where="state = 'parked'"),
        Index("inbox_events_ignored_ix", "shop_id", "id", postgresql_where="state = 'ignored'"),
        # The log of a shop by topic, however rare the topic is.
        Index("inbox_events_topic_ix", "shop_id", "topic", "id"),
        # What `webhooks.care` has still to forget.
        Index(
            "inbox_events_bodies_ix",
            "finished_at",
            postgresql_where="body is not null and state in ('done', 'ignored')",
        ),
        Index(
            "inbox_events_receipts_ix", "finished_at", postgresql_where="body is null and state in ('done', 'ignored')"
        ),
    )
