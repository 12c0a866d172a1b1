"""A run: one import or reconciliation of a shop, how far it is, and what it found.

What a run has read and not yet taken in lies in tables of its own in the schema `staging`, which end with it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class IntakeRun(Base):
    """Where a run stands. `stage` and `position` are moved by the very transactions that did the work."""

    __tablename__ = "intake_runs"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # import: everything that Shopify shows. reconcile: what changed since `since`, or everything (null).
    kind: Mapped[str]
    # running | done | failed
    state: Mapped[str]
    stage: Mapped[str]
    # Bytes of the file that are staged, or the last id that was taken in; every stage begins at 0.
    position: Mapped[int]
    since: Mapped[datetime | None]
    # Of the stage's bulk operation: when it was asked for (before the call), which one it is, when it began.
    asked_at: Mapped[datetime | None]
    operation_id: Mapped[str | None]
    told_at: Mapped[datetime | None]
    # How often the stage was begun anew.
    attempt: Mapped[int] = mapped_column(default=0, server_default="0")
    # Shopify grants no protected fields: read without them.
    bare: Mapped[bool] = mapped_column(default=False, server_default="false")
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    error: Mapped[str | None]
    planned_at: Mapped[datetime]
    # When there is something to do again; null once it is over.
    due_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index("intake_runs_open_ix", "shop_id", unique=True, postgresql_where="finished_at is null"),
        Index("intake_runs_due_ix", "due_at", postgresql_where="due_at is not null"),
    )
