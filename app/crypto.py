"""Encryption at rest: AES-GCM under a ring of keys.

A sealed value is `version | key id | nonce | ciphertext`. The associated data names table, column and row, so that a
value copied to another row does not open. The first key of the ring encrypts; all of them decrypt, which is what makes
rotation possible while the program runs (app.key_rotation): a ring that lives in a file follows that file.
"""

import base64
import hashlib
import hmac
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEAD = len(_VERSION) + _KEY_ID_BYTES + _NONCE_BYTES
KEYS_FILE = "encryption-keys"
# How soon every process seals with a new key; each can open what was sealed with it at once.
FOLLOWS_AFTER_SECONDS = 1.0


class CannotOpen(Exception):
    """The value was not sealed by a key of this ring for this row, or it was changed."""


def aad(table: str, column: str, *row: str | int) -> bytes:
    """Associated data of one cell. Parts are length-prefixed, so that no two rows share it."""
    parts = [table, column, *(str(part) for part in row)]
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


class KeyRing:
    """Seals with its first key, opens with any of them. One of a file takes over what that file says later."""

    def __init__(self, keys: Sequence[bytes], *, file: Path | None = None) -> None:
        self._file, self._seen = file, _stamp(file)
        self._looked_at = time.monotonic()
        self._ciphers: dict[bytes, AESGCM] = {}
        self._first = b""
        self._take(keys)

    @property
    def first(self) -> bytes:
        """The id of the key that seals: four bytes that stand after the version in every sealed value."""
        self._follow()
        return self._first

    @property
    def others(self) -> list[bytes]:
        """The ids of the keys that only open."""
        return [key_id for key_id in self._ciphers if key_id != self.first]

    def seal(self, plaintext: bytes, associated: bytes) -> bytes:
        """Encrypt for one cell."""
        self._follow()
        first = self._first
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + first + nonce + self._ciphers[first].encrypt(nonce, plaintext, associated)

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """Decrypt; raises CannotOpen."""
        key_id = key_id_of(sealed)
        if key_id not in self._ciphers:
            self._follow(at_once=True)
        cipher = self._ciphers.get(key_id)
        if sealed[:1] != _VERSION or cipher is None:
            raise CannotOpen("sealed by a key that is not in the ring")
        try:
            return cipher.decrypt(sealed[_HEAD - _NONCE_BYTES : _HEAD], sealed[_HEAD:], associated)
        except InvalidTag as error:
            raise CannotOpen("the value does not belong to this row or was changed") from error

    def _follow(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if self._file is None or not (at_once or now - self._looked_at >= FOLLOWS_AFTER_SECONDS):
            return
        self._looked_at = now
        if (stamp := _stamp(self._file)) not in (self._seen, None):
            self._take(read_keys(self._file))
            self._seen = stamp

    def _take(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != 32 for key in keys):
            raise ValueError("a key ring needs keys of 32 bytes")
        # Other threads seal meanwhile: the first key must be among the ciphers at every moment.
        ciphers = {_key_id(key): AESGCM(key) for key in keys}
        first = _key_id(keys[0])
        self._ciphers = self._ciphers | ciphers
        self._first = first
        self._ciphers = ciphers


def keyed_digest(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256 over length-prefixed parts."""
    return hmac.new(key, b"".join(len(part).to_bytes(4, "big") + part for part in parts), hashlib.sha256).digest()


def load_keyring(home: Path, configured: Iterable[bytes]) -> KeyRing:
    """The configured keys, else those kept in the home, which are made on the first start (mode 0600)."""
    if keys := list(configured):
        return KeyRing(keys)
    return KeyRing(_keys_of_home(home), file=home / KEYS_FILE)


def key_id_of(sealed: bytes) -> bytes:
    """The id of the key that a value was sealed with."""
    return sealed[len(_VERSION) : len(_VERSION) + _KEY_ID_BYTES]


def read_keys(path: Path) -> list[bytes]:
    """The keys of a file, one a line, the one that seals first."""
    return [base64.urlsafe_b64decode(line) for line in path.read_bytes().split(b"\n") if line.strip()]


def write_keys(path: Path, keys: Sequence[bytes]) -> None:
    """Replace the file by one with these keys (mode 0600); whoever reads finds the old ones or the new ones."""
    draft = _draft(path, keys)
    os.replace(draft, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _stamp(file: Path | None) -> tuple[int, int] | None:
    try:
        found = file.stat() if file else None
    except FileNotFoundError:
        return None
    return (found.st_mtime_ns, found.st_ino) if found else None


def _draft(path: Path, keys: Sequence[bytes]) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(base64.urlsafe_b64encode(key) + b"\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"perennial key id" + key).digest()[:_KEY_ID_BYTES]


def _keys_of_home(home: Path) -> list[bytes]:
    path = home / KEYS_FILE
    home.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = _draft(path, [os.urandom(32)])
        try:
            # A link fails when another process was first; then its key is the one that counts.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return read_keys(path)
