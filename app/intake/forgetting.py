"""Forgetting a person in what an open run has read and not yet taken in; `app.shops.privacy` calls it at an erasure.

Whoever erases holds the run's row until the erasure is through. So a step of the run has either ended, and what it
wrote is erased with everything else, or it begins later and finds who is forgotten: no order comes back by the run in
hand. Lines that the file still holds are emptied when it is through (`scrub`). Customers are never staged.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.intake import staging

_HOLD = text("select id from intake_runs where shop_id = :shop_id and finished_at is null for update")
_THERE = text("select to_regclass(:place)")
_NAMED = "(s.email is not null or s.phone is not null)"
_ERASE = f"""
update {{orders}} s set email = null, phone = null
where {_NAMED} and (s.customer_id = :customer_id or s.email = cast(:email as text)
    or s.phone = any(:numbers) or s.id = any(:order_ids))
returning s.id
"""  # noqa: S608 - constants of ours
_SCRUB = f"""
update {{orders}} s set email = null, phone = null
where {_NAMED} and (
    exists (select from customers c where c.shop_id = s.shop_id and c.id = s.customer_id and c.redacted_at is not null)
    or exists (select from orders o where o.shop_id = s.shop_id and o.id = s.id and o.redacted_at is not null))
"""  # noqa: S608 - constants of ours
_ASKED = text("select exists (select from privacy_requests where shop_id = :shop_id and kind = 'customer_redact')")


def hold(session: Session, shop_id: int) -> int | None:
    """Keep the shop's open run from going on until the transaction ends; its id. Comes before all other locks."""
    found = session.scalar(_HOLD, {"shop_id": shop_id})
    return int(found) if found is not None else None


def erase(session: Session, run_id: int, traces: Mapping[str, Any]) -> set[int]:
    """Take the person out of the orders that lie ready; returns these orders. System sessions only."""
    if not _has_orders(session, run_id):
        return set()
    given = {name: traces[name] for name in ("customer_id", "email", "numbers")} | {
        "order_ids": list(traces["order_ids"])
    }
    return set(session.execute(text(_ERASE.format(**staging.names(run_id))), given).scalars())


def scrub(session: Session, shop_id: int, run_id: int) -> None:
    """All is read: whoever was forgotten meanwhile is not named by what lies ready. Costs nothing in most shops."""
    if session.scalar(_ASKED, {"shop_id": shop_id}):
        session.execute(text(_SCRUB.format(**staging.names(run_id))))


def _has_orders(session: Session, run_id: int) -> bool:
    return session.scalar(_THERE, {"place": staging.name(run_id, "orders")}) is not None
