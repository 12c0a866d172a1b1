"""The seeded year is repeatable, in order, and has in it what the issue asks for."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from dev_store.history.steps import REDEEM, WITH_CODE, Step
from dev_store.history.year import generate

START = datetime(2025, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def year() -> list[Step]:
    return generate(1, start=START)


def test_the_same_seed_gives_the_same_year_and_another_another(year: list[Step]) -> None:
    assert generate(1, start=START) == year
    assert generate(2, start=START) != year


def test_steps_are_in_time_order_within_the_year(year: list[Step]) -> None:
    assert all(earlier.at <= later.at for earlier, later in pairwise(year))
    assert year[0].at >= START
    assert year[-1].at < START + timedelta(days=365)


def test_a_years_worth_of_everything_happens(year: list[Step]) -> None:
    verbs = Counter(step.verb for step in year)
    assert (verbs["place_order"], verbs["create_customer"]) == (3000, 400)
    assert verbs["refund"] > 300
    assert min(verbs[verb] for verb in ("cancel", "edit_order", "mark_paid", "set_email_consent")) > 20
    assert min(verbs[verb] for verb in ("delete_order", "merge_customers", "delete_customer", REDEEM)) >= 5
    placed = [step.args for step in year if step.verb == "place_order"]
    assert sum("email" in args for args in placed) > 200
    assert sum(args["test"] for args in placed) > 10
    assert sum(WITH_CODE in args for args in placed) > 100
    refunds = Counter(step.args["order"] for step in year if step.verb == "refund")
    assert max(refunds.values()) >= 2
    assert sum("amount" in step.args for step in year) > 20


def test_the_shop_sells_more_before_christmas_than_in_january(year: list[Step]) -> None:
    months = Counter(step.at.month for step in year if step.verb == "place_order")
    assert months[12] > 2 * months[1]


def test_nothing_is_named_before_it_is_made_or_after_it_is_gone(year: list[Step]) -> None:
    there: set[str] = set()
    for step in year:
        if step.makes:
            there.add(step.makes)
        named = [step.args.get(key) for key in ("customer", "order", "kept", "deleted", WITH_CODE)]
        assert {name for name in named if name} <= there, step
        if step.verb in {"delete_order", "delete_customer", "merge_customers"}:
            there -= {step.args.get("order"), step.args.get("deleted"), step.args.get("customer")}


def test_no_more_is_given_back_than_was_bought(year: list[Step]) -> None:
    left: dict[str, list[int]] = {}
    worth: dict[str, Decimal] = {}
    for step in year:
        if step.verb == "place_order" and step.makes:
            left[step.makes] = [line["quantity"] for line in step.args["lines"]]
            prices = [Decimal(line["price"]) for line in step.args["lines"]]
            worth[step.makes] = sum((p * n for p, n in zip(prices, left[step.makes], strict=True)), Decimal(0))
        elif step.verb == "edit_order":
            left[step.args["order"]] += [1 for _ in step.args["add"]]
        taken = step.args.get("remove") or step.args.get("lines") if step.verb in {"refund", "edit_order"} else None
        for index, count in (taken or {}).items():
            left[step.args["order"]][index] -= count
            assert left[step.args["order"]][index] >= 0
        if "amount" in step.args:
            assert 0 < Decimal(step.args["amount"]) <= worth[step.args["order"]] / 4


def test_a_small_year_is_small() -> None:
    small = generate(3, start=START, customers=40, orders=300, days=30)
    assert Counter(step.verb for step in small)["place_order"] == 300
    assert small[-1].at < START + timedelta(days=30)
