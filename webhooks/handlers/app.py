"""The installation itself."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.shops.uninstall import uninstalled
from webhooks.topics import Effects, Event, Topic


def _uninstalled(event: Event) -> tuple[int, datetime]:
    return (event.shop_id, event.triggered_at)


def _apply_uninstalls(session: Session, uninstalls: Sequence[tuple[int, datetime]]) -> Effects:
    for shop_id, triggered_at in uninstalls:
        uninstalled(session, shop_id, triggered_at)
    return Effects()


TOPICS = (Topic("app/uninstalled", _uninstalled, _apply_uninstalls),)
