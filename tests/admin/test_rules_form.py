"""The form of the rules: what it does not know stays, and opening and saving changes nothing."""

from typing import Any

import pytest

from app.admin.program.rules_form import fields, laid_over

RICH: dict[str, Any] = {
    "earning": [
        {"kind": "per_unit", "points": 2, "only": {"tags": ["tea"]}},
        {"kind": "per_unit", "points": 1, "count": "exact"},
        {"kind": "nth_order", "points": 100, "every": 5},
    ],
    "multipliers": [{"factor": "2"}],
    "actions": {"review": {"points": 25, "per_year": 2}, "quiz": {"points": 3}},
    "referral": {"advocate": 50, "minimum": "20"},
    "caps": {"day": 150},
    "waiting_days": 14,
    "expiry": {"kind": "after", "months": 12},
    "gift_cards": True,
}


@pytest.mark.parametrize("rules", [RICH, {"earning": []}, {"earning": [{"kind": "per_order", "points": 5}]}])
def test_what_was_not_changed_stays_as_it_is(rules: dict[str, Any]) -> None:
    form = {name: value for name, value in fields(rules).items() if value}
    assert laid_over(rules, form) == rules


def test_each_field_changes_its_own_part_only() -> None:
    form = {name: value for name, value in fields(RICH).items() if value}
    changed = {**form, "unit_points": "3", "action_review": "0", "referral_advocate": "", "expiry": "never"}
    drafted = laid_over(RICH, changed)
    assert drafted["earning"][1] == {"kind": "per_unit", "points": 3, "count": "exact"}
    assert drafted["earning"][::2] == RICH["earning"][::2]
    assert drafted["actions"] == {"quiz": {"points": 3}}
    assert "referral" not in drafted
    assert "expiry" not in drafted
    assert laid_over({"earning": []}, {"referral_friend": "10"}) == {"earning": [], "referral": {"friend": 10}}


def test_what_is_no_number_is_left_for_the_rules_to_refuse() -> None:
    assert laid_over({"earning": []}, {"unit_points": "1.5"})["earning"] == [
        {"kind": "per_unit", "points": "1.5", "per": "1"}
    ]
