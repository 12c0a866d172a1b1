"""The only source of instants.

`now` is business time: what ledgers, calendars and reports live by. In development it carries one offset, kept in
`$PERENNIAL_HOME/clock-offset` and so shared by all processes, which lets a demo year really pass. `wall_now` is the
machine's time, for what Shopify and browsers measure by it: tokens, signatures, leases.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

OFFSET_FILE = "clock-offset"

_offset_path: Path | None = None
_offset_mtime_ns = -1
_offset = timedelta()


def use_offset_of(home: Path | None) -> None:
    """Follow the offset kept in this home (development); None goes back to the machine's time."""
    global _offset_path, _offset_mtime_ns, _offset  # noqa: PLW0603 - one clock a process is the point of this module
    _offset_path = home / OFFSET_FILE if home else None
    _offset_mtime_ns, _offset = -1, timedelta()


def set_offset(home: Path, offset: timedelta) -> None:
    """Move the clock of every process of this home. Written whole and renamed, so that no reader sees half a number."""
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f".{OFFSET_FILE}.{os.getpid()}"
    draft.write_text(str(offset.total_seconds()), encoding="ascii")
    draft.replace(home / OFFSET_FILE)


def now() -> datetime:
    """Business time, aware, in UTC."""
    return wall_now() + _current_offset()


def wall_now() -> datetime:
    """The machine's time, aware, in UTC."""
    return datetime.now(UTC)


def _current_offset() -> timedelta:
    global _offset_mtime_ns, _offset  # noqa: PLW0603 - see use_offset_of
    if _offset_path is None:
        return timedelta()
    try:
        mtime = _offset_path.stat().st_mtime_ns
        if mtime != _offset_mtime_ns:
            _offset = timedelta(seconds=float(_offset_path.read_text(encoding="ascii")))
            _offset_mtime_ns = mtime
    except FileNotFoundError:
        return timedelta()
    return _offset
