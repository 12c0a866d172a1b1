"""Who changed what, for the merchant."""

from typing import Any

from app.api import pages
from app.api.operation import Answer, Call
from app.api.words import instant
from app.audit import queries
from app.audit.models import AuditEntry


def list_audit(call: Call) -> Answer:
    """GET /audit"""
    key = pages.after(call, pages.row_id)
    rows = queries.page(
        call.session,
        call.shop.id,
        actor=call.query.get("actor"),
        what=call.query.get("what"),
        before=key[0] if key else None,
        limit=pages.limit_of(call) + 1,
    )
    return pages.page(call, rows, _entry, lambda entry: [entry.id])


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "at": instant(entry.at),
        "actor": entry.actor,
        "what": entry.what,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
    }
