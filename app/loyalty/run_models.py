"""Work on a whole shop that outlives a request: settling it anew, what-if questions, the birthdays of a day.

The row is the truth, a job is a hint (design decision 3): who was interrupted goes on where the row says.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class SettlementRun(Base):
    """Every account of a shop that did something from `since` on is settled anew, in order of their ids."""

    __tablename__ = "settlement_runs"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # history.chosen | program.changed | version.added
    why: Mapped[str]
    # Null: since ever.
    since: Mapped[datetime | None]
    # Accounts up to this one are done.
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    planned_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    __table_args__ = (Index("settlement_runs_open_ix", "shop_id", "id", postgresql_where=text("finished_at is null")),)


class WhatIf(Base):
    """A question about rules and the past, and its answer. Answers hold ids and sums."""

    __tablename__ = "what_ifs"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    program_id: Mapped[int]
    # rules | history
    kind: Mapped[str]
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # pending | done
    state: Mapped[str]
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class BirthdayMark(Base):
    """Up to which of the shop's days birthdays have been rewarded."""

    __tablename__ = "birthday_marks"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    done_until: Mapped[date]
