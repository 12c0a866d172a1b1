"""What a merchant typed: read field by field, every complaint kept beside its field, nothing lost.

Actions read their form through a `Form` and call `check()`; what is wrong comes back as `Refused`, and the page is
shown again with all that was typed (the macro `field` finds value and complaint by name).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from app.admin.texts import gettext as _
from app.money import to_minor

LONGEST = 255
LARGEST = 10**12


class Refused(Exception):
    """The form cannot be taken as it is. `text` is said above it; complaints about fields are in the form."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True)
class Form:
    """Values by name, and complaints by name. `seen` is the state of what the form was made from."""

    values: Mapping[str, list[str]] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def given(self, name: str, default: str = "") -> str:
        """What was typed, else the default; for showing it again."""
        return self.values[name][0] if self.values.get(name) else default

    def has(self, name: str) -> bool:
        """Whether the field was sent; an unticked box is not."""
        return name in self.values

    def all(self, name: str) -> list[str]:
        """All values of a name that is there several times."""
        return list(self.values.get(name, []))

    def complain(self, name: str, text: str) -> None:
        """Keep a complaint about a field; the first one stays."""
        self.wrong.setdefault(name, text)

    def check(self) -> None:
        """Raise Refused when there were complaints."""
        if self.wrong:
            raise Refused(_("Some fields need another look."))

    def unchanged_since(self, now: str) -> None:
        """Raise Refused when the form was made from another state (macro `form(seen=…)`) than there is now."""
        if self.given("seen") != now:
            raise Refused(
                _("Somebody else changed this in the meantime. Compare your values with what is there now, then save.")
            )

    def text(self, name: str, *, needed: bool = False, most: int = LONGEST) -> str:
        """A line of text without the spaces around it."""
        value = self.given(name).replace("\x00", "").strip()
        if needed and not value:
            self.complain(name, _("This is needed."))
        if len(value) > most:
            self.complain(name, _("At most %(most)s characters.", most=most))
        return value

    def whole(self, name: str, *, least: int = 0, most: int = LARGEST, default: int | None = None) -> int:
        """A whole number; `default` stands for an empty field, which is a complaint without one."""
        value = self.text(name).replace(" ", "").replace("\u202f", "")
        if not value and default is not None:
            return default
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
            self.complain(name, _("A whole number is needed."))
            return least
        if not least <= int(value) <= most:
            self.complain(name, _("A number from %(least)s to %(most)s is needed.", least=least, most=most))
        return int(value)

    def amount(self, name: str, currency: str, *, least: int = 0) -> int:
        """An amount of money in minor units. A comma is a decimal point where it can be nothing else."""
        value = self.text(name).replace(" ", "")
        if "," in value and "." not in value and len(value.rpartition(",")[2]) != 3:
            value = value.replace(",", ".")
        try:
            minor = to_minor(Decimal(value), currency)
        except (ValueError, InvalidOperation):
            self.complain(name, _("An amount such as 12.50 is needed."))
            return least
        if minor < least:
            self.complain(name, _("This amount is too small."))
        return minor

    def choice(self, name: str, options: Collection[str]) -> str:
        """One of the options."""
        value = self.given(name)
        if value not in options:
            self.complain(name, _("Choose one of these."))
        return value

    def choices(self, name: str, options: Iterable[str]) -> list[str]:
        """Those of the options that were ticked, in their order."""
        ticked = set(self.all(name))
        return [option for option in options if option in ticked]

    def day(self, name: str, *, needed: bool = False) -> date | None:
        """A day, as browsers send it (2026-11-22)."""
        value = self.text(name, needed=needed)
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.complain(name, _("A day is needed."))
            return None
