"""The door itself: verify, make durable, answer; everything else is the loop's work.

`webhooks.routes` brings deliveries here, from the server's event loop or from a thread. What must stay true: an answer
of 200 is given after the commit only, nothing is parsed or stored before the signature held, what a sender can make us
hold in memory is bounded, and every sender has an answer within `PATIENCE`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from app import metrics
from webhooks import headers
from webhooks.headers import Headers
from webhooks.inbox import Inbox
from webhooks.room import InboxFull, Place
from webhooks.verification import verify

# Shopify's largest bodies are about 5 MB; nobody else may make us read more than this.
LARGEST_BODY = 5_500_000
# Most senders read no answer before they have sent everything; up to here a larger body is read and thrown away.
_HEARD_OUT = 4 * LARGEST_BODY
# Shopify waits five seconds for an answer; a stuck database or a slow sender gets a clear one before.
PATIENCE = 4.5


class Body(Protocol):
    """The body of a request that may still be on its way; it can be asked for once, as Granian has it."""

    async def __call__(self) -> bytes:
        """All of it; an error when the sender goes away in the middle."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Piece by piece."""


class BodyTooLarge(Exception):
    """Larger than anything Shopify sends."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status without a body; `outcome` is for the metrics."""

    status: HTTPStatus
    outcome: str

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What goes with the status."""
        return [("retry-after", "5")] if self.status == HTTPStatus.SERVICE_UNAVAILABLE else []


_FAILURES = {
    BodyTooLarge: Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"),
    headers.Contradiction: Answer(HTTPStatus.BAD_REQUEST, "contradictory"),
    InboxFull: Answer(HTTPStatus.SERVICE_UNAVAILABLE, "full"),
    TimeoutError: Answer(HTTPStatus.SERVICE_UNAVAILABLE, "late"),
}
_REFUSED = Answer(HTTPStatus.SERVICE_UNAVAILABLE, "refused")
_FORGED = Answer(HTTPStatus.UNAUTHORIZED, "forged")
_UNATTRIBUTABLE = Answer(HTTPStatus.OK, "unattributable")


class Door:
    """Answers deliveries; one in each web process, used from one event loop."""

    def __init__(self, inbox: Inbox, secrets: Iterable[str], patience: float = PATIENCE) -> None:
        self.inbox = inbox
        self._secrets = tuple(secrets)
        self._patience = patience

    async def answer(self, told: Headers, body: Body) -> Answer:
        """200 once the delivery is durable, 401 when it is not Shopify's, 503 when Shopify should send it again."""
        with metrics.webhook_ack_seconds.time():
            try:
                async with asyncio.timeout(self._patience):
                    answer = await self._receive(told, body)
            except Exception as error:
                # Whatever went wrong, nothing was promised: Shopify delivers again. The inbox has logged the cause.
                answer = _FAILURES.get(type(error), _REFUSED)
        metrics.webhooks_received.labels(answer.outcome).inc()
        return answer

    async def _receive(self, told: Headers, body: Body) -> Answer:
        with self.inbox.room.enter() as place:
            raw = await _read(told, body, place)
            if not verify(raw, headers.signature(told), self._secrets):
                return _FORGED
            delivery = headers.read(told, raw)
            if delivery is None:
                return _UNATTRIBUTABLE
            outcome = await self.inbox.put(delivery, raw)
            return Answer(HTTPStatus.OK, outcome.value)


async def _read(told: Headers, body: Body, place: Place) -> bytes:
    """The raw body. The server reads no more than a stated length, which is why it need not be counted again."""
    stated = told.get_all("Content-Length")
    if stated and int(stated[0]) <= LARGEST_BODY:
        place.hold(int(stated[0]))
        return await body()
    pieces: list[bytes] = []
    size = 0
    async for piece in body:
        size += len(piece)
        if size <= LARGEST_BODY:
            place.hold(len(piece))
            pieces.append(piece)
        elif size > _HEARD_OUT:
            break
    if stated or size > LARGEST_BODY:
        raise BodyTooLarge
    return b"".join(pieces)
