"""What the settings show: requests by law and their receipts."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.shops.models import PrivacyRequest

SHOWN = 50


def privacy_requests(session: Session, shop_id: int) -> Sequence[PrivacyRequest]:
    """The newest requests."""
    wanted = select(PrivacyRequest).where(PrivacyRequest.shop_id == shop_id).order_by(PrivacyRequest.id.desc())
    return session.scalars(wanted.limit(SHOWN)).all()


def data_request(session: Session, shop_id: int, request_id: int) -> PrivacyRequest:
    """A request for somebody's data; raises NotFound."""
    found = session.get(PrivacyRequest, (shop_id, request_id))
    if found is None or found.kind != "data_request" or found.customer_id is None:
        raise NotFound(f"This shop has no data request {request_id}.")
    return found
