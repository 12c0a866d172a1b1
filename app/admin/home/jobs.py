"""Counting the home's figures of a large shop, when somebody has looked at old ones."""

from sqlalchemy.orm import Session

from app import jobs
from app.admin.home import queries
from app.jobs import job
from app.runtime import Runtime
from app.shops import queries as shops


def plan(session: Session, shop_id: int) -> None:
    """Count soon; asked again meanwhile it is one job."""
    jobs.enqueue(session, "admin.count_home", {"shop_id": shop_id}, queueing_lock=f"admin.count_home:{shop_id}")


@job("admin.count_home")
def count_home(runtime: Runtime, *, shop_id: int) -> None:
    """Count what is not fresh; run twice it counts once."""
    with runtime.database.shop(shop_id) as session:
        row = queries.kept(session, shop_id)
        if row is None or not queries.is_fresh(row):
            queries.keep(session, shops.shop(session, shop_id))
