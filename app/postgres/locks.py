"""Advisory file locks between the processes of one home; the kernel drops them when a process ends, however it ends.

Used by server.py only. A lock belongs to the open file: children made by fork share it, programs started by exec do not
hold it unless the descriptor is passed on purpose.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.postgres.errors import PostgresUnavailable


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as error:
        raise PostgresUnavailable(
            f"{path} belongs to another user of this machine.",
            "Run Perennial as that user, choose another PERENNIAL_HOME, or set DATABASE_URL.",
        ) from error


def shared(path: Path) -> int:
    """Wait for a shared lock; the descriptor returned holds it until it is closed."""
    descriptor = _open(path)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def try_exclusive(path: Path) -> int | None:
    """The descriptor that holds the exclusive lock, or None while anybody else holds the lock."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the exclusive lock for the length of the block, waiting for it as long as it takes."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
