"""From a stored event to a parsed one, or to the written rule by which it is set aside.

| what arrived | what becomes of it |
|---|---|
| a topic that the table does not know | ignored: unknown-topic |
| a body that names another shop than the header did | ignored: other-shop (headers are not signed, bodies are) |
| a body that asks for nothing (a merge that failed) | ignored: nothing-to-do |
| a body that is not JSON, or not an object | parked: broken-json |
| a missing or impossible id, time or amount | parked under the reader's reason |
| a body over which our own reader stumbles | parked: failed |
| a body that was erased, or sealed with a key we no longer have | parked: unreadable |

Ignored events are over. Parked ones wait for a person, who sees the reason and can replay them.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from app.crypto import CannotOpen, KeyRing
from app.payload import BadPayload, Body
from webhooks.body import open_body
from webhooks.claim import Claimed
from webhooks.topics import Event, Topic

log = structlog.get_logger()


@dataclass(frozen=True)
class SetAside:
    """An event that is not handled: its end and why. The message holds nothing of the body."""

    state: str
    reason: str
    message: str


def read(claimed: Claimed, topics: Mapping[str, Topic], keyring: KeyRing) -> Any:
    """The fact that the event's topic reads out of it, or SetAside."""
    topic = topics.get(claimed.topic)
    if topic is None:
        return SetAside("ignored", "unknown-topic", "Nothing in this version listens to this topic.")
    try:
        body = _body(claimed, keyring)
        if _names_another_shop(body, claimed):
            return SetAside("ignored", "other-shop", "The body names another shop than the delivery's header.")
        fact = topic.read(_event(claimed, body))
    except BadPayload as error:
        return SetAside("parked", error.reason, str(error))
    except Exception as error:
        # A bug of ours: it must cost this event alone, and trying again cannot help before a new version does.
        log.error("webhook cannot be read", topic=claimed.topic, event_id=claimed.id, exc_info=error)
        return SetAside("parked", "failed", f"Reading it raised {type(error).__name__}.")
    if fact is None:
        return SetAside("ignored", "nothing-to-do", "The delivery asks for nothing.")
    return fact


def _body(claimed: Claimed, keyring: KeyRing) -> Body:
    if claimed.body is None:
        raise BadPayload("unreadable", "the body is no longer stored")
    try:
        raw = open_body(keyring, claimed.shop_domain, claimed.topic, claimed.webhook_id, bytes(claimed.body))
    except (CannotOpen, zlib.error) as error:
        raise BadPayload("unreadable", "the body cannot be decrypted with the keys of this installation") from error
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadPayload("broken-json", "the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadPayload("broken-json", "the body is not a JSON object")
    return body


def _names_another_shop(body: Body, claimed: Claimed) -> bool:
    domain = body.get("shop_domain") or body.get("myshopify_domain")
    if isinstance(domain, str) and domain.lower() != claimed.shop_domain:
        return True
    shop_id = body.get("shop_id")
    return isinstance(shop_id, int) and claimed.shopify_id is not None and shop_id != claimed.shopify_id


def _event(claimed: Claimed, body: Body) -> Event:
    return Event(
        shop_id=claimed.shop_id,
        shop_domain=claimed.shop_domain,
        shop_currency=claimed.shop_currency,
        id=claimed.id,
        topic=claimed.topic,
        webhook_id=claimed.webhook_id,
        triggered_at=claimed.triggered_at,
        received_at=claimed.received_at,
        body=body,
    )
