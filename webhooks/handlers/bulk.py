"""The end of a bulk operation. It only saves waiting: what ended, and where its file is, is asked of Shopify."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app import payload
from app.intake.service import operation_ended
from webhooks.topics import Effects, Event, Topic


def _finished(event: Event) -> tuple[int, str]:
    number = payload.needed_id(event.body, "admin_graphql_api_id")
    return (event.shop_id, f"gid://shopify/BulkOperation/{number}")


def _go_on(session: Session, ended: Sequence[tuple[int, str]]) -> Effects:
    for shop_id, operation_id in sorted(set(ended)):
        operation_ended(session, shop_id, operation_id)
    return Effects()


TOPICS = (Topic("bulk_operations/finish", _finished, _go_on),)
