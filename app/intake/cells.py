"""Single values of a bulk operation's lines, as COPY reads them. Pure; called some ten million times by a large import.

What people typed is trimmed and cut as everywhere (`app.payload.text`); NUL is out of the file already.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from app.money import to_minor

Doc = Mapping[str, Any]

NULL = r"\N"
LONGEST_TEXT, _LONGEST_ADDRESS = 2_000, 320
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def cells(raw: bytes) -> Callable[[str | None], str]:
    """The writer of texts for a line. What COPY wants escaped JSON escapes too, so most lines need no look at it."""
    return _escaped if b"\\" in raw else _plain


def _plain(value: str | None) -> str:
    return value.strip()[:LONGEST_TEXT] or NULL if value else NULL


def _escaped(value: str | None) -> str:
    return value.strip()[:LONGEST_TEXT].translate(_ESCAPES) or NULL if value else NULL


def array(values: list[str]) -> str:
    """An array of texts."""
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return ("{" + ",".join(quoted) + "}").translate(_ESCAPES)


def document(value: object) -> str:
    """A JSON document."""
    return orjson.dumps(value).decode().translate(_ESCAPES)


def digits(gid: str) -> str:
    """The number of a global id such as `gid://shopify/Order/5?parameter`. Raises ValueError for what has none."""
    found = gid[gid.rindex("/") + 1 :]
    if not found.isdecimal():
        found = found.partition("?")[0]
    if found.isdecimal() and found.isascii():
        return found
    raise ValueError("not a global id")


def digest(raw: bytes) -> str:
    """What decides between two versions that are equally new."""
    return f"\\\\x{hashlib.sha256(raw).hexdigest()[:32]}"


def address(text: str | None) -> str | None:
    """An e-mail address in lower case; what is none counts as absent."""
    value = text.strip().lower() if text else ""
    return value if "@" in value and len(value) <= _LONGEST_ADDRESS else None


# A shop's prices are few, and told again and again.
minor = lru_cache(maxsize=1 << 16)(to_minor)


def lower(text: str | None) -> str | None:
    """A word of Shopify's enums as webhooks spell it."""
    return text.lower() if text else None


def shop_minor(bag: Doc | None, currency: str) -> int:
    """Minor units of a MoneyBag in shop money; none is 0."""
    return minor(bag["shopMoney"]["amount"], currency) if bag is not None else 0
