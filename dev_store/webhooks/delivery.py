"""The senders: threads that take deliveries from the queue and post them as Shopify does, well or badly on purpose.

Only 2xx is success; anything else is tried again 8 times within 4 hours, each wait twice the one before (Shopify,
changelog of 10 September 2024). `Switches` make the network worse: what happens then is decided by one seeded dice.
"""

import json
import random
import threading
import time
import zlib
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from dev_store.config import Config, ConfigError
from dev_store.state import State
from dev_store.webhooks.outbox import Outbox
from dev_store.webhooks.queue import Claim, Queue
from dev_store.webhooks.sender import Sender, SendError
from dev_store.webhooks.signing import headers

RETRIES = 8
_NAP = 0.05  # how long a paused sender sleeps before it looks at its switches again
RETRY_SECONDS = 4 * 3600.0
_COUNTERS = ("sent", "acknowledged", "doubled", "dropped", "failed", "given_up")


@dataclass(frozen=True)
class Switches:
    """`drop` and `double` are shares of deliveries, `drop_of` beginnings of the topics that are dropped (all without
    it), `delay_seconds` holds each one back that long, `shuffle` is the window out of which the next one is drawn,
    `compress` divides the waits of retries, `seed` restarts the dice."""

    drop: float = 0.0
    drop_of: str = ""
    double: float = 0.0
    delay_seconds: float = 0.0
    shuffle: int = 0
    compress: float = 1.0
    paused: bool = False
    concurrency: int = 16
    seed: int | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.drop <= 1 and 0 <= self.double <= 1):
            raise ConfigError("drop and double are shares between 0 and 1")
        if self.delay_seconds < 0 or self.shuffle < 0 or self.compress <= 0 or not 1 <= self.concurrency <= 256:
            raise ConfigError(
                "delay_seconds and shuffle must not be negative, compress must be above 0, concurrency 1 to 256"
            )


class Delivery:
    """Owns queue, outbox and sender threads. Nothing is sent before `start`."""

    def __init__(self, state: State, config: Config) -> None:
        self._state = state
        self._config = config
        self._dice = random.Random(config.seed)
        self._queue = Queue(state, self._dice)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._started = False
        self._lost: list[dict[str, Any]] = []
        self._counts = dict.fromkeys(_COUNTERS, 0) | (state.get("", "setting", "delivery counts") or {})
        self.switches = Switches(seed=config.seed)
        self.outbox = Outbox(state, self._queue, config.app)

    def start(self) -> None:
        """Starts the senders; calling it again starts those that a raised `concurrency` asks for."""
        self._started = True
        for place in range(len(self._threads), self.switches.concurrency):
            thread = threading.Thread(target=self._run, args=(place,), name=f"webhook-sender-{place}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Lets requests in hand finish (5 seconds at most) and keeps the rest for the next start."""
        self._stopping.set()
        self._queue.wake()
        for thread in self._threads:
            thread.join()
        self._queue.flush()
        self.stats()

    def change(self, wanted: dict[str, Any]) -> Switches:
        """Sets the named switches, keeps the others. ConfigError for an unknown name or a value that cannot be."""
        known = {field.name for field in fields(Switches)}
        if unknown := set(wanted) - known:
            raise ConfigError(f"unknown switch {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
        try:
            self.switches = replace(self.switches, **wanted)
        except TypeError as error:
            raise ConfigError(f"a switch has a value of the wrong type: {error}") from error
        if wanted.get("seed") is not None:
            self._dice.seed(wanted["seed"])
        self._queue.delay, self._queue.shuffle = self.switches.delay_seconds, self.switches.shuffle
        if self._started:
            self.start()
        return self.switches

    def stats(self) -> dict[str, int]:
        """Counted since the state file was made; `retrying` is what waits for a later instant (delayed ones too)."""
        with self._lock:
            counts = dict(self._counts)
        self._state.put("", "setting", "delivery counts", counts)
        return {**self._queue.counts(), **counts}

    def lost(self) -> list[dict[str, Any]]:
        """What was dropped since the start: topic, and id of the thing that it told of (a refund's order)."""
        with self._lock:
            return list(self._lost)

    def drain(self, timeout: float) -> bool:
        """Waits until nothing is left to send; False after `timeout` seconds (a paused queue never empties)."""
        return self._queue.wait_empty(timeout)

    def hurry(self) -> None:
        """Makes all waiting retries and delayed deliveries due now."""
        self._queue.hurry()

    def settings(self) -> dict[str, Any]:
        return asdict(self.switches)

    def _run(self, place: int) -> None:
        sender = Sender()
        while not self._stopping.is_set():
            if self.switches.paused or place >= self.switches.concurrency:
                self._stopping.wait(_NAP)
            elif claim := self._queue.take(1.0):
                self._deliver(sender, claim)
        sender.close()

    def _deliver(self, sender: Sender, claim: Claim) -> None:
        first = claim.attempt == 0
        if first and self._is_dropped(claim):
            self._drop(claim)
        elif not self._accepted(sender, claim):
            self._retry(claim)
        elif first and self._dice.random() < self.switches.double:
            self._count("acknowledged", "doubled")
            self._queue.put_back(claim, time.time())
        else:
            self._count("acknowledged")
            self._queue.settle(claim)

    def _is_dropped(self, claim: Claim) -> bool:
        named = tuple(self.switches.drop_of.split(","))
        return claim.row.topic.startswith(named) and self._dice.random() < self.switches.drop

    def _drop(self, claim: Claim) -> None:
        body = json.loads(zlib.decompress(claim.body))
        body = body.get("order_edit") or body
        with self._lock:
            self._lost.append({"topic": claim.row.topic, "id": body.get("order_id") or body.get("id")})
        self._count("dropped")
        self._queue.settle(claim)

    def _accepted(self, sender: Sender, claim: Claim) -> bool:
        body = zlib.decompress(claim.body)
        self._count("sent")
        envelope = headers(claim.row, body, secret=self._config.client_secret, api_version=self._config.app.api_version)
        try:
            return 200 <= sender.post(claim.row.uri, envelope, body) < 300
        except SendError:
            return False

    def _retry(self, claim: Claim) -> None:
        self._count("failed")
        if claim.attempt >= RETRIES:
            self._count("given_up")
            self._queue.settle(claim)
        else:
            self._queue.put_back(claim, time.time() + wait_before(claim.attempt + 1) / self.switches.compress)

    def _count(self, *names: str) -> None:
        with self._lock:
            for name in names:
                self._counts[name] += 1


def wait_before(retry: int) -> float:
    """Seconds before the given retry (1 to 8): about 56 s, then twice as long each time, 4 hours in all."""
    return float(RETRY_SECONDS * 2 ** (retry - 1) / (2**RETRIES - 1))
