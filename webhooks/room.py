"""What deliveries may hold in memory together, from the first byte of a body until it is answered.

Used by the door, on its event loop only.
"""

from types import TracebackType
from typing import Self

# Enough for a burst, little enough that a stopped database does not fill the machine.
_DELIVERIES = 4_000
_BYTES = 64_000_000


class InboxFull(Exception):
    """Too much waits already; Shopify will send it again."""


class Room:
    """Counts deliveries and bytes."""

    def __init__(self, deliveries: int = _DELIVERIES, size: int = _BYTES) -> None:
        self._deliveries, self._size = deliveries, size
        self.deliveries, self.held = 0, 0

    def enter(self) -> "Place":
        """A place for one delivery, for the length of a `with` block; raises InboxFull."""
        return Place(self)

    def admits(self, size: int) -> bool:
        """Whether so many bytes more may come in; who is alone may be of any size."""
        return self.held == 0 or self.held + size <= self._size

    @property
    def full(self) -> bool:
        """Whether as many wait as may."""
        return self.deliveries >= self._deliveries


class Place:
    """One delivery in the room, and what it holds."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.held = 0

    def __enter__(self) -> Self:
        if self._room.full:
            raise InboxFull
        self._room.deliveries += 1
        return self

    def hold(self, size: int) -> None:
        """So many bytes more; raises InboxFull."""
        if not self._room.admits(size):
            raise InboxFull
        self._room.held += size
        self.held += size

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._room.deliveries -= 1
        self._room.held -= self.held
