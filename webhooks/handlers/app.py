"""The installation itself: its end, its scopes, and what is told of the shop."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.shops import describing
from app.shops.uninstall import uninstalled
from webhooks.topics import Effects, Event, Topic


def _uninstalled(event: Event) -> tuple[int, datetime]:
    return (event.shop_id, event.triggered_at)


def _apply_uninstalls(session: Session, uninstalls: Sequence[tuple[int, datetime]]) -> Effects:
    for shop_id, triggered_at in uninstalls:
        uninstalled(session, shop_id, triggered_at)
    return Effects()


def _shop(event: Event) -> int:
    """Deliveries come in any order, so that what they say is asked for anew."""
    return event.shop_id


def _ask_anew(session: Session, shops: Sequence[int]) -> Effects:
    describing.plan(session, shops)
    return Effects()


TOPICS = (
    Topic("app/uninstalled", _uninstalled, _apply_uninstalls),
    Topic("app/scopes_update", _shop, _ask_anew),
    Topic("shop/update", _shop, _ask_anew),
)
