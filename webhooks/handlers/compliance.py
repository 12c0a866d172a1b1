"""The three compliance topics: what a person or a merchant may ask by law, through Shopify."""

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from app.shops import privacy
from webhooks.topics import COMPLIANCE, Effects, Event, Topic


def _whole(event: Event) -> Event:
    return event


def _of_person(event: Event) -> Event:
    privacy.Person.of(event.body)  # what cannot be read is parked under its reason
    return event


def _each(act: Callable[..., object]) -> Callable[[Session, Sequence[Event]], Effects]:
    def apply(session: Session, events: Sequence[Event]) -> Effects:
        for event in events:
            act(session, event.shop_id, event.body, event.webhook_id)
        return Effects()

    return apply


TOPICS: tuple[Topic, ...] = (
    Topic("customers/data_request", _of_person, _each(privacy.data_request), COMPLIANCE),
    Topic("customers/redact", _of_person, _each(privacy.redact_customer), COMPLIANCE),
    Topic("shop/redact", _whole, _each(privacy.redact_shop), COMPLIANCE),
)
