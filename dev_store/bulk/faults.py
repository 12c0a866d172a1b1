"""Troubles of bulk operations that a test or a person switches on, counted like those of `dev_store.faults`.

`PUT /_dev/bulk/faults` (in `routes`) replaces them. FAILED, CANCELED and SILENT (no webhook at the end) meet an
operation while it runs; the others meet its download.
"""

import threading
from enum import StrEnum

from dev_store.store import DevStore


class Kind(StrEnum):
    """What goes wrong."""

    FAILED = "failed"
    CANCELED = "canceled"
    SILENT = "silent"
    EXPIRED = "expired"
    TRUNCATED = "truncated"
    DROPPED = "dropped"
    SLOW = "slow"
    BUSY = "busy"
    NO_RANGES = "no_ranges"


class BulkFaults:
    """The troubles still to come; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Kind] = []

    def replace(self, kinds: list[Kind]) -> None:
        """Forget all troubles and wait for these, each once for each time it is named."""
        with self._lock:
            self._waiting = list(kinds)

    def take(self, _shop: str, *kinds: Kind) -> Kind | None:
        """The first waiting trouble of these kinds, which is then over; None when all goes well."""
        with self._lock:
            for place, kind in enumerate(self._waiting):
                if kind in kinds:
                    return self._waiting.pop(place)
        return None

    def waiting(self) -> list[Kind]:
        """Those that have not met anything yet."""
        with self._lock:
            return list(self._waiting)


_OF_STORE: dict[int, BulkFaults] = {}


def of_store(store: DevStore) -> BulkFaults:
    """The troubles of a running store."""
    return _OF_STORE.setdefault(id(store), BulkFaults())
