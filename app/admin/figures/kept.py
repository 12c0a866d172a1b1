"""What pages show that is counted over all of a shop: of a large one, what a job counted last.

`of` is what pages ask. What can be counted stands in `COUNTS`, by the name under which it is kept; a job counts all of
it at once (`jobs.py`), since who looks at one page will look at the next.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app import clock, jobs
from app.admin.figures.queries import is_large
from app.admin.home import queries as home
from app.admin.models import ShopFigures
from app.admin.popups import queries as popups
from app.popups import counting
from app.referrals import queries as referrals
from app.shops.models import Shop

JOB = "admin.count"
FRESH = timedelta(minutes=10)


@dataclass(frozen=True)
class Figures:
    """Figures as JSON keeps them, and when they were counted."""

    counted_at: datetime
    values: dict[str, Any]


def of(session: Session, shop: Shop, name: str) -> Figures | None:
    """One of `COUNTS`; None: they are being counted, for the first time."""
    if not is_large(session, shop.id):
        return Figures(clock.now(), COUNTS[name](session, shop))
    row = session.get(ShopFigures, shop.id)
    if row is None or not is_fresh(row):
        jobs.enqueue(session, JOB, {"shop_id": shop.id}, queueing_lock=f"{JOB}:{shop.id}")
    return Figures(row.counted_at, row.figures[name]) if row and name in row.figures else None


def is_fresh(row: ShopFigures) -> bool:
    """Whether all of it was counted a moment ago; an older version may have counted less."""
    return clock.now() - row.counted_at < FRESH and row.figures.keys() >= COUNTS.keys()


def keep(session: Session, shop: Shop) -> None:
    """Count all of it and keep it."""
    figures = {name: count(session, shop) for name, count in COUNTS.items()}
    session.merge(ShopFigures(shop_id=shop.id, counted_at=clock.now(), figures=figures))


def _popups(session: Session, shop: Shop) -> dict[str, Any]:
    """What came of each popup, by its id."""
    counted = counting.statistics(session, shop.id, popups.ids(session, shop.id))
    return {str(popup): asdict(found) for popup, found in counted.items()}


def _referrals(session: Session, shop: Shop) -> dict[str, Any]:
    return asdict(referrals.statistics(session, shop.id))


COUNTS: dict[str, Callable[[Session, Shop], dict[str, Any]]] = {
    "home": home.counted,
    "popups": _popups,
    "referrals": _referrals,
}
