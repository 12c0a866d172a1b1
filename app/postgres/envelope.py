r"""The file format of backups: a stream, encrypted in chunks under the key ring.

    "PERENNIAL BACKUP 1\n" | id (16 bytes) | frame 0 | frame 1 | …    frame: last? (1 byte) | length (4 bytes) | sealed

Each frame is sealed together with the backup's id, its number and whether it is the last: a file that was cut short,
reordered, mixed with another or changed does not open. Frame 0 is empty and only tells whether the key is right.
Called by backup.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from app.crypto import CannotOpen, KeyRing, aad
from app.postgres.errors import BackupError

MAGIC = b"PERENNIAL BACKUP 1\n"
CHUNK = 1 << 20
FRAME_LIMIT = (
    CHUNK + 1024
)  # a sealed chunk is a little longer than the chunk; a damaged length must not fill the memory


def write(target: BinaryIO, plain: BinaryIO, keyring: KeyRing) -> None:
    """Encrypt everything that `plain` yields into `target`."""
    identity = os.urandom(16)
    target.write(MAGIC + identity)
    for number, (chunk, last) in enumerate(_with_last(_frames(plain))):
        sealed = keyring.seal(chunk, _associated(identity, number, last))
        target.write(bytes([last]) + len(sealed).to_bytes(4, "big") + sealed)


def read(source: BinaryIO, keyring: KeyRing) -> Iterator[bytes]:
    """The plain chunks, each verified before it is given out. Raises BackupError at the first that is not right."""
    if source.read(len(MAGIC)) != MAGIC:
        raise BackupError(
            "This file is not a backup made by Perennial.", "Name the file that `perennial backup` wrote."
        )
    identity = source.read(16)
    number, last = 0, False
    while not last:
        last, sealed = _next_frame(source)
        yield _opened(keyring, sealed, _associated(identity, number, last), number)
        number += 1
    if source.read(1):
        raise _damaged()


def _next_frame(source: BinaryIO) -> tuple[bool, bytes]:
    head = source.read(5)
    length = int.from_bytes(head[1:], "big")
    sealed = source.read(min(length, FRAME_LIMIT))
    if len(head) != 5 or len(sealed) != length:
        raise _damaged()
    return head[0] == 1, sealed


def _frames(plain: BinaryIO) -> Iterator[bytes]:
    yield b""
    while chunk := plain.read(CHUNK):
        yield chunk


def _with_last(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each chunk and whether it is the last."""
    pending: bytes | None = None
    for chunk in chunks:
        if pending is not None:
            yield pending, False
        pending = chunk
    if pending is not None:
        yield pending, True


def _associated(identity: bytes, number: int, last: bool) -> bytes:
    return aad("backup", "frame", identity.hex(), number, int(last))


def _opened(keyring: KeyRing, sealed: bytes, associated: bytes, number: int) -> bytes:
    try:
        return keyring.open(sealed, associated)
    except CannotOpen as error:
        if number == 0:
            raise BackupError(
                "This backup was encrypted with another key (or its beginning is damaged).",
                "Put the key of the installation that made it into PERENNIAL_ENCRYPTION_KEYS, or its file "
                "encryption-keys into PERENNIAL_HOME; the keys are not part of a backup.",
            ) from error
        raise _damaged() from error


def _damaged() -> BackupError:
    return BackupError(
        "This backup is damaged: it was cut short or changed. Nothing was restored.", "Use another copy of it."
    )
