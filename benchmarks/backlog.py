"""Webhooks that wait already: put into the inbox as the door stores them, to measure the loop without the door."""

import itertools
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from app import clock
from app.crypto import KeyRing
from app.db import Database, driver_connection
from benchmarks.bodies import Shopper, Webhook, woven_across
from webhooks.body import seal_body
from webhooks.models import PARTITIONS
from webhooks.topics import lane_of

Waiting = tuple[str, int, Webhook]
_COPY = """
copy inbox_events (shop_id, partition, lane, topic, webhook_id, triggered_at, received_at, state, body) from stdin
"""
_TRIGGERED = datetime(2026, 3, 6, 12, tzinfo=UTC)


def mixed_backlog(shops: Sequence[tuple[str, int]], count: int, shoppers: Sequence[Shopper]) -> list[Waiting]:
    """`count` webhooks of all shops (domain, id), whose orders come in turn, in the proportions of a real shop."""
    return [(*shops[n], webhook) for n, webhook in itertools.islice(woven_across(shoppers), count)]


def store(database: Database, keyring: KeyRing, waiting: Iterable[Waiting]) -> None:
    """Compress, seal and write them, pending, in one transaction."""
    now = clock.wall_now()
    with database.system() as session, driver_connection(session).cursor() as cursor, cursor.copy(_COPY) as copy:
        for n, (domain, shop_id, webhook) in enumerate(waiting):
            webhook_id = str(uuid.uuid4())
            sealed = seal_body(keyring, domain, webhook.topic, webhook_id, webhook.body)
            triggered = _TRIGGERED + timedelta(microseconds=n)
            place = (shop_id, shop_id % PARTITIONS, lane_of(webhook.topic))
            copy.write_row((*place, webhook.topic, webhook_id, triggered, now, "pending", sealed))
