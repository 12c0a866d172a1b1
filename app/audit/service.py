"""Writing the audit log: called in the transaction of what it tells of, so that both exist or neither does."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app import clock
from app.audit.models import AuditEntry


def record(
    session: Session,
    shop_id: int,
    *,
    actor: str,
    what: str,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Note who did what. `before` and `after` hold JSON values: settings and ids, never words about a person."""
    session.add(
        AuditEntry(
            shop_id=shop_id,
            at=clock.now(),
            actor=actor,
            what=what,
            subject=subject,
            before=dict(before) if before is not None else None,
            after=dict(after) if after is not None else None,
        )
    )
