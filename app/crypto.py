"""Encryption at rest: AES-GCM under a ring of keys.

A sealed value is `version | key id | nonce | ciphertext`. The associated data names table, column and row, so that a
value copied to another row does not open. The first key of the ring encrypts; all of them decrypt, which is what makes
rotation possible while the program runs.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEAD = len(_VERSION) + _KEY_ID_BYTES + _NONCE_BYTES
KEYS_FILE = "encryption-keys"


class CannotOpen(Exception):
    """The value was not sealed by a key of this ring for this row, or it was changed."""


def aad(table: str, column: str, *row: str | int) -> bytes:
    """Associated data of one cell. Parts are length-prefixed, so that no two rows share it."""
    parts = [table, column, *(str(part) for part in row)]
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


class KeyRing:
    """Seals with its first key, opens with any of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != 32 for key in keys):
            raise ValueError("a key ring needs keys of 32 bytes")
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self._first = _key_id(keys[0])

    def seal(self, plaintext: bytes, associated: bytes) -> bytes:
        """Encrypt for one cell."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + self._first + nonce + self._ciphers[self._first].encrypt(nonce, plaintext, associated)

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """Decrypt; raises CannotOpen."""
        key_id = sealed[len(_VERSION) : len(_VERSION) + _KEY_ID_BYTES]
        cipher = self._ciphers.get(key_id)
        if sealed[:1] != _VERSION or cipher is None:
            raise CannotOpen("sealed by a key that is not in the ring")
        try:
            return cipher.decrypt(sealed[_HEAD - _NONCE_BYTES : _HEAD], sealed[_HEAD:], associated)
        except InvalidTag as error:
            raise CannotOpen("the value does not belong to this row or was changed") from error


def keyed_digest(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256 over length-prefixed parts."""
    return hmac.new(key, b"".join(len(part).to_bytes(4, "big") + part for part in parts), hashlib.sha256).digest()


def load_keyring(home: Path, configured: Iterable[bytes]) -> KeyRing:
    """The configured keys, else those kept in the home, which are made on the first start (mode 0600)."""
    keys = list(configured)
    return KeyRing(keys or _keys_of_home(home))


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"perennial key id" + key).digest()[:_KEY_ID_BYTES]


def _keys_of_home(home: Path) -> list[bytes]:
    path = home / KEYS_FILE
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f".{KEYS_FILE}.{os.getpid()}"
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.urlsafe_b64encode(os.urandom(32)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link fails when another process was first; then its key is the one that counts.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return [base64.urlsafe_b64decode(line) for line in path.read_bytes().split(b"\n") if line.strip()]
