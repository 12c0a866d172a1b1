"""Which orders have to be read again at Shopify, kept until it was done: rows are the truth, jobs are hints.

`app.reactions` plans through it, `app.orders.reread` reports, a sweep plans anew what a job has given up after about a
day of failures, or what a shop that was out of reach has missed.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock, jobs
from app.changes import Key
from app.sql import Statement, keys

# A job tries by itself for about a day (app.jobs); the sweep comes after that, a month long.
JOB_LASTS = timedelta(hours=26)
MOST_SWEEPS = 30
_AT_ONCE = 500

_WANT = Statement("""
insert into order_rereads as r (shop_id, order_id, wanted_at, due_at)
select shop_id, id, :now, :due from jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint)
order by 1, 2
on conflict (shop_id, order_id) do update
    set wanted_at = excluded.wanted_at, due_at = excluded.due_at, attempts = 0, last_error = null
""")


def want(session: Session, orders: Iterable[Key]) -> None:
    """Remember that these orders have to be read again, and plan a job for each."""
    wanted = sorted(set(orders))
    if wanted:
        now = clock.now()
        _WANT.run(session, keys=keys(wanted), now=now, due=now + JOB_LASTS)
        _plan(session, wanted)


_DONE = text("""
delete from order_rereads where shop_id = :shop_id and order_id = :order_id and wanted_at <= :asked_at
""")


def done(session: Session, shop_id: int, order_id: int, asked_at: datetime) -> None:
    """The order was read at `asked_at`, or there is nothing to read; what was wanted later is still wanted."""
    session.execute(_DONE, {"shop_id": shop_id, "order_id": order_id, "asked_at": asked_at})


_FAILED = text("update order_rereads set last_error = :reason where shop_id = :shop_id and order_id = :order_id")


def failed(session: Session, shop_id: int, order_id: int, reason: str) -> None:
    """Note the kind of error, for whoever looks; never an answer's words."""
    session.execute(_FAILED, {"shop_id": shop_id, "order_id": order_id, "reason": reason})


_DUE = text("""
with due as (
    select r.shop_id, r.order_id from order_rereads r
    join shops s on s.id = r.shop_id and s.state = 'installed' and s.connection = 'ok'
    where r.due_at <= :now and r.attempts < :most
    order by r.due_at limit :at_once for update of r skip locked
)
update order_rereads r set attempts = r.attempts + 1, due_at = :next
from due where r.shop_id = due.shop_id and r.order_id = due.order_id
returning r.shop_id, r.order_id
""")


def plan_due(session: Session) -> int:
    """Plan anew what is still not read (system sessions); returns how many orders."""
    now = clock.now()
    parameters = {"now": now, "next": now + JOB_LASTS, "most": MOST_SWEEPS, "at_once": _AT_ONCE}
    due = sorted((row.shop_id, row.order_id) for row in session.execute(_DUE, parameters))
    _plan(session, due)
    return len(due)


_HURRY = text("update order_rereads set due_at = :now, attempts = 0 where shop_id = :shop_id")


def hurry(session: Session, shop_id: int) -> None:
    """A shop can be reached again: what it has missed is due at the next sweep."""
    session.execute(_HURRY, {"shop_id": shop_id, "now": clock.now()})


def _plan(session: Session, orders: Iterable[Key]) -> None:
    jobs.enqueue_all(
        session,
        [
            jobs.Planned(
                "orders.reread",
                {"shop_id": shop_id, "order_id": order_id},
                queueing_lock=f"orders.reread:{shop_id}:{order_id}",
            )
            for shop_id, order_id in orders
        ],
    )
