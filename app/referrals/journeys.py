"""The last trace of a friend: what Shopify recorded of a buyer's visits, for a first order that carries no code itself.

Asked once for each such order of the online store, and only where bringing friends is rewarded. `following` plans it
with accounts that are being settled; the job asks and settles them again when a code was found. Shopify needs a while
after an order until its record is ready.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock, jobs
from app.changes import Changes, Key
from app.orders import origin
from app.sql import Statement, keys

# Older orders are no friends' news any more; Shopify shows 60 days.
_RECENT = timedelta(days=7)
JOB = "referrals.read_journey"

# Who holds an order is about to say more of it, and settles its account then.
_WANTED = Statement("""
with due as materialized (
    select o.shop_id, o.id
    from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
    join orders o on o.shop_id = k.shop_id and o.account_id = k.id
    where o.journey_ref is null and o.cart_ref is null and o.landing_ref is null
        and o.customer_id is not null and coalesce(o.source_name, 'web') = 'web' and not o.imported
        and o.paid and not o.test
        and o.cancelled_at is null and o.deleted_at is null and o.redacted_at is null
        and coalesce(o.processed_at, o.created_at, o.updated_at) > :since
        and not exists (
            select from orders b where b.shop_id = o.shop_id and b.account_id = o.account_id and b.id <> o.id
                and b.paid and not b.test
        )
    for update of o skip locked
)
update orders o set journey_ref = ''
from due where o.shop_id = due.shop_id and o.id = due.id
returning o.shop_id, o.id
""")


def want(session: Session, accounts: Iterable[Key]) -> None:
    """Have the visits read of those of these accounts whose one order does not say how its buyer came."""
    found = _WANTED.run(session, keys=keys(accounts), since=clock.now() - _RECENT)
    jobs.enqueue_all(session, [planned(row.shop_id, row.id) for row in found])


def planned(shop_id: int, order_id: int, *, tries: int = 0, wait: timedelta | None = None) -> jobs.Planned:
    """The job for one order; `tries` counts how often the record was not ready."""
    args: dict[str, int | str] = {"shop_id": shop_id, "order_id": order_id, "tries": tries}
    lock = f"{JOB}:{shop_id}:{order_id}:{tries}"
    return jobs.Planned(JOB, args, queueing_lock=lock, run_at=clock.wall_now() + wait if wait else None)


def code_of(summary: Mapping[str, Any]) -> str | None:
    """The code of the first visit, else of the last; Shopify's own reading of the address, else ours."""
    for visit in (summary.get("firstVisit"), summary.get("lastVisit")):
        found = origin.code(visit.get("referralCode")) or origin.code_in(visit.get("landingPage")) if visit else None
        if found:
            return found
    return None


_KEEP = text("""
update orders set journey_ref = :code where shop_id = :shop and id = :order and journey_ref = '' returning account_id
""")


def keep(session: Session, shop_id: int, order_id: int, code: str) -> Changes:
    """Write a found code down; what is returned has to be reacted to."""
    account = session.scalar(_KEEP, {"shop": shop_id, "order": order_id, "code": code})
    return Changes(accounts={(shop_id, account)} if account else set())
