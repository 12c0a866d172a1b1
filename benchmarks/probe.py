"""Asks what a merchant would ask: when does the API show the points of an order whose webhook was just sent?

A few threads send orders/paid of customers whom nobody has seen before and ask the public API for each until its
balance is there. The waiting time includes the pause between two questions, so it is never flattered; the pause is
there because questions, too, cost the web process time.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from benchmarks.bodies import Shopper, Signer
from benchmarks.load import Connection

_PAUSE = 0.03  # seconds between two questions
_GIVE_UP = 20.0
_THREADS = 6


@dataclass(frozen=True)
class Probe:
    """A signed orders/paid, and the question for the balance of its customer."""

    webhook: bytes
    question: bytes


@dataclass
class Seen:
    """What the probes found: seconds from sending to the answer of the door, and to the points in the API."""

    acknowledged: list[float] = field(default_factory=list)
    visible: list[float] = field(default_factory=list)
    failures: int = 0


def probes(signer: Signer, shopper: Shopper, domain: str, key: str, numbers: range) -> list[Probe]:
    """One probe for each of these customers, whose numbers nobody else uses."""
    found = []
    for number in numbers:
        _, paid, *_ = shopper.order(number)
        lines = (
            f"GET /api/v1/customers/{shopper.customer_id(number)} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {key}",
            "\r\n",
        )
        found.append(Probe(signer.request(domain, paid), "\r\n".join(lines).encode()))
    return found


class Prober:
    """Sends the probes at a rate; `seen` waits for the last."""

    def __init__(self, port: int, planned: Sequence[Probe], rate: float) -> None:
        self._port, self._planned, self._rate = port, planned, rate
        self._seen, self._lock = Seen(), threading.Lock()
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(_THREADS)]
        for thread in self._threads:
            thread.start()

    def seen(self) -> Seen:
        for thread in self._threads:
            thread.join()
        self._seen.failures += len(self._planned) - len(self._seen.visible) - self._seen.failures
        return self._seen

    def _run(self, first: int) -> None:
        connection = Connection(self._port)
        for n in range(first, len(self._planned), _THREADS):
            time.sleep(max(self._began + n / self._rate - time.monotonic(), 0))
            self._ask(connection, self._planned[n])
        connection.socket.close()

    def _ask(self, connection: Connection, probe: Probe) -> None:
        sent = time.monotonic()
        status, _ = connection.exchange(probe.webhook)
        acknowledged = time.monotonic() - sent
        visible = None
        while status == 200 and visible is None and time.monotonic() - sent < _GIVE_UP:
            answer, body = connection.exchange(probe.question)
            if answer == 200 and orjson.loads(body)["points"]["balance"] > 0:
                visible = time.monotonic() - sent
            else:
                time.sleep(_PAUSE)
        with self._lock:
            self._seen.acknowledged.append(acknowledged)
            if visible is None:
                self._seen.failures += 1
            else:
                self._seen.visible.append(visible)
