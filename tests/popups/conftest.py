"""A popup with codes, at a shop alone or at one connected to a development store."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import job_table
from app.discounts.pools.models import PoolCode
from app.discounts.pools.service import Offer
from app.popups import service
from app.popups.models import Popup
from app.runtime import Runtime
from app.shops.models import Shop
from tests.orders.conftest import connected  # noqa: F401 - a fixture, used by name

WORDS = "I agree to receive offers by e-mail."
DEFINITION: dict[str, Any] = {"trigger": {"exit": True}, "texts": {"en": {"title": "Wait", "consent": WORDS}}}
OFFER = Offer(title="Welcome", kind="amount_off", value=500, currency="USD", target=10, low=2)


def make_popup(session: Session, shop_id: int) -> Popup:
    """An active popup whose pool is planned."""
    made = service.create(session, shop_id, name="Exit", definition=DEFINITION, offer=OFFER)
    service.change(session, shop_id, made.id, active=True)
    return made


@pytest.fixture
def popup(runtime: Runtime, shop: Shop) -> Popup:
    """An active popup whose pool holds ten free codes, as if Shopify had made them."""
    job_table.load()
    with runtime.database.shop(shop.id) as session:
        made = make_popup(session, shop.id)
        for number in range(10):
            session.add(PoolCode(shop_id=shop.id, code=f"WELCOME-{number}", pool_id=made.pool_id, state="free"))
        session.execute(text("update code_pools set state = 'ready', due_at = null"))
        session.flush()
        session.expunge(made)
    return made
