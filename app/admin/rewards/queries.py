"""Reading rewards for their page: all of them, and how often each was taken lately. Called by the pages beside it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.loyalty.models import Reward

MOST = 200


def rewards(session: Session, shop_id: int) -> Sequence[Reward]:
    """Offered ones first, cheapest first."""
    wanted = select(Reward).where(Reward.shop_id == shop_id)
    return session.scalars(wanted.order_by(Reward.active.desc(), Reward.points, Reward.id).limit(MOST)).all()


_TAKEN = text("""
select reward_id, count(*) as taken from redemptions
where shop_id = :shop and created_at >= :since group by reward_id
""")


def taken_since(session: Session, shop_id: int, since: datetime) -> dict[int, int]:
    """How often each reward was taken since an instant, by its id; along an index of redemptions by time."""
    found = session.execute(_TAKEN, {"shop": shop_id, "since": since})
    return {row.reward_id: row.taken for row in found}
