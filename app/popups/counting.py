"""How often popups are seen and closed, and what came of them. Counted by day of the shop.

Called by the storefront's door for each popup that was shown, and by the API for a merchant who looks.
"""

import random

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
