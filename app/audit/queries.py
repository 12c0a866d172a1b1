"""Reading the audit log."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry


def page(
    session: Session, shop_id: int, *, actor: str | None, what: str | None, before: int | None, limit: int
) -> Sequence[AuditEntry]:
    """Entries newest first, with ids below `before`; only those of an actor or of a kind when given."""
    wanted = select(AuditEntry).where(AuditEntry.shop_id == shop_id).order_by(AuditEntry.id.desc()).limit(limit)
    if actor is not None:
        wanted = wanted.where(AuditEntry.actor == actor)
    if what is not None:
        wanted = wanted.where(AuditEntry.what == what)
    if before is not None:
        wanted = wanted.where(AuditEntry.id < before)
    return session.scalars(wanted).all()
