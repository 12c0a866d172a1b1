"""What an account should hold, by cases that a merchant would ask about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.loyalty.facts import AccountFacts, ActionFacts, LineFacts, OrderFacts
from app.loyalty.fold import Target, fold, lot_dates
from app.loyalty.lots import LotDates, Source
from app.loyalty.programs import ProgramRules
from app.loyalty.rules import parse

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ONE_A_UNIT = {"earning": [{"kind": "per_unit", "points": 1}]}


def program(*versions: Any, **settings: Any) -> ProgramRules:
    """A program whose versions are rules, or (in force from, rules)."""
    read = []
    for number, version in enumerate(versions, start=1):
        since, rules = version if isinstance(version, tuple) else (None, version)
        read.append(parse(rules, version=number, in_force_from=since))
    return ProgramRules(shop_id=1, program_id=1, versions=tuple(read), **settings)


def order(number: int, minor: int, *, days: float = 0, **more: Any) -> OrderFacts:
    """A paid order of so many minor units, so many days after the start."""
    at = START + timedelta(days=days)
    known: dict[str, Any] = {"business_at": at, "changed_at": at, "currency": "EUR", "base_minor": minor}
    return OrderFacts(id=number, **(known | more))


def line(minor: int, *labels: str, pieces: int = 1, gift_card: bool = False, tax: int = 0) -> LineFacts:
    """A line of so many minor units with a product's labels."""
    return LineFacts(amount_minor=minor, tax_minor=tax, quantity=pieces, gift_card=gift_card, labels=frozenset(labels))


def targets(rules: ProgramRules, *facts: OrderFacts | ActionFacts, earlier: int | None = 0) -> dict[Source, Target]:
    """The fold's targets."""
    orders = tuple(fact for fact in facts if isinstance(fact, OrderFacts))
    actions = tuple(fact for fact in facts if isinstance(fact, ActionFacts))
    return fold(rules, AccountFacts(orders=orders, actions=actions, earlier_orders=earlier))


def points(rules: ProgramRules, *facts: OrderFacts | ActionFacts, earlier: int | None = 0) -> list[int]:
    """The points of the facts, in business order."""
    return [target.points for target in targets(rules, *facts, earlier=earlier).values()]


def test_a_point_for_each_whole_unit_of_the_orders_own_currency() -> None:
    assert points(program(ONE_A_UNIT), order(1, 19_99)) == [19]
    assert points(program(ONE_A_UNIT), order(1, 1999, currency="JPY")) == [1999]
    assert points(program(ONE_A_UNIT), order(1, 19_999, currency="KWD")) == [19]


@pytest.mark.parametrize(
    ("count", "rounding", "expected"),
    [
        ("whole_units", "down", 5),
        ("exact", "down", 9),
        ("exact", "nearest", 10),
        ("exact", "up", 10),
        ("whole_units", "up", 5),
    ],
)
def test_how_units_are_counted_and_rounded_is_the_merchants_choice(count: str, rounding: str, expected: int) -> None:
    earning = [{"kind": "per_unit", "points": 5, "per": "10", "count": count}]
    assert points(program({"earning": earning, "rounding": rounding}), order(1, 19_10)) == [expected]


def test_half_a_point_is_rounded_up_to_the_nearest() -> None:
    rules = {"earning": [{"kind": "per_unit", "points": 1, "count": "exact"}], "rounding": "nearest"}
    assert points(program(rules), order(1, 1_50), order(2, 1_49)) == [2, 1]


@pytest.mark.parametrize("change", [{"paid": False}, {"test": True}, {"cancelled": True}, {"deleted": True}])
def test_what_is_not_really_bought_earns_nothing(change: dict[str, bool]) -> None:
    assert points(program(ONE_A_UNIT), order(1, 50_00, **change)) == [0]


@pytest.mark.parametrize(
    ("rules", "channels", "expected"),
    [
        ({}, {"pos"}, 50),
        ({}, {"drafts"}, 50),
        ({}, {"b2b"}, 0),
        ({"channels": {"b2b": True}}, {"b2b"}, 50),
        ({"channels": {"b2b": True, "drafts": False}}, {"b2b", "drafts"}, 0),
        ({"channels": {"pos": False}}, {"pos"}, 0),
    ],
)
def test_channels_earn_as_the_merchant_says(rules: Any, channels: set[str], expected: int) -> None:
    assert points(program(ONE_A_UNIT | rules), order(1, 50_00, channels=frozenset(channels))) == [expected]


def test_orders_paid_with_gift_cards_or_store_credit_earn_unless_switched_off() -> None:
    paid = order(1, 50_00, payments=frozenset({"store_credit"}))
    assert points(program(ONE_A_UNIT), paid) == [50]
    assert points(program(ONE_A_UNIT | {"paid_with": {"store_credit": False}}), paid) == [0]


def test_buying_a_gift_card_earns_nothing_unless_switched_on() -> None:
    bought = order(1, 80_00, gift_card_minor=50_00, lines=(line(30_00), line(50_00, gift_card=True)))
    by_piece = {"earning": [{"kind": "per_item", "points": 1}]}
    assert points(program(ONE_A_UNIT), bought) == [30]
    assert points(program(ONE_A_UNIT | {"gift_cards": True}), bought) == [80]
    assert points(program(by_piece), bought) == [1]


def test_goods_can_be_left_out_or_rewarded_alone() -> None:
    bought = order(
        1, 100_00, lines=(line(60_00, "product:1", "tag:sale"), line(40_00, "product:2", "collection:7", pieces=4))
    )
    assert points(program(ONE_A_UNIT | {"exclude": {"tags": ["Sale"]}}), bought) == [40]
    only = {"kind": "per_unit", "points": 3, "only": {"collections": [7]}}
    assert points(program({"earning": [only]}), bought) == [120]
    pieces = {"kind": "per_item", "points": 5, "only": {"products": [2]}}
    assert points(program({"earning": [*ONE_A_UNIT["earning"], pieces]}), bought) == [120]


def test_money_given_back_without_a_line_lowers_all_lines_alike() -> None:
    bought = order(1, 80_00, loose_minor=20_00, lines=(line(60_00, "product:1"), line(40_00, "product:2")))
    only = {"kind": "per_unit", "points": 1, "only": {"products": [1]}}
    assert points(program({"earning": [only]}), bought) == [48]


@pytest.mark.parametrize(
    ("tax", "included", "expected"),
    [
        ("as_priced", True, 119),
        ("without", True, 100),
        ("with", True, 119),
        ("with", False, 138),
        ("without", False, 119),
    ],
)
def test_tax_counts_as_the_merchant_says(tax: str, included: bool, expected: int) -> None:
    bought = order(1, 119_00, taxes_included=included, lines=(line(119_00, tax=19_00),))
    assert points(program(ONE_A_UNIT | {"tax": tax}), bought) == [expected]


def test_shipping_earns_only_when_switched_on() -> None:
    bought = order(1, 10_00, shipping_minor=5_00)
    assert points(program(ONE_A_UNIT), bought) == [10]
    assert points(program(ONE_A_UNIT | {"shipping": True}), bought) == [15]


def test_points_for_an_order_from_a_minimum_on_and_for_certain_orders() -> None:
    rules = program(
        {
            "earning": [
                {"kind": "per_order", "points": 10, "minimum": "20.00"},
                {"kind": "nth_order", "points": 100, "orders": [1], "every": 3},
            ]
        }
    )
    bought = [order(number, 20_00 if number != 2 else 19_99, days=number) for number in range(1, 5)]
    assert points(rules, *bought) == [110, 0, 110, 10]


def test_an_order_once_paid_keeps_its_number_whatever_becomes_of_it() -> None:
    rules = program({"earning": [{"kind": "nth_order", "points": 100, "orders": [2]}]})
    assert points(rules, order(1, 5_00, cancelled=True), order(2, 5_00, days=1)) == [0, 100]
    assert points(rules, order(1, 5_00, paid=False), order(2, 5_00, days=1)) == [0, 0]


def test_orders_from_before_are_counted_and_an_unknown_past_is_never_new() -> None:
    rules = program({"earning": [{"kind": "nth_order", "points": 100, "orders": [1, 4]}]})
    assert points(rules, order(1, 5_00), earlier=3) == [100]
    assert points(rules, order(1, 5_00), earlier=1) == [0]
    assert points(rules, order(1, 5_00), earlier=None) == [0]


def test_the_greatest_multiplier_of_the_time_counts_and_its_end_is_exclusive() -> None:
    rules = ONE_A_UNIT | {
        "multipliers": [
            {"factor": "2", "from": START.isoformat(), "until": (START + timedelta(days=2)).isoformat()},
            {"factor": "1.5", "until": (START + timedelta(days=5)).isoformat()},
        ]
    }
    bought = [order(number, 11_00, days=number) for number in (0, 1, 2, 5)]
    assert points(program(rules), *bought) == [22, 22, 16, 11]


def test_limits_hold_for_an_order_a_day_of_the_shop_and_an_account() -> None:
    rules = ONE_A_UNIT | {"caps": {"order": 50, "day": 70, "account": 150}}
    # 22:30 and 23:30 UTC of 1 March are two days in Berlin.
    late = (10.5 / 24, 11.5 / 24)
    bought = [order(1, 60_00), order(2, 60_00, days=late[0]), order(3, 60_00, days=late[1]), order(4, 60_00, days=4)]
    assert points(program(rules, zone=BERLIN), *bought) == [50, 20, 50, 30]


def test_what_is_refunded_makes_room_below_a_limit_for_what_came_later() -> None:
    rules = program(ONE_A_UNIT | {"caps": {"account": 100}})
    assert points(rules, order(1, 80_00), order(2, 80_00, days=1)) == [80, 20]
    assert points(rules, order(1, 0, refunded=True), order(2, 80_00, days=1)) == [0, 80]


def test_every_order_is_under_the_version_of_its_own_business_time() -> None:
    second = START + timedelta(days=10)
    rules = program(ONE_A_UNIT, (second, {"earning": [{"kind": "per_unit", "points": 3}]}))
    found = targets(rules, order(1, 10_00, days=9), order(2, 10_00, days=10))
    assert [(target.points, target.rule_version) for target in found.values()] == [(10, 1), (30, 2)]


def test_a_program_earns_from_its_start_until_its_end() -> None:
    rules = program(ONE_A_UNIT, earns_from=START, ends_at=START + timedelta(days=1))
    bought = [order(number, 10_00, days=days) for number, days in enumerate((-0.1, 0, 0.9, 1), start=1)]
    assert points(rules, *bought) == [0, 10, 10, 0]


def test_imported_orders_wait_for_the_merchants_choice() -> None:
    bought = [order(1, 10_00, imported=True), order(2, 10_00, days=5, imported=True), order(3, 10_00, days=6)]
    assert points(program(ONE_A_UNIT), *bought) == [0, 0, 10]
    assert points(program(ONE_A_UNIT, history_chosen=True), *bought) == [10, 10, 10]
    chosen = program(ONE_A_UNIT, history_chosen=True, history_from=START + timedelta(days=1))
    assert points(chosen, *bought) == [0, 10, 10]


def action(kind: str, key: str, *, days: float = 0) -> ActionFacts:
    """An action so many days after the start."""
    return ActionFacts(kind=kind, key=key, business_at=START + timedelta(days=days))


def test_actions_earn_within_their_own_limits() -> None:
    review = {"points": 25, "per_day": 1, "per_year": 3, "per_account": 4}
    rules = program(ONE_A_UNIT | {"actions": {"review": review}}, zone=BERLIN)
    done = [action("review", str(number), days=days) for number, days in enumerate((0, 0.1, 1, 2, 3, 400, 401))]
    assert points(rules, *done) == [25, 0, 25, 25, 0, 25, 0]
    assert points(rules, action("dance", "1")) == [0]


def test_actions_and_orders_share_the_limits_of_the_program() -> None:
    rules = program(ONE_A_UNIT | {"actions": {"review": {"points": 25}}, "caps": {"account": 40}})
    assert points(rules, order(1, 30_00), action("review", "1", days=1), order(2, 9_00, days=2)) == [30, 10, 0]


def test_points_wait_whole_days_and_expire_at_the_end_of_a_day_of_the_shop() -> None:
    rules = program(ONE_A_UNIT | {"waiting_days": 14, "expiry": {"kind": "after", "days": 90}}, zone=BERLIN)
    # 1 March 13:00 in Berlin; the clocks go forward on 29 March.
    dates = lot_dates(rules, rules.versions[0], START)
    assert dates == LotDates(
        datetime(2026, 3, 16, tzinfo=BERLIN).astimezone(UTC), datetime(2026, 6, 15, tzinfo=BERLIN).astimezone(UTC)
    )


def test_months_end_on_the_last_day_of_a_short_one() -> None:
    rules = program(ONE_A_UNIT | {"expiry": {"kind": "after", "months": 1}})
    at = datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert lot_dates(rules, rules.versions[0], at) == LotDates(at, datetime(2026, 3, 1, tzinfo=UTC))


def test_points_of_an_inactivity_rule_have_no_end_of_their_own() -> None:
    rules = program(ONE_A_UNIT | {"expiry": {"kind": "inactivity", "months": 12}})
    assert lot_dates(rules, rules.versions[0], START) == LotDates(START, None)
