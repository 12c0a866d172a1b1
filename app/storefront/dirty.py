"""Noting what the storefront will have to be given: shops whose popups changed, accounts whose points did.

`note_points` is called where points move, which is one place (`app.loyalty.ledger`), in the transaction that moves
them. It writes only for shops that show points; for all others it is one look at an empty join.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.changes import Key
from app.jobs import Planned, enqueue_all
from app.sql import Statement, keys

# Several orders, refunds and redemptions of one moment become one call.
DEBOUNCE = timedelta(seconds=3)

_NOTE = Statement("""
insert into member_changes as m (shop_id, account_id, mark, due_at)
select k.shop_id, k.id, 1, :due
from jsonb_to_recordset(cast(:accounts as jsonb)) as k(shop_id bigint, id bigint)
join storefronts s on s.shop_id = k.shop_id and s.members
order by k.shop_id, k.id
on conflict (shop_id, account_id) do update set mark = m.mark + 1, due_at = least(m.due_at, excluded.due_at)
""")


def note_points(session: Session, accounts: Iterable[Key]) -> None:
    """The points of these accounts have changed."""
    _NOTE.run(session, accounts=keys(set(accounts)), due=clock.now() + DEBOUNCE)


_NOTE_SHOP = text("""
insert into storefronts as s (shop_id, members, mark, due_at) values (:shop, false, 1, :now)
on conflict (shop_id) do update set mark = s.mark + 1, due_at = :now
""")


def note_shop(session: Session, shop_id: int) -> None:
    """What this shop's storefront reads has changed: popups or the program."""
    session.execute(_NOTE_SHOP, {"shop": shop_id, "now": clock.now()})
    wake(session, [shop_id])


_SWITCH = text("update storefronts set members = :on where shop_id = :shop and members <> :on")
_ALL = text("""
insert into member_changes as m (shop_id, account_id, mark, due_at)
select shop_id, account_id, 1, :now from balances where shop_id = :shop
order by shop_id, account_id
on conflict (shop_id, account_id) do update set mark = m.mark + 1, due_at = least(m.due_at, excluded.due_at)
""")


def show_points(session: Session, shop_id: int, *, on: bool) -> None:
    """Keep every customer's points in a metafield from now on, or stop. Stopping leaves the values where they are."""
    note_shop(session, shop_id)
    switched = session.execute(_SWITCH, {"shop": shop_id, "on": on})
    if on and switched.rowcount:  # type: ignore[attr-defined]  # a cursor result, since the statement returns no rows
        note_everybody(session, shop_id)


@dataclass(frozen=True)
class Showing:
    """`points`: customers' points are kept in metafields. `up_to_date`: nothing that is due waits to be published."""

    points: bool
    up_to_date: bool


_SHOWING = text("""
select coalesce(s.members, false) as points,
       coalesce(s.due_at > :now, true)
           and not exists (select from member_changes where shop_id = :shop and due_at <= :now) as published
from (values (1)) one left join storefronts s on s.shop_id = :shop
""")


def showing(session: Session, shop_id: int) -> Showing:
    """What this shop's storefront shows now."""
    row = session.execute(_SHOWING, {"shop": shop_id, "now": clock.now()}).one()
    return Showing(row.points, row.published)


def note_everybody(session: Session, shop_id: int) -> None:
    """Every member's value has to be looked at."""
    session.execute(_ALL, {"shop": shop_id, "now": clock.now()})


_DUE = text("""
select shop_id from storefronts s join shops on shops.id = s.shop_id and shops.state = 'installed'
where s.due_at <= :now and coalesce(s.leased_until <= :wall, true)
union
select shop_id from member_changes m join shops on shops.id = m.shop_id and shops.state = 'installed'
where m.due_at <= :now and coalesce(m.leased_until <= :wall, true)
""")


def wake_due(session: Session) -> int:
    """Plan a job for each shop with something to publish (a system session). Returns how many shops."""
    shops = list(session.scalars(_DUE, {"now": clock.now(), "wall": clock.wall_now()}))
    wake(session, shops)
    return len(shops)


def wake(session: Session, shops: Iterable[int]) -> None:
    """Plan one job for all that a shop has to publish."""
    enqueue_all(
        session,
        [
            Planned("storefront.publish", {"shop_id": shop}, queueing_lock=f"storefront.publish:{shop}")
            for shop in shops
        ],
    )
