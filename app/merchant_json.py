"""Reading what merchants write as JSON (rules, popups): values by name, every complaint at once, by the field's path.

Used by `app.loyalty.rules` and `app.popups.definition`. A reader gives a usable value even for what is wrong, so that
one look finds everything; `finish` raises if there were complaints. Fields that nobody asked for are complaints too: a
typing error must not silently mean "the default".
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from app.errors import Invalid

_MOST_PARTS = 100
_LONGEST_TEXT = 255


class Reader:
    """One object of the JSON. `absent` objects read as empty ones. `what` is what the whole is called in complaints."""

    def __init__(self, value: Any, what: str, path: str = "", complaints: list[str] | None = None) -> None:
        self._complaints: list[str] = [] if complaints is None else complaints
        self._what, self._path = what, path
        self._asked: set[str] = set()
        self._parts: list[Reader] = []
        self.absent = value is None
        if not isinstance(value, dict | None):
            self._complaints.append(f"{path or what} must be an object")
        self._fields: dict[str, Any] = value if isinstance(value, dict) else {}

    def finish(self) -> None:
        """Raise Invalid when anything was wrong, here or in a part."""
        self._find_strangers()
        if self._complaints:
            raise Invalid(
                f"The {self._what} cannot be used: " + "; ".join(self._complaints) + ".", errors=self._complaints
            )

    def _find_strangers(self) -> None:
        for name in sorted(self._fields.keys() - self._asked):
            self._complaints.append(f"{self._name(name)} is not known here")
        for part in self._parts:
            part._find_strangers()

    def wrong(self, name: str, what: str) -> None:
        """Complain of a field."""
        self._complaints.append(f"{self._name(name)} {what}")

    def has(self, name: str) -> bool:
        """Whether a field is there and not null."""
        self._asked.add(name)
        return self._fields.get(name) is not None

    def only_fields(self, names: set[str]) -> None:
        """Complain of fields that make no sense beside the others."""
        for name in sorted(self._fields.keys() - names):
            self._asked.add(name)
            self.wrong(name, "is not known here")

    def part(self, name: str) -> "Reader":
        """An object inside this one; an empty reader when it is absent."""
        self._asked.add(name)
        return self._inner(self._fields.get(name), name)

    def parts(self, name: str, *, needed: bool = False) -> list["Reader"]:
        """A list of objects."""
        values = self._list(name)
        if needed and name not in self._fields:
            self.wrong(name, "is missing")
        return [self._inner({} if item is None else item, f"{name}[{number}]") for number, item in enumerate(values)]

    def named_parts(self, name: str) -> Iterator[tuple[str, "Reader"]]:
        """Objects by names that the merchant chose."""
        outer = self.part(name)
        for key in outer._fields if len(outer._fields) <= _MOST_PARTS else ():
            if not (key and len(key) <= 50 and key.replace("_", "").isalnum() and key.isascii()):
                outer.wrong(key[:50], "is no name: letters, digits and _ only, at most 50")
            yield key, outer.part(key)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self._value(name)
        if not isinstance(value, bool | None):
            self.wrong(name, "must be true or false")
        return value if isinstance(value, bool) else default

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of some words; the first is the default, except for a `kind`, which must be said."""
        value = self._value(name)
        if value in choices and isinstance(value, str):
            return value
        if value is not None or name == "kind":
            self.wrong(name, f"must be one of {', '.join(choices)}")
        return choices[0]

    def whole(self, name: str, *, least: int = 0, most: int, default: int | None = None) -> int:
        """A whole number in a range; it must be there unless it has a default."""
        value = self._value(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.wrong(name, f"must be a whole number from {least} to {most}")
            return least
        return value

    def wholes(self, name: str) -> list[int]:
        """A list of ids or ordinals; ids may be text, as JSON readers in browsers cut long numbers."""
        found = []
        for value in self._list(name, most=10_000):
            number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
            if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**63:
                found.append(number)
            else:
                self.wrong(name, "must hold whole numbers greater than 0")
                break
        return found

    def text(self, name: str, *, most: int) -> str:
        """A text of some length, without what a page cannot show; it must be there."""
        value = self._value(name)
        if isinstance(value, str) and 0 < len(value.strip()) <= most and "\x00" not in value:
            return value.strip()
        self.wrong(name, f"must be a text of at most {most} characters")
        return ""

    def ignore(self, name: str) -> None:
        """A field that others may send back to us and that says nothing new."""
        self._asked.add(name)

    def texts(self, name: str) -> list[str]:
        """A list of short texts."""
        values = self._list(name, most=10_000)
        good = [value.strip() for value in values if isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST_TEXT]
        if len(good) < len(values):
            self.wrong(name, "must hold texts that are not empty")
        return good

    def amount(self, name: str, *, default: Decimal = Decimal(0), needed: bool = False) -> Decimal:
        """A decimal number that is not negative, as text or whole number: a float has lost what was meant."""
        value = self._value(name)
        if value is None and not needed:
            return default
        try:
            number = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or not 0 <= number < 10**12 or number.as_tuple().exponent < -6:  # type: ignore[operator]  # a finite number's exponent is an int
            self.wrong(name, 'must be a decimal number as text, such as "1.50"')
            return default
        return number

    def instant(self, name: str) -> datetime | None:
        """An instant with its offset, in UTC."""
        value = self._value(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo and 1900 <= moment.year < 2200:
                return moment.astimezone(UTC)
        except (ValueError, TypeError):
            pass
        self.wrong(name, 'must be an instant with an offset, such as "2026-12-01T00:00:00+01:00"')
        return None

    def _value(self, name: str) -> Any:
        self._asked.add(name)
        return self._fields.get(name)

    def _list(self, name: str, most: int = _MOST_PARTS) -> list[Any]:
        value = self._value(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > most:
            self.wrong(name, f"must be a list of at most {most}")
            return []
        return value

    def _inner(self, value: Any, name: str) -> "Reader":
        part = Reader(value, self._what, self._name(name), self._complaints)
        self._parts.append(part)
        return part

    def _name(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name
