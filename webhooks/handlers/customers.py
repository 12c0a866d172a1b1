"""Customers, their consent, their tags, and two that become one."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import payload
from app.customers import service, tags
from app.customers.payload import Consent, CustomerSnapshot, Merge, parse_consent, parse_customer, parse_merge
from app.customers.tags import TagNews
from webhooks.topics import Effects, Event, Topic


def _customer(event: Event) -> CustomerSnapshot:
    return parse_customer(event.shop_id, event.body, event.triggered_at)


def _deleted(event: Event) -> tuple[int, int, datetime]:
    return (event.shop_id, payload.needed_id(event.body), event.triggered_at)


def _merge(event: Event) -> Merge | None:
    return parse_merge(event.shop_id, event.body)


def _email_consent(event: Event) -> Consent:
    return parse_consent(event.shop_id, event.body, event.triggered_at, channel="email")


def _sms_consent(event: Event) -> Consent:
    return parse_consent(event.shop_id, event.body, event.triggered_at, channel="sms")


def _tags_added(event: Event) -> TagNews:
    return tags.parse_news(event.shop_id, event.body, event.triggered_at, held=True)


def _tags_removed(event: Event) -> TagNews:
    return tags.parse_news(event.shop_id, event.body, event.triggered_at, held=False)


def _apply_customers(session: Session, snapshots: Sequence[CustomerSnapshot]) -> Effects:
    return Effects(service.apply(session, snapshots))


def _apply_deletions(session: Session, deletions: Sequence[tuple[int, int, datetime]]) -> Effects:
    return Effects(service.delete(session, deletions))


def _apply_merges(session: Session, merges: Sequence[Merge]) -> Effects:
    return Effects(*service.merge(session, merges))


def _apply_consents(session: Session, consents: Sequence[Consent]) -> Effects:
    service.apply_consents(session, consents)
    return Effects()


def _apply_tags(session: Session, news: Sequence[TagNews]) -> Effects:
    tags.apply(session, news)
    return Effects()


TOPICS = (
    Topic("customers/create", _customer, _apply_customers),
    Topic("customers/update", _customer, _apply_customers),
    Topic("customers/delete", _deleted, _apply_deletions),
    Topic("customers/merge", _merge, _apply_merges),
    Topic("customers_email_marketing_consent/update", _email_consent, _apply_consents),
    Topic("customers_marketing_consent/update", _sms_consent, _apply_consents),
    Topic("customer.tags_added", _tags_added, _apply_tags),
    Topic("customer.tags_removed", _tags_removed, _apply_tags),
)
