"""The development store's own clock: the machine's time plus an offset, so that a demo year can pass in minutes.

The offset is kept in the state and therefore survives a restart. Verbs take their instant explicitly; this clock serves
where nobody names one (the GraphQL API, a hand-made order, token life).
"""

from datetime import UTC, datetime, timedelta

from dev_store.state import State

_KIND, _KEY = "setting", "clock"


class Clock:
    def __init__(self, state: State) -> None:
        self._state = state
        stored = state.get("", _KIND, _KEY)
        self._offset = timedelta(seconds=stored["offset_seconds"] if stored else 0)

    @property
    def offset(self) -> timedelta:
        return self._offset

    def now(self) -> datetime:
        """The store's present, aware and in UTC."""
        return datetime.now(UTC) + self._offset

    def shift(self, offset: timedelta) -> None:
        """Sets the distance to the machine's time (not relative to an earlier shift)."""
        self._offset = offset
        self._state.put("", _KIND, _KEY, {"offset_seconds": offset.total_seconds()})
