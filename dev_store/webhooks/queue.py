"""Deliveries that wait: rows of the state's own file, so that a restart goes on where the store stopped.

`outbox` adds in a verb's transaction; `delivery` takes, settles and puts back. In memory stand only ids and due
times: bodies are read when their turn comes. A delivery that was acknowledged but not yet removed when the process
dies is sent again, as Shopify may do at any time.
"""

import heapq
import random
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from dev_store.state import State

_TABLES = """
create table if not exists deliveries (
    id integer primary key, shop text, topic text, uri text, name text, webhook_id text, event_id text,
    triggered_at text, body blob, attempt integer default 0, due real default 0);
"""
_FIELDS = "shop, topic, uri, name, webhook_id, event_id, triggered_at"


class Row(NamedTuple):
    """One delivery without its body; everything in it is a header or the address."""

    shop: str
    topic: str
    uri: str
    name: str | None
    webhook_id: str
    event_id: str
    triggered_at: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery in a sender's hands; `body` is packed, `attempt` counts earlier tries."""

    id: int
    row: Row
    body: bytes
    attempt: int


class Queue:
    """`delay` (seconds) and `shuffle` (window) are set by delivery's switches; safe to use from any thread."""

    def __init__(self, state: State, dice: random.Random) -> None:
        self._state = state
        self._dice = dice
        self._changed = threading.Condition()
        self._ready: deque[int] = deque()
        self._waiting: list[tuple[float, int]] = []
        self._in_hand = 0
        self._done: list[tuple[int]] = []
        self.delay = 0.0
        self.shuffle = 0
        state.script(_TABLES)
        for key, due in state.rows("select id, due from deliveries order by id"):
            heapq.heappush(self._waiting, (due, key))

    def add(self, row: Row, body: bytes) -> None:
        """Queues a delivery as part of the caller's transaction; senders see it once that is kept."""
        due = time.time() + self.delay if self.delay else 0.0
        key = self._state.insert(
            f"insert into deliveries ({_FIELDS}, body, due) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 (constant text)
            (*row, body, due),
        )
        self._state.after_commit(lambda: self._offer(key, due))

    def take(self, wait: float) -> Claim | None:
        """The next delivery that is due, after at most `wait` seconds; None if there was none."""
        with self._changed:
            self._wake_due()
            if not self._ready:
                self._changed.wait(min(wait, self._until_due()))
                self._wake_due()
            if not self._ready:
                return None
            key = self._pick()
            self._in_hand += 1
        values = self._state.rows(f"select {_FIELDS}, body, attempt from deliveries where id = ?", (key,))[0]  # noqa: S608 (constant text)
        return Claim(key, Row(*values[:-2]), values[-2], values[-1])

    def settle(self, claim: Claim) -> None:
        """The delivery is over, whatever came of it; rows are removed a few hundred at a time."""
        with self._changed:
            self._in_hand -= 1
            self._done.append((claim.id,))
            full = len(self._done) >= 200 or not (self._ready or self._in_hand)
            batch, self._done = (self._done, []) if full else ([], self._done)
            self._changed.notify_all()
        if batch:
            self._state.change("delete from deliveries where id = ?", batch)

    def flush(self) -> None:
        """Removes what was settled but still has its row."""
        with self._changed:
            batch, self._done = self._done, []
        self._state.change("delete from deliveries where id = ?", batch)

    def put_back(self, claim: Claim, due: float) -> None:
        """Another try at `due` (machine time, epoch seconds), same ids, same body."""
        self._state.change(
            "update deliveries set attempt = ?, due = ? where id = ?", [(claim.attempt + 1, due, claim.id)]
        )
        with self._changed:
            self._in_hand -= 1
            heapq.heappush(self._waiting, (due, claim.id))
            self._changed.notify_all()

    def hurry(self) -> None:
        """Makes everything that waits due now."""
        with self._changed:
            self._ready.extend(key for _, key in sorted(self._waiting))
            self._waiting.clear()
            self._changed.notify_all()

    def wake(self) -> None:
        """Lets every idle sender look at its switches."""
        with self._changed:
            self._changed.notify_all()

    def counts(self) -> dict[str, int]:
        """How many are ready or in hand (`queued`) and how many wait for a later instant (`retrying`)."""
        with self._changed:
            return {"queued": len(self._ready) + self._in_hand, "retrying": len(self._waiting)}

    def wait_empty(self, timeout: float) -> bool:
        """True once nothing is queued, in hand or waiting; False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._ready or self._waiting or self._in_hand), timeout)

    def _offer(self, key: int, due: float) -> None:
        with self._changed:
            if due:
                heapq.heappush(self._waiting, (due, key))
            else:
                self._ready.append(key)
            self._changed.notify()

    def _pick(self) -> int:
        """The oldest, or with `shuffle` any of the oldest so many."""
        place = self._dice.randrange(min(self.shuffle, len(self._ready))) if self.shuffle > 1 else 0
        key = self._ready[place]
        del self._ready[place]
        return key

    def _wake_due(self) -> None:
        now = time.time()
        while self._waiting and self._waiting[0][0] <= now:
            self._ready.append(heapq.heappop(self._waiting)[1])

    def _until_due(self) -> float:
        return max(self._waiting[0][0] - time.time(), 0.0) if self._waiting else 3600.0
