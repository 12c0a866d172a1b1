"""Sign-ups of the seeded year: each address once, shortly before its order, and nobody who joins later."""

from datetime import UTC, datetime, timedelta

from dev_store.history.steps import SIGN_UP, WITH_CODE, Step
from dev_store.history.visitors import AT_A_TIME, EVERY
from dev_store.history.year import generate

START = datetime(2025, 6, 1, tzinfo=UTC)
DAYS = 120
YEAR = generate(1, start=START, customers=150, orders=900, days=DAYS, sign_up=True)


def sign_ups() -> list[Step]:
    return [step for step in YEAR if step.verb == SIGN_UP]


def test_without_visitors_the_year_is_the_same_but_for_them_and_their_codes() -> None:
    alone = generate(1, start=START, customers=150, orders=900, days=DAYS)
    addresses = {step.args["email"] for step in sign_ups()}
    stripped = [
        Step(step.at, step.verb, {key: value for key, value in step.args.items() if key != WITH_CODE})
        if step.args.get(WITH_CODE) in addresses
        else Step(step.at, step.verb, step.args)
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
