"""The sealed cells of a shop's row: its tokens, and the key from which its discount codes are derived.

`tokens`, `install` and whoever derives codes use it. A value opens only in the column and row it was sealed for.
"""

from typing import Literal

from app.crypto import KeyRing, aad
from app.key_rotation import SealedColumn
from app.shops.models import Shop

Cell = Literal["access_token", "refresh_token", "code_key"]
_CELLS: tuple[Cell, ...] = ("access_token", "refresh_token", "code_key")
SEALED = tuple(SealedColumn("shops", cell, ("id",), ("t.id",), "shops t") for cell in _CELLS)


def seal(keyring: KeyRing, shop_id: int, cell: Cell, secret: bytes) -> bytes:
    """What may be stored in this cell."""
    return keyring.seal(secret, aad("shops", cell, shop_id))


def unseal(keyring: KeyRing, shop_id: int, cell: Cell, sealed: bytes) -> bytes:
    """The secret of this cell; raises CannotOpen when it was copied from elsewhere or changed."""
    return keyring.open(sealed, aad("shops", cell, shop_id))


def code_key(keyring: KeyRing, shop: Shop) -> bytes:
    """The 32 bytes under which this shop's discount codes are derived; made once, at the first installation."""
    return unseal(keyring, shop.id, "code_key", shop.code_key)
