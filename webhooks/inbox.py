"""The group commit: deliveries that wait at the same moment become durable by one statement and one commit.

A request puts its delivery into a bounded queue and waits; one thread of the process writes what has gathered and
wakes the inbox loops. An answer of 200 is given only after the commit. Whether the shop is known is decided inside the
insert, so a shop installed a moment ago is never turned away.
"""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum

import psycopg
import structlog

from app.crypto import KeyRing
from app.db import Database, driver_connection, is_passing
from webhooks.body import seal_body
from webhooks.headers import Delivery
from webhooks.models import PARTITIONS
from webhooks.topics import lane_of

log = structlog.get_logger()

CHANNEL = "perennial_inbox"
# What may wait in memory: enough for a burst, little enough that a stopped database does not fill the machine.
_WAITING = 4_000
_WAITING_BYTES = 64_000_000
_BATCH = 500
_BATCH_BYTES = 16_000_000


class Outcome(Enum):
    """What became of a delivery at the door."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    UNKNOWN_SHOP = "unknown_shop"


class InboxFull(Exception):
    """Too much waits already; Shopify will send it again."""


@dataclass(frozen=True)
class _Waiting:
    delivery: Delivery
    sealed: bytes
    outcome: "Future[Outcome]"


class Inbox:
    """The door's end of the inbox; one in each web process."""

    def __init__(
        self, database: Database, keyring: KeyRing, waiting: int = _WAITING, waiting_bytes: int = _WAITING_BYTES
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(waiting)
        self._bytes_allowed = waiting_bytes
        self._bytes_waiting = 0
        self._bytes_lock = threading.Lock()
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, delivery: Delivery, raw: bytes, timeout: float = 4.5) -> Outcome:
        """Make a delivery durable; raises InboxFull, TimeoutError, or the database's error.

        The timeout is inside Shopify's five seconds, so that a stuck database gets a clear 503.
        """
        self._ensure_thread()
        sealed = seal_body(self._keyring, delivery.shop_domain, delivery.topic, delivery.webhook_id, raw)
        waiting = _Waiting(delivery, sealed, Future())
        self._enqueue(waiting)
        try:
            return waiting.outcome.result(timeout)
        except TimeoutError:
            waiting.outcome.cancel()
            raise

    def _enqueue(self, waiting: _Waiting) -> None:
        with self._bytes_lock:
            if self._bytes_waiting and self._bytes_waiting + len(waiting.sealed) > self._bytes_allowed:
                raise InboxFull
            try:
                self._queue.put_nowait(waiting)
            except queue.Full:
                raise InboxFull from None
            self._bytes_waiting += len(waiting.sealed)

    def close(self) -> None:
        """Write what waits, then stop."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(10)

    def _ensure_thread(self) -> None:
        # Started by the first delivery and not with the object: the server may fork between the two.
        if self._thread is None:
            with self._start_lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="inbox-commit", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            batch, last = self._gather()
            if batch:
                self._write(batch)
            if last:
                return

    def _gather(self) -> tuple[list[_Waiting], bool]:
        """All that waits now, at least one; and whether this is the end."""
        batch: list[_Waiting] = []
        size = 0
        item = self._queue.get()
        while item is not None:
            with self._bytes_lock:
                self._bytes_waiting -= len(item.sealed)
            if item.outcome.set_running_or_notify_cancel():
                batch.append(item)
                size += len(item.sealed)
            if len(batch) >= _BATCH or size >= _BATCH_BYTES:
                return batch, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            outcomes = _insert(self._database, batch)
        except Exception as error:
            if len(batch) > 1 and not is_passing(error):
                # A row that cannot be stored must not cost its neighbours a refusal.
                middle = len(batch) // 2
                self._write(batch[:middle])
                self._write(batch[middle:])
                return
            log.warning("webhooks could not be stored", deliveries=len(batch), error=type(error).__name__)
            for item in batch:
                item.outcome.set_exception(error)
            return
        for item, outcome in zip(batch, outcomes, strict=True):
            item.outcome.set_result(outcome)


_INSERT = """
with delivery as (
    select d.*, s.id as shop_id
    from unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::smallint[],
                %s::timestamptz[], %s::timestamptz[], %s::bytea[])
        as d(n, domain, topic, webhook_id, event_id, api_version, lane, triggered_at, received_at, body)
    -- A shop that was erased on request (its code key is gone with it) is a stranger again.
    left join shops s on s.domain = d.domain and s.code_key <> ''
), stored as (
    insert into inbox_events (shop_id, partition, lane, topic, webhook_id, event_id, api_version, triggered_at,
                              received_at, state, body)
    select shop_id, shop_id %% %s, lane, topic, webhook_id, event_id, api_version, triggered_at, received_at,
           'pending', body
    from delivery where shop_id is not null order by shop_id, topic, webhook_id, n
    on conflict (shop_id, topic, webhook_id) do nothing
    returning shop_id, topic, webhook_id
)
select d.shop_id is not null, s.shop_id is not null
from delivery d left join stored s using (shop_id, topic, webhook_id) order by d.n
"""


def _insert(database: Database, batch: Sequence[_Waiting]) -> list[Outcome]:
    deliveries = [item.delivery for item in batch]
    columns = [
        list(range(len(batch))),
        [d.shop_domain for d in deliveries],
        [d.topic for d in deliveries],
        [d.webhook_id for d in deliveries],
        [d.event_id for d in deliveries],
        [d.api_version for d in deliveries],
        [lane_of(d.topic) for d in deliveries],
        [d.triggered_at for d in deliveries],
        [d.received_at for d in deliveries],
        [item.sealed for item in batch],
    ]
    with database.system() as session:
        connection: psycopg.Connection[tuple[bool, bool]] = driver_connection(session)
        found = connection.execute(_INSERT, [*columns, PARTITIONS], binary=False).fetchall()
        connection.execute("select pg_notify(%s, '')", [CHANNEL])
    return [_OUTCOMES[row] for row in found]


_OUTCOMES = {
    (True, True): Outcome.STORED,
    (True, False): Outcome.DUPLICATE,
    (False, False): Outcome.UNKNOWN_SHOP,
}
