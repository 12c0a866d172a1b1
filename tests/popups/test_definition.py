"""A popup's definition is read strictly and published as it will be shown."""

import hashlib
from typing import Any

import pytest

from app.errors import Invalid
from app.popups.definition import consent_of, parse, published

CONSENT = "I agree to receive offers by e-mail."
LEAST: dict[str, Any] = {"trigger": {"exit": True}, "texts": {"en": {"title": "Wait", "consent": CONSENT}}}
VERSION = hashlib.sha256(CONSENT.encode()).hexdigest()[:12]


def test_the_least_that_can_be_said_gets_sensible_habits() -> None:
    assert parse(LEAST) == {
        "trigger": {"exit": True},
        "target": {},
        "frequency": {"days": 14, "times": 3},
        "teaser": True,
        "look": {},
        "texts": {"en": {"title": "Wait", "consent": CONSENT, "consent_version": VERSION}},
    }


def test_what_was_published_can_be_sent_back() -> None:
    once = parse(
        LEAST
        | {
            "trigger": {"delay": 20, "scroll": 50, "idle": 30, "invited": True, "form": True},
            "target": {"pages": ["index"], "countries": ["DE"], "paths": ["/de/*"], "cart_from": 0, "cart_to": 50_00},
            "frequency": {"days": 0, "times": 1},
            "teaser": False,
            "look": {"accent": "#1D5B4F"},
        }
    )
    assert parse(once) == once


@pytest.mark.parametrize(
    ("currency", "shown"), [("EUR", (10_00, 50_50)), ("JPY", (100_000, 505_000)), ("KWD", (100, 505))]
)
def test_a_theme_gets_the_bounds_of_the_cart_in_hundredths(currency: str, shown: tuple[int, int]) -> None:
    bounds = {"cart_from": 10_00, "cart_to": 50_50}
    kept = parse(LEAST | {"target": {"pages": ["cart"], **bounds}})
    told = published(kept, currency)
    assert told["target"] == {"pages": ["cart"], "cart_from": shown[0], "cart_to": shown[1]}
    assert kept["target"] == {"pages": ["cart"], **bounds}
    assert published(parse(LEAST), currency) == parse(LEAST)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"trigger": {}}, "trigger.exit or another trigger must be given"),
        ({"trigger": {"scroll": 101}}, "trigger.scroll must be a whole number from 0 to 100"),
        ({"trigger": {"exit": True, "hover": True}}, "trigger.hover is not known here"),
        ({"target": {"pages": ["home"]}}, "target.pages holds a word that means nothing here"),
        ({"target": {"countries": ["Germany"]}}, "target.countries holds a word that means nothing here"),
        ({"target": {"paths": ["*/x"]}}, "target.paths holds a word that means nothing here"),
        ({"target": {"cart_from": 5, "cart_to": 5}}, "target.cart_to must be greater than `cart_from`"),
        ({"look": {"accent": "red"}}, "look.accent must be a colour"),
        ({"texts": {}}, "texts must say something"),
        ({"texts": {"english": {"title": "x", "consent": "y"}}}, "texts has english"),
        ({"texts": {"en": {"title": "Wait"}}}, "texts.en.consent is missing"),
        ({"texts": {"en": {"title": "x" * 121, "consent": "y"}}}, "texts.en.title must be a text of at most 120"),
        ({"countdown": 60}, "countdown is not known here"),
    ],
)
def test_what_cannot_be_right_is_named(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(LEAST | change)
    assert any(found.startswith(complaint) for found in refused.value.extra["errors"]), refused.value.extra["errors"]


def test_a_consent_is_found_by_the_version_of_its_words() -> None:
    definition = parse(LEAST)
    assert consent_of(definition, VERSION) == (CONSENT, "en")
    assert consent_of(definition, "000000000000") is None
    assert consent_of(definition, None) is None


def test_changed_words_get_another_version_whatever_is_claimed() -> None:
    texts = {"en": {"title": "Wait", "consent": "Something else.", "consent_version": VERSION}}
    assert parse(LEAST | {"texts": texts})["texts"]["en"]["consent_version"] != VERSION
