"""Counting a large shop, when somebody has looked at old figures."""

from app.admin.figures import kept
from app.admin.models import ShopFigures
from app.jobs import job
from app.runtime import Runtime
from app.shops import queries as shops


@job(kept.JOB)
def count(runtime: Runtime, *, shop_id: int) -> None:
    """Count what is not fresh; run twice it counts once."""
    with runtime.database.shop(shop_id) as session:
        row = session.get(ShopFigures, shop_id)
        if row is None or not kept.is_fresh(row):
            kept.keep(session, shops.shop(session, shop_id))
