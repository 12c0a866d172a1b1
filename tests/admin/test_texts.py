"""Every text of the admin is in the catalogues, each of them whole, and values are written as each language does."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog, Message

from app.admin import texts as spoken
from app.admin.texts import Formats
from app.runtime import Runtime
from app.shops.models import Shop
from tests.admin.opened import Staff, words
from tools import texts

GAP = re.compile(r"%\(\w+\)s|\{\w+\}")
# The languages in which nothing may be left in English.
WHOLE = ("de", "ja", "tr")


def entries(language: str) -> list[Message]:
    return [message for message in texts.load(language) if message.id]


def forms(value: str | tuple[str, ...] | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_catalogues_hold_the_texts_of_the_code_and_no_others(language: str) -> None:
    """`make texts` brings them up to date."""
    kept = {message.id if isinstance(message.id, str) else tuple(message.id) for message in entries(language)}
    said = set(texts.messages())
    assert said - kept == set()
    assert kept - said == set()


@pytest.mark.parametrize("language", WHOLE)
def test_no_text_lacks_a_translation(language: str) -> None:
    assert [message.id for message in entries(language) if not texts.is_translated(message.string)] == []


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_translations_fill_the_gaps_of_their_texts(language: str) -> None:
    """A gap that is misspelt would break the page; one that is left out would hide a figure."""
    wrong = []
    for message in entries(language):
        known = {gap for form in forms(message.id) for gap in GAP.findall(form)}
        needed = set.intersection(*({*GAP.findall(form)} for form in forms(message.id)))
        for form in filter(None, forms(message.string or "")):
            found = set(GAP.findall(form))
            if not needed <= found <= known:
                wrong.append((message.id, form))
    assert wrong == []


def test_a_catalogue_that_is_read_again_is_written_the_same() -> None:
    catalogue: Catalog = texts.load("de")
    assert texts.written(catalogue) == (texts.CATALOGUES / "de.po").read_bytes()


def test_languages_are_those_of_the_application() -> None:
    assert set(spoken.LANGUAGES) == {"en", *texts.LANGUAGES}


@pytest.mark.parametrize(
    ("told", "known"),
    [("de-AT", "de"), ("DE", "de"), ("ja", "ja"), ("fr", None), ("", None), (None, None), ("x" * 99, None)],
)
def test_a_locale_leads_to_a_language_of_ours(told: str | None, known: str | None) -> None:
    assert spoken.known_language(told) == known


@pytest.mark.parametrize(
    ("language", "currency", "minor", "shown"),
    [
        ("en", "USD", 123456, "$1,234.56"),
        ("de", "EUR", 123456, "1.234,56\xa0€"),
        ("ja", "JPY", 1234, "￥1,234"),
        ("de", "KWD", 1234, "1,234\xa0KWD"),
    ],
)
def test_money_is_written_in_its_currency(language: str, currency: str, minor: int, shown: str) -> None:
    assert Formats(language, currency, ZoneInfo("UTC")).money(minor) == shown


def test_days_are_days_of_the_shop() -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    assert Formats("de", "EUR", ZoneInfo("Europe/Berlin")).day(late) == "02.03.2026"
    assert Formats("de", "EUR", ZoneInfo("UTC")).day(date(2026, 3, 1)) == "01.03.2026"


def test_pages_speak_as_shopifys_admin_until_somebody_chooses(clerk: Staff, runtime: Runtime, connected: Shop) -> None:
    assert '<html lang="de">' in clerk.look("/settings?locale=de-DE").text
    assert "Einstellungen" in words(clerk.look("/settings"))
    clerk.send("/settings/language", {"language": "en"})
    assert "Settings" in words(clerk.look("/settings?locale=de-DE"))
    clerk.send("/settings/language", {"language": "shopify"})
    assert "Einstellungen" in words(clerk.look("/settings?locale=de-DE"))


def test_each_member_of_staff_reads_in_a_language_of_their_own(clerk: Staff, connected: Shop) -> None:
    other = Staff(clerk.app, user="82")
    clerk.look("/?locale=de")
    assert '<html lang="de">' in clerk.look("/").text
    assert '<html lang="en">' in other.look("/").text


def test_what_is_wrong_is_said_in_the_readers_language(clerk: Staff, connected: Shop) -> None:
    clerk.look("/?locale=de")
    answer = clerk.send("/settings/keys", {"name": ""})
    assert "Das wird gebraucht." in words(answer)
    saved = clerk.send("/settings/language", {"language": "ja"})
    assert saved.headers["HX-Trigger"].isascii()
