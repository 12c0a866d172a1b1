"""How fast one key may ask: a token bucket per key, in memory, for each web process on its own.

It is there so that one runaway script does not take the whole pool of a process, not to sell tiers; hence generous,
hence asked before the database is, and hence no shared counter that every request would have to pay for.
"""

import math
import threading
import time
from collections.abc import Callable

REQUESTS_PER_SECOND = 1_000
BURST = 1_000
MOST_KEYS = 100_000


class TokenBuckets:
    """A bucket per key: `burst` requests at once, then `per_second`. Safe to use from several threads.

    At most `most_keys` are remembered, those that asked last: whoever sends made-up keys cannot fill the memory.
    """

    def __init__(
        self,
        *,
        per_second: float = REQUESTS_PER_SECOND,
        burst: float = BURST,
        most_keys: int = MOST_KEYS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second, self._burst, self._monotonic = per_second, burst, monotonic
        self._most_keys = most_keys
        self._lock = threading.Lock()
        self._buckets: dict[bytes, tuple[float, float]] = {}

    def take(self, key: bytes) -> int:
        """Take a token. 0 when there was one, else the whole seconds after which there will be."""
        with self._lock:
            now = self._monotonic()
            tokens, since = self._buckets.pop(key, (self._burst, now))
            tokens = min(self._burst, tokens + (now - since) * self._per_second)
            allowed = tokens >= 1
            self._buckets[key] = (tokens - allowed, now)  # at the end: the order is that of the last asking
            if len(self._buckets) > self._most_keys:
                del self._buckets[next(iter(self._buckets))]
        return 0 if allowed else max(1, math.ceil((1 - tokens) / self._per_second))

    def forget(self, key: bytes) -> None:
        """Drop the bucket of a key that turned out to be none, so that guesses do not fill the memory."""
        with self._lock:
            self._buckets.pop(key, None)
