"""How often popups are seen and closed, and what came of them. Counted by day of the shop.

Called by the storefront's door for each popup that was shown, and by the API for a merchant who looks.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock

# Rows of one day, so that visitors of a busy shop do not wait for each other.
_PARTS = 8

_NOTE = text("""
insert into popup_days as d (shop_id, popup_id, day, part, views, closes)
select p.shop_id, p.id, cast(cast(:now as timestamptz) at time zone s.timezone as date), :part, 1, :closes
from popups p join shops s on s.id = p.shop_id
where p.shop_id = :shop and p.id = :popup and p.active
on conflict (shop_id, popup_id, day, part)
do update set views = d.views + 1, closes = d.closes + excluded.closes
""")


def note_view(session: Session, shop_id: int, popup_id: int, *, closed: bool) -> None:
    """A popup was shown, and perhaps closed without a sign-up. One that is not there, or is off, is not counted."""
    # Losing the last moment's counts in a crash is cheaper than waiting for the disk on each.
    session.execute(text("set local synchronous_commit = off"))
    part = random.randrange(_PARTS)  # noqa: S311 - no secret depends on it
    noted = {"shop": shop_id, "popup": popup_id, "now": clock.now(), "part": part, "closes": int(closed)}
    session.execute(_NOTE, noted)


@dataclass(frozen=True)
class Statistics:
    """What came of a popup. Revenue: what its codes' orders come to now, in minor units, after refunds.

    Orders that were cancelled or deleted, and test orders, bring none. Views are those of visitors whose browser told.
    """

    views: int = 0
    closes: int = 0
    sign_ups: int = 0
    codes_used: int = 0
    revenue_minor: int = 0


_STATISTICS = text("""
with wanted as (select unnest(cast(:popups as bigint[])) as id), days as (
    select d.popup_id as id, sum(d.views)::bigint as views, sum(d.closes)::bigint as closes
    from wanted w join popup_days d on d.shop_id = :shop and d.popup_id = w.id group by d.popup_id
), signed as (
    select s.popup_id as id, count(*) as sign_ups
    from wanted w join sign_ups s on s.shop_id = :shop and s.popup_id = w.id group by s.popup_id
), used as (
    select s.popup_id as id, count(distinct c.code) as codes_used,
           coalesce(sum(o.current_total_minor), 0)::bigint as revenue_minor
    from wanted w join sign_ups s on s.shop_id = :shop and s.popup_id = w.id
    join order_codes c on c.shop_id = s.shop_id and c.code = s.code
    join orders o on o.shop_id = c.shop_id and o.id = c.order_id
        and not o.test and o.cancelled_at is null and o.deleted_at is null
    group by s.popup_id
)
select id, coalesce(views, 0) as views, coalesce(closes, 0) as closes, coalesce(sign_ups, 0) as sign_ups,
       coalesce(codes_used, 0) as codes_used, coalesce(revenue_minor, 0) as revenue_minor
from wanted left join days using (id) left join signed using (id) left join used using (id)
""")


def statistics(session: Session, shop_id: int, popups: Iterable[int]) -> dict[int, Statistics]:
    """What came of each of these popups so far."""
    found = session.execute(_STATISTICS, {"shop": shop_id, "popups": sorted(popups)})
    return {row.id: Statistics(row.views, row.closes, row.sign_ups, row.codes_used, row.revenue_minor) for row in found}
