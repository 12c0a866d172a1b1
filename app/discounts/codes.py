"""How a code is spelled: derived from the intent it stands for, so that it is known before Shopify is called.

Whoever plans a code calls `derive` with the shop's own key (`app.shops.secrets.code_key`). The same intent always has
the same code, which makes a repeated creation at Shopify harmless; without the key nobody can guess a code.
"""

from app import crypto

# Crockford's base 32: no I, L, O or U, so that a code read aloud or off a receipt is not mistaken.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 12
_BITS = 5


def derive(key: bytes, prefix: str, purpose: str, intent_id: str) -> str:
    """The code of an intent: prefix and 12 characters (60 bits) of a keyed digest, upper case."""
    digest = int.from_bytes(crypto.keyed_digest(key, purpose.encode(), intent_id.encode()), "big")
    return prefix + "".join(_ALPHABET[(digest >> (_BITS * place)) & 31] for place in range(_LENGTH))
