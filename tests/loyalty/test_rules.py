"""Rules are read once and strictly: what cannot be right is named, all of it at once."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from app.errors import Invalid
from app.loyalty.programs import DEFAULT_RULES
from app.loyalty.rules import ActionRule, Caps, Expiry, Goods, Multiplier, OrderRule, parse

EVERYTHING: dict[str, Any] = {
    "earning": [
        {"kind": "per_unit", "points": 2, "per": "0.50", "count": "exact", "only": {"tags": [" Summer "]}},
        {"kind": "per_order", "points": 10, "minimum": "20"},
        {"kind": "per_item", "points": 3, "exclude": {"products": ["9007199254740993"], "collections": [7]}},
        {"kind": "nth_order", "points": 50, "orders": [1, 10], "every": 25},
    ],
    "exclude": {"tags": ["sale"]},
    "gift_cards": True,
    "tax": "without",
    "shipping": True,
    "rounding": "nearest",
    "multipliers": [{"factor": "1.5", "from": "2026-11-27T00:00:00-05:00", "until": "2026-11-30T00:00:00-05:00"}],
    "caps": {"order": 500, "day": 600, "account": 100_000},
    "channels": {"pos": False, "b2b": True},
    "paid_with": {"store_credit": False},
    "waiting_days": 14,
    "expiry": {"kind": "after", "months": 12},
    "actions": {"review": {"points": 25, "per_day": 1, "per_account": 10}},
}


def test_everything_that_rules_can_say_is_read() -> None:
    rules = parse(EVERYTHING, version=3)
    assert rules.earning == (
        OrderRule("per_unit", 2, per=Decimal("0.50"), exact=True, only=Goods(frozenset({"tag:summer"}))),
        OrderRule("per_order", 10, minimum=Decimal(20)),
        OrderRule("per_item", 3, exclude=Goods(frozenset({"product:9007199254740993", "collection:7"}))),
        OrderRule("nth_order", 50, orders=frozenset({1, 10}), every=25),
    )
    assert rules.exclude == Goods(frozenset({"tag:sale"}))
    assert (rules.gift_cards, rules.tax, rules.shipping, rules.rounding) == (True, "without", True, "nearest")
    start, end = datetime(2026, 11, 27, 5, tzinfo=UTC), datetime(2026, 11, 30, 5, tzinfo=UTC)
    assert rules.multipliers == (Multiplier(Fraction(3, 2), start, end),)
    assert rules.caps == Caps(500, 600, 100_000)
    assert rules.closed_channels == {"pos"}
    assert rules.refused_payments == {"store_credit"}
    assert (rules.waiting_days, rules.expiry) == (14, Expiry("after", months=12))
    assert rules.actions == {"review": ActionRule(25, per_day=1, per_account=10)}
    assert (rules.needs_lines, rules.needs_labels, rules.needs_ordinals) == (True, True, True)


def test_a_new_installation_gives_one_point_for_each_whole_unit_and_asks_for_nothing_else() -> None:
    rules = parse(DEFAULT_RULES)
    assert rules.earning == (OrderRule("per_unit", 1),)
    assert rules.closed_channels == {"b2b"}
    assert (rules.needs_lines, rules.needs_labels, rules.needs_ordinals) == (False, False, False)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"earning": None}, None),
        ({"earning": "much"}, "earning must be a list of at most 100"),
        ({"earning": [{"kind": "gift"}]}, "earning[0].kind must be one of per_unit, per_order, per_item, nth_order"),
        ({"earning": [{"kind": "per_unit"}]}, "earning[0].points must be a whole number from 1 to 1000000"),
        ({"earning": [{"kind": "per_unit", "points": True}]}, "earning[0].points must be a whole number from 1"),
        ({"earning": [{"kind": "per_unit", "points": 1, "per": 0.5}]}, "earning[0].per must be a decimal number"),
        ({"earning": [{"kind": "per_unit", "points": 1, "per": "0"}]}, "earning[0].per must be greater than 0"),
        ({"earning": [{"kind": "per_unit", "points": 1, "minimum": "5"}]}, "earning[0].minimum is not known here"),
        ({"earning": [{"kind": "nth_order", "points": 1}]}, "earning[0].orders or `every` must say which"),
        ({"earning": [{"kind": "nth_order", "points": 1, "orders": [0]}]}, "earning[0].orders must hold whole"),
        ({"exclude": {"tags": [""]}}, "exclude.tags must hold texts"),
        ({"gift_cards": "yes"}, "gift_cards must be true or false"),
        ({"rounding": "half"}, "rounding must be one of down, nearest, up"),
        ({"multipliers": [{"factor": "0"}]}, "multipliers[0].factor must be greater than 0 and at most 100"),
        ({"multipliers": [{"factor": "NaN"}]}, "multipliers[0].factor must be a decimal number"),
        ({"multipliers": [{"factor": "2", "from": "2026-01-01"}]}, "multipliers[0].from must be an instant"),
        (
            {"multipliers": [{"factor": "2", "from": "2026-01-02T00:00Z", "until": "2026-01-01T00:00Z"}]},
            "multipliers[0].until must be later than `from`",
        ),
        ({"caps": {"day": 0}}, "caps.day must be a whole number from 1"),
        ({"channels": {"web": True}}, "channels.web is not known here"),
        ({"waiting_days": -1}, "waiting_days must be a whole number from 0 to 3650"),
        ({"expiry": {"kind": "after"}}, "expiry.days or `months` must be given, and only one"),
        ({"expiry": {"kind": "after", "days": 1, "months": 1}}, "expiry.days or `months` must be given, and only one"),
        ({"expiry": {"days": 5}}, "expiry.kind must be one of after, inactivity"),
        ({"actions": {"a b": {"points": 1}}}, "actions.a b is no name"),
        ({"actions": {"review": {"points": 0}}}, "actions.review.points must be a whole number from 1"),
        ({"points": 3}, "points is not known here"),
    ],
)
def test_what_cannot_be_right_is_named(change: dict[str, Any], complaint: str | None) -> None:
    if complaint is None:
        parse(EVERYTHING | {"earning": []})
        return
    with pytest.raises(Invalid) as refused:
        parse(EVERYTHING | change)
    assert any(found.startswith(complaint) for found in refused.value.extra["errors"]), refused.value.extra["errors"]


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        parse({"tax": 1, "shiping": True, "caps": {"week": 5}})
    assert refused.value.extra["errors"] == [
        "earning is missing",
        "tax must be one of as_priced, with, without",
        "shiping is not known here",
        "caps.week is not known here",
    ]


@pytest.mark.parametrize("rules", [None, [], "x", 3])
def test_rules_that_are_no_object_are_refused(rules: Any) -> None:
    with pytest.raises(Invalid):
        parse(rules)
