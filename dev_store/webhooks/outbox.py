"""The outbox: one business event of a shop becomes the deliveries its subscriptions ask for.

Commerce verbs call `emit` inside their transaction, so that the change and its webhooks are kept together. A body is
rendered and packed once however many topics and subscriptions carry it. The row holds everything the sender needs.
"""

import uuid
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime

import orjson

from dev_store.config import AppConfig
from dev_store.state import Document, State, public
from dev_store.webhooks.queue import Queue, Row

# These are sent although the app is not (any more) installed, which is what they are about.
_AFTER_UNINSTALL = frozenset({"app/uninstalled", "customers/redact", "shop/redact"})


class Outbox:
    def __init__(self, state: State, queue: Queue, app: AppConfig) -> None:
        self._state = state
        self._queue = queue
        self._app = app

    def emit(self, shop: str, at: datetime, happened: Iterable[tuple[str, Document]]) -> None:
        """Queues (topic, document) pairs that are one business event: they share X-Shopify-Event-Id.

        Nothing is queued for a shop that has not installed the app. Call it inside the verb's transaction.
        """
        event_id, bodies = str(uuid.uuid4()), dict[int, bytes]()
        for topic, document in happened:
            if not self._listening(shop, topic):
                continue
            for subscription in self._app.subscriptions:
                if subscription.topic != topic:
                    continue
                if id(document) not in bodies:
                    bodies[id(document)] = zlib.compress(orjson.dumps(public(document)), 1)
                triggered_at = self._trigger(shop, at, topic)
                row = Row(shop, topic, subscription.uri, subscription.name, str(uuid.uuid4()), event_id, triggered_at)
                self._queue.add(row, bodies[id(document)])

    def _listening(self, shop: str, topic: str) -> bool:
        document = self._state.shop_document(shop) or {}
        if topic in _AFTER_UNINSTALL and document.get("_uninstalled_at"):
            return True
        return bool(document.get("_installed_at"))

    def _trigger(self, shop: str, at: datetime, topic: str) -> str:
        """RFC 3339 with nanoseconds, strictly later than everything this shop was told before; counts the topic."""
        told = self._state.get(shop, "setting", "announced") or {"ns": 0, "topics": {}}
        seconds = int(at.timestamp())
        now = max(seconds * 1_000_000_000 + at.microsecond * 1_000, told["ns"] + 1_009)
        told["ns"] = now
        told["topics"][topic] = told["topics"].get(topic, 0) + 1
        self._state.put(shop, "setting", "announced", told)
        whole = datetime.fromtimestamp(now // 1_000_000_000, UTC)
        return f"{whole:%Y-%m-%dT%H:%M:%S}.{now % 1_000_000_000:09d}Z"
