"""The form of a popup's definition: what is typed becomes the JSON that `app.popups.definition` reads, and back.

What the form does not know (paths) stays as it is in the definition.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.admin.forms import LARGEST, Form
from app.admin.texts import gettext as _
from app.discounts.pools.service import Offer
from app.errors import Invalid
from app.money import to_decimal_string
from app.popups.definition import parse

TEXTS = ("title", "body", "button", "consent", "thanks", "teaser")
PAGES = ("index", "collection", "product", "cart", "page", "blog", "article", "search")
DEVICES = ("desktop", "phone")
VISITORS = ("new", "known", "member")
_LISTS = {"pages": PAGES, "devices": DEVICES, "visitors": VISITORS}
_BOUNDS = ("cart_from", "cart_to")
_COUNTRIES = re.compile(r"[A-Z]{2}(?:[ ,;]+[A-Z]{2})*")
_NUMBERS = {"delay": 3_600, "scroll": 100, "idle": 3_600}


def empty(languages: Iterable[str], colour: str | None) -> dict[str, Any]:
    """What the form of a new popup begins with; `colour` is the shop's, if it has one."""
    return {
        "trigger": {"exit": True},
        "target": {},
        "frequency": {"days": 14, "times": 3},
        "teaser": True,
        "look": {"accent": colour or "#1d5b4f"},
        "texts": {language: {} for language in languages},
    }


def read(form: Form, before: Mapping[str, Any], languages: Sequence[str], currency: str) -> dict[str, Any]:
    """The definition that was typed, over the one from before; complaints about fields are kept in the form."""
    drafted = {
        **before,
        "trigger": _trigger(form, before.get("trigger", {})),
        "target": _target(form, before.get("target", {}), languages, currency),
        "frequency": {
            "days": form.whole("days", least=0, most=3_650),
            "times": form.whole("times", least=1, most=100),
        },
        "teaser": form.has("teaser"),
        "look": {"accent": form.text("accent", needed=True, most=7)},
        "texts": _texts(form, languages),
    }
    form.check()
    try:
        return parse(drafted)
    except Invalid as error:
        _complain(form, error)
        raise


def _trigger(form: Form, before: Mapping[str, Any]) -> dict[str, Any]:
    trigger: dict[str, Any] = {name: True for name in ("exit", "form") if form.has(name)}
    trigger |= {"invited": True} if before.get("invited") else {}
    for name, most in _NUMBERS.items():
        if form.text(name):
            trigger[name] = form.whole(name, least=0, most=most)
    if not trigger:
        form.complain("delay", _("Say when the popup is shown: at least one of these."))
    return trigger


def _target(form: Form, before: Mapping[str, Any], languages: Sequence[str], currency: str) -> dict[str, Any]:
    """Nothing ticked and nothing typed is everybody."""
    countries = form.text("countries").upper()
    if countries and not _COUNTRIES.fullmatch(countries):
        form.complain("countries", _("Write countries as codes of two letters, such as DE, AT."))
    bounds = {name: form.amount(name, currency) for name in _BOUNDS if form.text(name)}
    if bounds.get("cart_to", LARGEST) <= bounds.get("cart_from", 0):
        form.complain("cart_to", _("This must be more than the amount before it."))
    return {
        **{name: value for name, value in before.items() if name not in _BOUNDS},
        **{name: form.choices(name, of) for name, of in _LISTS.items()},
        # A language of which the form shows no words is still one of the popup's.
        "languages": form.choices("languages", dict.fromkeys([*languages, *before.get("languages", [])])),
        "countries": re.findall(r"[A-Z]{2}", countries),
        **bounds,
    }


def _texts(form: Form, languages: Iterable[str]) -> dict[str, dict[str, str]]:
    """A language without a title is left out, but one has to be there."""
    found: dict[str, dict[str, str]] = {}
    names = list(languages)
    for language in names:
        texts = {name: form.text(f"{name}.{language}", most=1_000) for name in TEXTS}
        texts = {name: words for name, words in texts.items() if words}
        if not texts:
            continue
        for name in ("title", "consent"):
            if name not in texts:
                form.complain(f"{name}.{language}", _("This is needed."))
        found[language] = texts
    if not found and names:
        form.complain(f"title.{names[0]}", _("This is needed."))
    return found


def _complain(form: Form, error: Invalid) -> None:
    """Put complaints of the definition (`texts.en.title must be …`) beside their fields."""
    for complaint in error.extra.get("errors", []):
        path, _separator, what = str(complaint).partition(" ")
        parts = path.split(".")
        name = f"{parts[2]}.{parts[1]}" if parts[0] == "texts" and len(parts) == 3 else parts[-1]
        form.complain(name, what)
    form.check()


def bounds(target: Mapping[str, Any], currency: str) -> dict[str, str]:
    """The least and the most that a cart holds, as amounts are typed."""
    return {name: to_decimal_string(target[name], currency) for name in _BOUNDS if target.get(name) is not None}


def offer(form: Form, currency: str) -> Offer:
    """What the codes of a new popup are worth; final, because codes are made with it."""
    kind = form.choice("kind", ("percent_off", "amount_off"))
    if kind == "amount_off":
        value = form.amount("value", currency, least=1)
    else:
        value = form.amount("value", "EUR", least=1)  # a share has two decimals, like that currency
        if value > 10_000:
            form.complain("value", _("At most 100 per cent."))
    minimum = form.amount("minimum", currency) if form.text("minimum") else 0
    title = form.text("offer", needed=True, most=100)
    form.check()
    return Offer(title=title, kind=kind, value=value, currency=currency, minimum_minor=minimum,
                 combines=form.has("combines"))  # fmt: skip


def share(hundredths: int) -> str:
    """A share of hundredths of a per cent: 1250 is 12.5."""
    return f"{Decimal(hundredths) / 100:f}".rstrip("0").rstrip(".") if hundredths % 100 else str(hundredths // 100)
