"""Visitors of the seeded year: each address signs up once, shortly before its order; friends come at their first."""

from datetime import UTC, datetime, timedelta

from dev_store.history.steps import BROUGHT_BY, SIGN_UP, WITH_CODE, Step
from dev_store.history.visitors import AT_A_TIME, EVERY
from dev_store.history.year import generate

START = datetime(2025, 6, 1, tzinfo=UTC)
DAYS = 120
YEAR = generate(1, start=START, customers=150, orders=900, days=DAYS, visitors=True)


def sign_ups() -> list[Step]:
    return [step for step in YEAR if step.verb == SIGN_UP]


def test_without_visitors_the_year_is_the_same_but_for_them_and_their_codes() -> None:
    alone = generate(1, start=START, customers=150, orders=900, days=DAYS)
    addresses = {step.args["email"] for step in sign_ups()}

    def added(key: str, value: object) -> bool:
        return key == BROUGHT_BY or (key == WITH_CODE and value in addresses)

    stripped = [
        Step(step.at, step.verb, {key: value for key, value in step.args.items() if not added(key, value)})
        for step in YEAR
        if step.verb != SIGN_UP
    ]
    assert stripped == [Step(step.at, step.verb, step.args) for step in alone]


def test_every_round_brings_a_few_and_no_address_comes_twice() -> None:
    addresses = [step.args["email"] for step in sign_ups()]
    assert len(addresses) == len(set(addresses))
    assert 0.8 * AT_A_TIME * DAYS / EVERY.days < len(addresses) <= AT_A_TIME * (DAYS // EVERY.days + 1)


def test_a_code_is_entered_soon_after_its_sign_up_and_some_are_never_used() -> None:
    at = {step.args["email"]: step.at for step in sign_ups()}
    entered = [step for step in YEAR if step.args.get(WITH_CODE) in at]
    assert 0 < len(entered) < len(at)
    for order in entered:
        assert timedelta(minutes=4) <= order.at - at[order.args[WITH_CODE]] <= timedelta(minutes=40)


def test_nobody_signs_up_under_an_address_whose_account_comes_later() -> None:
    joined = {step.args["email"].strip().lower(): step.at for step in YEAR if step.verb == "create_customer"}
    assert all(joined.get(step.args["email"], START) < step.at for step in sign_ups())


def test_friends_are_brought_to_their_first_order_by_somebody_who_has_bought() -> None:
    orders = [step for step in YEAR if step.verb == "place_order"]
    brought = [step for step in orders if BROUGHT_BY in step.args]
    assert len(brought) > 3
    for order in brought:
        before = {step.args.get("customer") for step in orders if step.at < order.at}
        assert order.args["customer"] not in before
        assert order.args[BROUGHT_BY] in before
        assert [step for step in YEAR if step.args.get("order") == order.makes] == []
