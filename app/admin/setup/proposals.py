"""Programs to begin with, and which of them suits a goal, a business and its size.

A template gives rules (`app.loyalty.rules`) from a few numbers; a proposal is a template with its numbers. All of them
are pure, and every template makes rules that can be used, whatever the numbers: a test holds that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.admin.texts import lazy_gettext as _
from app.money import exponent

GOALS = {
    "repeat": (_("Customers come back more often"), _("Most shops begin here.")),
    "basket": (_("Orders become larger"), _("A bonus for orders above an amount that you choose.")),
    "members": (_("More people join and stay in touch"), _("Points for signing up and for the newsletter.")),
    "return": (_("Customers who went quiet return"), _("A present on birthdays, and points that wait for them.")),
}
BUSINESSES = {
    "often": _("Things that are used up: food, cosmetics, pet supplies"),
    "season": _("Fashion, sports, books, toys"),
    "rare": _("Furniture, electronics, jewellery"),
    "other": _("Something else"),
}
SIZES = {
    "small": _("Up to 100 orders a month"),
    "medium": _("100 to 1,000 orders a month"),
    "large": _("More than 1,000 orders a month"),
}


@dataclass(frozen=True)
class Numbers:
    """What a merchant may turn. Money in minor units; `expiry_months` 0 is never; `bonus` is a template's extra."""

    points: int
    bonus: int
    minimum: int
    reward_points: int
    reward_minor: int
    waiting_days: int
    expiry_months: int

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Numbers":
        """From the stored set-up."""
        return cls(**{name: int(stored[name]) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Template:
    """A kind of program. `per_unit`: points count money; else orders. `bonus`: the words of its extra, None without."""

    title: Any
    text: Any
    per_unit: bool
    bonus: Any
    earn: Callable[[Numbers, str], dict[str, Any]]


def _amount(minor: int, currency: str) -> str:
    return f"{minor / 10 ** exponent(currency):.{exponent(currency)}f}"


def _per_unit(numbers: Numbers) -> dict[str, Any]:
    return {"kind": "per_unit", "points": numbers.points}


def _purchases(numbers: Numbers, currency: str) -> dict[str, Any]:
    return {"earning": [_per_unit(numbers)]}


def _larger(numbers: Numbers, currency: str) -> dict[str, Any]:
    bonus = {"kind": "per_order", "points": numbers.bonus, "minimum": _amount(numbers.minimum, currency)}
    return {"earning": [_per_unit(numbers), bonus]}


def _joining(numbers: Numbers, currency: str) -> dict[str, Any]:
    once = {"points": numbers.bonus, "per_account": 1}
    return {"earning": [_per_unit(numbers)], "actions": {"sign_up": once, "newsletter": once}}


def _birthday(numbers: Numbers, currency: str) -> dict[str, Any]:
    return {"earning": [_per_unit(numbers)], "actions": {"birthday": {"points": numbers.bonus, "per_year": 1}}}


def _stars(numbers: Numbers, currency: str) -> dict[str, Any]:
    return {"earning": [{"kind": "per_order", "points": numbers.points}]}


TEMPLATES = {
    "purchases": Template(
        _("Points for every purchase"),
        _("The classic: spend, collect, save on the next order."),
        True,
        None,
        _purchases,
    ),
    "larger": Template(
        _("Points, and a bonus for large orders"),
        _("As the classic, with extra points for orders above an amount."),
        True,
        _("Extra points for a large order"),
        _larger,
    ),
    "joining": Template(
        _("Points for purchases and for joining"),
        _("As the classic, with points for signing up and for the newsletter."),
        True,
        _("Points for signing up, and for the newsletter"),
        _joining,
    ),
    "birthday": Template(
        _("Points for purchases and birthdays"),
        _("As the classic, with a present once a year."),
        True,
        _("Points on a birthday"),
        _birthday,
    ),
    "stars": Template(
        _("One star for every purchase"),
        _("A stamp card: each order counts the same, and a full card is a reward."),
        False,
        None,
        _stars,
    ),
}
_BY_GOAL = {"repeat": "purchases", "basket": "larger", "members": "joining", "return": "birthday"}
# What comes back of a unit spent, in percent: who sells much has less to give on each order.
_BACK = {"small": 5, "medium": 5, "large": 3}
_WAITING = {"often": 0, "season": 14, "rare": 30, "other": 14}
_EXPIRY = {"often": 12, "season": 12, "rare": 24, "other": 12}
# About what a unit of money buys in euros, so that an order of fifty euros is one of so many units here.
_WORTH = {
    "JPY": 150,
    "KRW": 1500,
    "TRY": 40,
    "INR": 90,
    "HUF": 400,
    "CZK": 25,
    "SEK": 11,
    "NOK": 11,
    "DKK": 7,
    "PLN": 4,
}


def proposed(goal: str) -> str:
    """The template that suits a goal."""
    return _BY_GOAL.get(goal, "purchases")


def numbers(template: str, business: str, size: str, currency: str) -> Numbers:
    """The numbers to begin with: what a hundred or so of the shop's money gives back is a reward worth having."""
    unit = _WORTH.get(currency, 1) * 10 ** exponent(currency)
    per_unit = TEMPLATES[template].per_unit
    # Points are counted in whole units of money, so a reward costs as many of them as units have to be spent.
    spent = 100 * _WORTH.get(currency, 1)
    return Numbers(
        points=1,
        bonus=spent // 2,
        minimum=75 * unit,
        reward_points=spent if per_unit else 10,
        reward_minor=(_BACK.get(size, 5) if per_unit else 10) * unit,
        waiting_days=_WAITING.get(business, 14),
        expiry_months=_EXPIRY.get(business, 12),
    )


def rules(template: str, chosen: Numbers, currency: str) -> dict[str, Any]:
    """The rules of a template with these numbers."""
    made = TEMPLATES[template].earn(chosen, currency)
    if chosen.waiting_days:
        made["waiting_days"] = chosen.waiting_days
    if chosen.expiry_months:
        made["expiry"] = {"kind": "inactivity", "months": chosen.expiry_months}
    return made
