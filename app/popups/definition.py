"""A popup's definition: read strictly from what a merchant sends, and written as the theme's script reads it.

The JSON is described in `storefront_snippets/README.md`. Texts are plain text in any language of the shop; a language
that collects addresses must say what the visitor agrees to (`consent`), and each wording has a version of its own, so
that a receipt can name what was agreed to.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Any

from app.merchant_json import Reader
from app.money import to_decimal

# `form` is no moment: the popup stands in a page, where the theme has the block for it.
TRIGGERS = ("exit", "delay", "scroll", "idle", "invited", "form")
# As Shopify names templates (https://shopify.dev/docs/api/liquid/objects/request).
PAGES = ("index", "collection", "product", "cart", "page", "blog", "article", "search", "list-collections")
_TEXTS = {"title": 120, "body": 600, "button": 60, "consent": 1_000, "thanks": 120, "teaser": 60}
# Of the cart, in minor units of the shop's currency.
_BOUNDS = ("cart_from", "cart_to")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?")
_COUNTRY = re.compile(r"[A-Z]{2}")


def parse(definition: Any) -> dict[str, Any]:
    """The definition as it is kept; raises `Invalid` naming every field that cannot be right."""
    reader = Reader(definition, "popup")
    parsed = {
        "trigger": _trigger(reader.part("trigger")),
        "target": _target(reader.part("target")),
        "frequency": _frequency(reader.part("frequency")),
        "teaser": reader.flag("teaser", default=True),
        "look": _look(reader.part("look")),
        "texts": _texts(reader),
    }
    reader.finish()
    return parsed


def published(definition: dict[str, Any], currency: str) -> dict[str, Any]:
    """The definition as a theme reads it. Liquid counts money in hundredths, whatever decimals the currency has:
    1,000 yen are 100000 (https://shopify.dev/docs/api/liquid/objects/cart#cart-total_price)."""
    bounds = {name: definition["target"][name] for name in _BOUNDS if name in definition["target"]}
    hundredths = {name: int(to_decimal(minor, currency) * 100) for name, minor in bounds.items()}
    return {**definition, "target": {**definition["target"], **hundredths}}


def consent_of(definition: dict[str, Any], version: str | None) -> tuple[str, str] | None:
    """(text, language) of the consent wording with a version; None when no language has it any more."""
    for language, texts in definition["texts"].items():
        if version and texts.get("consent_version") == version:
            return texts["consent"], language
    return None


def _trigger(part: Reader) -> dict[str, Any]:
    trigger: dict[str, Any] = {name: True for name in ("exit", "invited", "form") if part.flag(name, default=False)}
    limits = {"delay": 3_600, "idle": 3_600, "scroll": 100}
    trigger |= {name: part.whole(name, most=most) for name, most in limits.items() if part.has(name)}
    if not trigger:
        part.wrong("exit", "or another trigger must be given: " + ", ".join(TRIGGERS))
    return trigger


def _target(part: Reader) -> dict[str, Any]:
    lists = {
        "pages": _words(part, "pages", lambda word: word in PAGES),
        "devices": _words(part, "devices", lambda word: word in {"desktop", "phone"}),
        "languages": _words(part, "languages", lambda word: _LANGUAGE.fullmatch(word) is not None),
        "countries": _words(part, "countries", lambda word: _COUNTRY.fullmatch(word) is not None),
        "visitors": _words(part, "visitors", lambda word: word in {"new", "known", "member"}),
        "paths": _words(part, "paths", lambda word: word.startswith("/") and "*" not in word[:-1]),
    }
    bounds = {name: part.whole(name, most=10**12) for name in _BOUNDS if part.has(name)}
    if bounds.get("cart_to") is not None and bounds["cart_to"] <= bounds.get("cart_from", 0):
        part.wrong("cart_to", "must be greater than `cart_from`")
    return {name: words for name, words in lists.items() if words} | bounds


def _words(part: Reader, name: str, is_one: Callable[[str], bool]) -> list[str]:
    words = part.texts(name)
    if not all(is_one(word) for word in words):
        part.wrong(name, "holds a word that means nothing here")
    return list(dict.fromkeys(words))


def _frequency(part: Reader) -> dict[str, int]:
    return {"days": part.whole("days", default=14, most=3_650), "times": part.whole("times", default=3, most=100)}


def _look(part: Reader) -> dict[str, str]:
    if not part.has("accent"):
        return {}
    accent = part.text("accent", most=7)
    if not _COLOUR.fullmatch(accent):
        part.wrong("accent", "must be a colour such as #1d5b4f")
    return {"accent": accent}


def _texts(reader: Reader) -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = {}
    for language, part in reader.named_parts("texts"):
        if not _LANGUAGE.fullmatch(language.replace("_", "-")):
            reader.wrong("texts", f"has {language[:20]}, which is no language")
        texts[language.replace("_", "-")] = _text(part)
    if not texts:
        reader.wrong("texts", "must say something in at least one language")
    return texts


def _text(part: Reader) -> dict[str, str]:
    found = {name: part.text(name, most=most) for name, most in _TEXTS.items() if part.has(name)}
    for name in ("title", "consent"):
        if name not in found:
            part.wrong(name, "is missing")
    # Made from the words themselves, so that a changed wording can never keep an old version.
    found["consent_version"] = hashlib.sha256(found.get("consent", "").encode()).hexdigest()[:12]
    part.ignore("consent_version")
    return found
