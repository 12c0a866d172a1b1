"""The admin's languages: English in the code, the others from the catalogues `texts/<language>.po`.

Catalogues are read as they are, so nothing has to be compiled: a fresh clone and an installed package both speak every
language. `make texts` brings them up to date; a test fails while one is stale or lacks a message. Numbers,
money and instants are written for the language, the shop's currency and its time zone (`Formats`, in templates `fmt`).
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, numbers
from babel import dates as babel_dates
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_app_context
from flask_babel import Babel, Domain, LazyString  # type: ignore[import-untyped]  # it has no types

from app.money import to_decimal, to_decimal_string

CATALOGUES = Path(__file__).parent / "texts"
# The language, and how it calls itself.
LANGUAGES = {"en": "English", "de": "Deutsch", "ja": "日本語", "tr": "Türkçe"}
DEFAULT = "en"


class Catalogues(Domain):  # type: ignore[misc]  # ditto
    """Flask-Babel's way to translations, leading to our catalogues."""

    def get_translations(self) -> NullTranslations:
        """Those of the language of this request."""
        return translations(language())


@cache
def translations(language: str) -> NullTranslations:
    """The translations of a language; what is not translated comes back in English."""
    path = CATALOGUES / f"{language}.po"
    if not path.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as handle:
        write_mo(compiled, read_po(handle, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def language() -> str:
    """The language of this request; English outside of one."""
    return str(g.get("language", DEFAULT)) if has_app_context() else DEFAULT


def known_language(text: str | None) -> str | None:
    """The language of ours that a locale such as `de-AT` means; None for one that we do not speak."""
    try:
        wanted = Locale.parse((text or "").replace("-", "_")).language
    except (ValueError, UnknownLocaleError, TypeError):
        return None
    return wanted if wanted in LANGUAGES else None


def gettext(text: str, **gaps: object) -> str:
    """A text in the language of this request, its gaps (`%(name)s`) filled."""
    said = translations(language()).ugettext(text)
    return said % gaps if gaps else said


def ngettext(one: str, several: str, n: int, **gaps: object) -> str:
    """The form of a text for `n` of something; `%(num)s` is n."""
    return translations(language()).ungettext(one, several, n) % {"num": n, **gaps}


def lazy_gettext(text: str) -> Any:
    """A text that is said in the language of whoever reads it; for texts of modules."""
    return LazyString(gettext, text)


def use(flask_app: Flask) -> None:
    """Let templates speak the language of the request."""
    Babel(flask_app, default_locale=DEFAULT, locale_selector=language)
    catalogues = Catalogues()
    flask_app.before_request(catalogues.as_default)


@dataclass(frozen=True)
class Formats:
    """How values are written for a reader: language, the shop's currency and time zone."""

    language: str
    currency: str
    zone: ZoneInfo

    def number(self, value: int | Decimal | float) -> str:
        """A number with the language's separators."""
        return str(numbers.format_decimal(value, locale=self.language))

    def money(self, minor: int, currency: str | None = None) -> str:
        """An amount of minor units, in the shop's currency unless another is named."""
        unit = currency or self.currency
        return str(numbers.format_currency(to_decimal(minor, unit), unit, locale=self.language))

    def plain(self, minor: int, currency: str | None = None) -> str:
        """An amount as a form has it: digits and a point."""
        return to_decimal_string(minor, currency or self.currency)

    def percent(self, share: float) -> str:
        """A share of one, with a decimal at most; the sign where the language has it."""
        pattern = Locale.parse(self.language).percent_formats[None].pattern.replace("#0", "#0.#")
        return str(numbers.format_percent(share, format=pattern, locale=self.language))

    def day(self, when: datetime | date, form: str = "medium") -> str:
        """The day, in the shop's zone."""
        day = when.astimezone(self.zone).date() if isinstance(when, datetime) else when
        return str(babel_dates.format_date(day, form, locale=self.language))

    def instant(self, when: datetime) -> str:
        """Day and time of day, in the shop's zone."""
        return str(babel_dates.format_datetime(when, "medium", tzinfo=self.zone, locale=self.language))

    def ago(self, when: datetime, now: datetime) -> str:
        """How long ago, roughly."""
        return str(babel_dates.format_timedelta(when - now, add_direction=True, locale=self.language))
