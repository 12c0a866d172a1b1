"""Free text beside ledger entries: what is kept of it so that it can be erased and still not be changed.

An entry keeps a digest of its note, which the seals cover; text and salt lie in `ledger_notes`. Erasing a note deletes
both (`app.shops.privacy`), after which the digest tells nobody anything: without the salt no text can be tried out.
"""

import hashlib
import os

SALT_BYTES = 16
# The same in SQL, over a row `n` of ledger_notes.
DIGEST = "sha256(n.salt || convert_to(n.note, 'UTF8'))"


def new_salt() -> bytes:
    """A salt for one note."""
    return os.urandom(SALT_BYTES)


def digest(salt: bytes, note: str) -> bytes:
    """What the entry of a note keeps for good."""
    return hashlib.sha256(salt + note.encode()).digest()
