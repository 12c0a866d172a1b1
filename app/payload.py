"""Reading fields out of what Shopify sends: webhook bodies and, through the same functions, answers to re-reads.

Every reader returns None for what is absent and raises BadPayload for what is there but cannot be right. Text is freed
of NUL, which PostgreSQL cannot store, and cut to a bounded length. Amounts and instants are bounded so that no sum of
theirs leaves a bigint and no calendar leaves its range. Errors repeat no value: bodies hold personal data.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from app.money import to_minor

Body = Mapping[str, Any]
_BIGGEST_ID = 2**63 - 1
# Ten trillion dollars: thousands of such orders still add up to a bigint.
_BIGGEST_AMOUNT = 10**15
_LONGEST_TEXT = 2_000
_YEARS = range(1900, 2200)


class BadPayload(ValueError):
    """The body cannot be used; `reason` is a stable kind, the message names the field and no value."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type["BadPayload"], tuple[str, str]]:
        """Raised in one process it may be caught in another."""
        return type(self), (self.reason, str(self))


def mapping(body: Any, name: str = "body") -> Body:
    """The value as an object."""
    if type(body) is not dict and not isinstance(body, Mapping):  # the first look is ten times as fast
        raise BadPayload("wrong-type", f"{name} is not an object")
    return body


def items(body: Body, name: str) -> list[Body]:
    """A list of objects; absent means empty."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadPayload("wrong-type", f"{name} is not a list")
    return [mapping(item, name) for item in value]


def needed_id(body: Body, name: str = "id") -> int:
    """A 64-bit id that must be there."""
    value = optional_id(body, name)
    if value is None:
        raise BadPayload("missing-id", f"{name} is missing")
    return value


def optional_id(body: Body, name: str) -> int | None:
    """A 64-bit id: a number, its digits, or Shopify's `gid://shopify/Thing/123`."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        digits = value.rpartition("/")[2].partition("?")[0]
        value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _BIGGEST_ID:
        raise BadPayload("wrong-id", f"{name} is not an id")
    return value


def text(body: Body, name: str) -> str | None:
    """Text without NUL, its first 2,000 characters; an empty one counts as absent."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadPayload("wrong-type", f"{name} is not text")
    if "\x00" in value:
        value = value.replace("\x00", "")
    return value.strip()[:_LONGEST_TEXT] or None


def flag(body: Body, name: str) -> bool:
    """True only when it is said to be."""
    return body.get(name) is True


def number(body: Body, name: str) -> int:
    """A whole number of pieces, 0 when absent."""
    value = body.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2**31:
        raise BadPayload("wrong-type", f"{name} is not a whole number")
    return value


def instant(body: Body, name: str) -> datetime | None:
    """An ISO 8601 instant with an offset, in UTC."""
    value = text(body, name)
    if value is None:
        return None
    try:
        moment = _utc(value)
    except (ValueError, OverflowError) as error:
        raise BadPayload("wrong-time", f"{name} is not an instant") from error
    if moment.year not in _YEARS:
        raise BadPayload("wrong-time", f"{name} is in no year of ours")
    return moment


@lru_cache(maxsize=10_000)
def _utc(value: str) -> datetime:
    """Remembered, because every delivery about an order repeats the order's times."""
    parsed = datetime.fromisoformat(value)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


def needed_instant(body: Body, name: str) -> datetime:
    """An instant that must be there."""
    value = instant(body, name)
    if value is None:
        raise BadPayload("missing-time", f"{name} is missing")
    return value


def shop_money(body: Body, name: str, currency: str) -> int:
    """Minor units in shop money: `<name>_set.shop_money.amount` where there is one, else the plain field; none is 0."""
    stated = body.get(f"{name}_set")
    amount = None
    if type(stated) is dict or isinstance(stated, Mapping):
        amount = mapping(stated.get("shop_money") or {}, name).get("amount")
    return _minor(amount if amount is not None else body.get(name), currency, name)


def presentment_money(body: Body, name: str, currency: str) -> int:
    """Minor units in the currency that the buyer saw."""
    stated = mapping(body.get(f"{name}_set") or {}, name)
    return _minor(mapping(stated.get("presentment_money") or {}, name).get("amount"), currency, name)


def _minor(amount: Any, currency: str, name: str) -> int:
    if amount is None or amount == "":
        return 0
    try:
        # Refund subtotals are JSON numbers; through str they are the decimal that was sent, not its binary neighbour.
        stated = str(amount)
        return _bounded((_to_minor if len(stated) <= _LONGEST_AMOUNT else to_minor)(stated, currency), name)
    except ValueError as error:
        raise BadPayload("wrong-money", f"{name} is not an amount") from error


# An order states the same few amounts again and again, and so does every delivery about it. Longer ones are no amounts
# that anybody would say twice.
_LONGEST_AMOUNT = 32
_to_minor = lru_cache(maxsize=10_000)(to_minor)


def total(amounts: Iterable[int], name: str) -> int:
    """The sum of amounts in minor units."""
    return _bounded(sum(amounts), name)


def _bounded(minor: int, name: str) -> int:
    if abs(minor) > _BIGGEST_AMOUNT:
        raise BadPayload("wrong-money", f"{name} is out of range")
    return minor


def email(body: Body, name: str = "email") -> str | None:
    """A normalised e-mail address: trimmed and lower-cased; what is not one counts as absent."""
    value = text(body, name)
    return value.lower() if value and "@" in value and len(value) <= 320 else None
