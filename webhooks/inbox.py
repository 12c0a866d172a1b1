"""The group commit: deliveries that wait at the same moment become durable by one statement and one commit.

The door awaits `Inbox.put`; one task writes what has gathered while the last statement was under way. An answer of 200
is given only after the commit. Everything here happens on the door's event loop, so nothing needs a lock.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from app.crypto import KeyRing
from app.db import Database, is_passing
from webhooks.body import seal_body
from webhooks.headers import Delivery
from webhooks.room import Room
from webhooks.store import CHANNEL, Outcome, Row, Store

__all__ = ["CHANNEL", "Inbox", "Outcome"]

log = structlog.get_logger()

_BATCH = 500
_BATCH_BYTES = 16_000_000
# Compressing a body of this size takes milliseconds, in which the loop could answer many others.
_LARGE = 250_000


@dataclass(frozen=True, slots=True)
class _Waiting:
    row: Row
    outcome: asyncio.Future[Outcome]


class Inbox:
    """The door's end of the inbox; one in each web process, used from one event loop."""

    def __init__(self, database: Database, keyring: KeyRing, room: Room | None = None) -> None:
        self.room = room or Room()
        self._keyring = keyring
        self._store = Store(database)
        self._queue: deque[_Waiting] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def put(self, delivery: Delivery, raw: bytes) -> Outcome:
        """Make a delivery durable; raises what the database raises.

        Who is cancelled while waiting has been promised nothing, though the row may still be written.
        """
        sealed = await self._seal(delivery, raw)
        waiting = _Waiting(Row(delivery, sealed), asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        return await waiting.outcome

    async def close(self) -> None:
        """Write what waits, then let the connection go."""
        if self._writer is not None:
            await self._writer
        await self._store.close()

    async def _seal(self, delivery: Delivery, raw: bytes) -> bytes:
        cell = (self._keyring, delivery.shop_domain, delivery.topic, delivery.webhook_id, raw)
        return await asyncio.to_thread(seal_body, *cell) if len(raw) > _LARGE else seal_body(*cell)

    async def _write_all(self) -> None:
        try:
            while batch := self._gather():
                await self._write(batch)
        finally:
            self._writer = None

    def _gather(self) -> list[_Waiting]:
        """What waits now, up to a batch; who has given up is left out."""
        batch: list[_Waiting] = []
        size = 0
        while self._queue and len(batch) < _BATCH and size < _BATCH_BYTES:
            waiting = self._queue.popleft()
            if not waiting.outcome.done():
                batch.append(waiting)
                size += len(waiting.row.sealed)
        return batch

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._store.insert([waiting.row for waiting in batch])
        except Exception as error:
            # Whatever it was, the deliveries that wait must hear of it, and the next ones be tried.
            if len(batch) > 1 and not is_passing(error):
                await self._write_halves(batch)
            else:
                _refuse(batch, error)
            return
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcome)

    async def _write_halves(self, batch: Sequence[_Waiting]) -> None:
        """A row that cannot be stored must not cost its neighbours a refusal."""
        middle = len(batch) // 2
        await self._write(batch[:middle])
        await self._write(batch[middle:])


def _refuse(batch: Sequence[_Waiting], error: Exception) -> None:
    log.warning("webhooks could not be stored", deliveries=len(batch), error=type(error).__name__)
    for waiting in batch:
        if not waiting.outcome.done():
            waiting.outcome.set_exception(error)
