"""Reading popups for their pages: the newest, whatever their number. Called by the pages beside it."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.popups.models import Popup

MOST = 100


def popups(session: Session, shop_id: int) -> Sequence[Popup]:
    """Those that are shown first, then the newest."""
    wanted = select(Popup).where(Popup.shop_id == shop_id)
    return session.scalars(wanted.order_by(Popup.active.desc(), Popup.id.desc()).limit(MOST)).all()


def ids(session: Session, shop_id: int) -> Sequence[int]:
    """All that the shop has."""
    return session.scalars(select(Popup.id).where(Popup.shop_id == shop_id)).all()
