"""The leaky bucket of calculated query costs, one a shop, as Shopify's "rate limits" page describes it.

`graphql.routes` asks `take` before an operation runs and gives back what the operation did not use. Sizes are those
the recorded development store had: 2,000 points, 100 restored a second.
"""

import threading
import time
from dataclasses import dataclass

MAXIMUM = 2000
RESTORED_PER_SECOND = 100


@dataclass
class _Level:
    available: float
    at: float


class Buckets:
    """Cost points left for each shop; safe to use from any thread."""

    def __init__(self, maximum: int = MAXIMUM, restored_per_second: int = RESTORED_PER_SECOND) -> None:
        self.maximum, self.restored_per_second = maximum, restored_per_second
        self._lock = threading.Lock()
        self._levels: dict[str, _Level] = {}

    def take(self, shop: str, cost: float) -> bool:
        """Takes the points of a requested cost; False when they are not there (Shopify answers THROTTLED)."""
        with self._lock:
            level = self._level(shop)
            if cost > level.available:
                return False
            level.available -= cost
            return True

    def give_back(self, shop: str, cost: float) -> None:
        """Returns the difference between requested and actual cost."""
        with self._lock:
            level = self._level(shop)
            level.available = min(self.maximum, level.available + cost)

    def status(self, shop: str) -> dict[str, int]:
        """`throttleStatus` as it stands in `extensions.cost`."""
        with self._lock:
            available = int(self._level(shop).available)
        return {
            "maximumAvailable": self.maximum,
            "currentlyAvailable": available,
            "restoreRate": self.restored_per_second,
        }

    def _level(self, shop: str) -> _Level:
        now = time.monotonic()
        level = self._levels.setdefault(shop, _Level(self.maximum, now))
        level.available = min(self.maximum, level.available + (now - level.at) * self.restored_per_second)
        level.at = now
        return level
