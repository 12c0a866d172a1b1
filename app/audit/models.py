"""The audit log. `perennial_web` may add rows and read them, and can neither change nor delete one."""

from datetime import datetime
from typing import Any

from sqlalchemy import Identity
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class AuditEntry(Base):
    """One write: who, what, on which thing, its values before and after. Ids and settings, nothing of a person."""

    __tablename__ = "audit_log"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # Business time, as `ledger_entries.recorded_at`, so that both can be read side by side.
    at: Mapped[datetime]
    # key:4 | staff:81 | command line: name
    actor: Mapped[str]
    # noun.verb, such as program.changed
    what: Mapped[str]
    # kind:id, such as reward:3
    subject: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
