"""What merchants do with popups: make one, change it, switch it on and off. Each change is published by a job."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock
from app.discounts.pools import service as pools
from app.discounts.pools.service import Offer
from app.errors import NotFound
from app.popups.definition import parse
from app.popups.models import Popup
from app.sql import rows
from app.storefront import dirty


def create(session: Session, shop_id: int, *, name: str, definition: Any, offer: Offer) -> Popup:
    """A popup, switched off, with a pool of its own. Raises Invalid for what cannot be shown or offered."""
    read = parse(definition)
    pool = pools.open_pool(session, shop_id, offer)
    now = clock.now()
    popup = Popup(
        shop_id=shop_id,
        name=name,
        definition=read,
        pool_id=pool.id,
        active=False,
        created_at=now,
        updated_at=now,
    )
    session.add(popup)
    session.flush()
    _keep_texts(session, popup)
    return popup


def change(
    session: Session,
    shop_id: int,
    popup_id: int,
    *,
    name: str | None = None,
    definition: Any = None,
    active: bool | None = None,
) -> Popup:
    """Change what is named. Raises NotFound, and Invalid for a definition that cannot be shown."""
    popup = get(session, shop_id, popup_id)
    if definition is not None:
        popup.definition = parse(definition)
        _keep_texts(session, popup)
    popup.name = name or popup.name
    popup.active = popup.active if active is None else active
    popup.updated_at = clock.now()
    session.flush()
    if popup.active:
        # A popup may be meant for members only, and whether a visitor is one stands in the customer's metafield.
        dirty.show_points(session, shop_id, on=True)
    else:
        dirty.note_shop(session, shop_id)
    return popup


def get(session: Session, shop_id: int, popup_id: int) -> Popup:
    """A popup of this shop; raises NotFound."""
    popup = session.get(Popup, (shop_id, popup_id))
    if popup is None:
        raise NotFound(f"There is no popup {popup_id}.")
    return popup


def listed(session: Session, shop_id: int, *, beyond: int, limit: int) -> Sequence[Popup]:
    """The shop's popups after an id, oldest first."""
    wanted = select(Popup).where(Popup.shop_id == shop_id, Popup.id > beyond)
    return session.scalars(wanted.order_by(Popup.id).limit(limit)).all()


_KEEP = text("""
insert into consent_texts (shop_id, version, text, language, first_used_at)
select shop_id, version, text, language, :now
from jsonb_to_recordset(cast(:rows as jsonb)) as r(shop_id bigint, version text, text text, language text)
on conflict do nothing
""")


def _keep_texts(session: Session, popup: Popup) -> None:
    """Words are kept from the moment on at which they could be shown: a page may be open for days."""
    told = [
        {"shop_id": popup.shop_id, "version": words["consent_version"], "text": words["consent"], "language": language}
        for language, words in popup.definition["texts"].items()
    ]
    session.execute(_KEEP, {"rows": rows(told), "now": clock.now()})
