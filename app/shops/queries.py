"""Finding shops."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.shops.models import Shop


def shop_by_domain(session: Session, domain: str) -> Shop | None:
    """The shop of a myshopify.com domain, installed or not. For system sessions: the domain is what identifies it."""
    return session.scalar(select(Shop).where(Shop.domain == domain))


def shop(session: Session, shop_id: int) -> Shop:
    """The shop; raises NoResultFound, because ids come from our own rows."""
    return session.scalars(select(Shop).where(Shop.id == shop_id)).one()


def refreshable_before(session: Session, instant: datetime) -> list[int]:
    """Installed shops whose refresh token ends before this instant (system sessions)."""
    wanted = (
        select(Shop.id)
        .where(Shop.state == "installed", Shop.connection == "ok", Shop.refresh_expires_at < instant)
        .order_by(Shop.refresh_expires_at)
    )
    return list(session.scalars(wanted))
