"""Steps become verbs of a real development store, in order, with real ids, whatever a batch holds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev_store.config import AppConfig, Config
from dev_store.history.remote import RemoteError, StoreClient
from dev_store.history.running import Runner
from dev_store.history.steps import BROUGHT_BY, REDEEM, SIGN_UP, WITH_CODE, Step
from dev_store.history.year import generate
from dev_store.server import serving
from dev_store.web import create_app

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINES = [{"title": "Fern", "quantity": 2, "price": "10.00"}, {"title": "Pot", "quantity": 1, "price": "5.00"}]


@pytest.fixture
def store() -> Iterator[StoreClient]:
    config = Config("http://127.0.0.1:9", "key", "secret", AppConfig("2026-10", ()))
    with serving(create_app(config)) as origin:
        client = StoreClient(origin, "fern.myshopify.com")
        client.open_shop(name="Fern", currency="GBP", timezone="Europe/London", country="GB")
        yield client


def step(verb: str, makes: str | None = None, *, later: int = 0, **args: Any) -> Step:
    return Step(AT + timedelta(hours=later), verb, args, makes)


ANA = step("create_customer", "ana", email="ana@example.com")
ORDER = step("place_order", "order", customer="ana", lines=LINES)


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_edits_and_refunds_find_lines_by_position_however_steps_are_batched(store: StoreClient, batch: int) -> None:
    runner = Runner(store, batch=batch)
    runner.live(
        [
            ANA,
            ORDER,
            step("edit_order", order="order", add=[{"title": "Seed", "quantity": 1, "price": "3.00"}], remove={0: 1}),
            step("refund", order="order", lines={2: 1}, shipping="0.00", later=1),
            step("refund", order="order", amount="2.00", later=2),
        ]
    )
    assert runner.refused == []
    assert store.figures()["accounts"][str(runner.ids["ana"])]["earned"] == 13


def test_what_is_refused_is_told_and_the_history_goes_on(store: StoreClient) -> None:
    runner = Runner(store)
    runner.live([ANA, step("create_customer", "twin", email="ana@example.com"), ORDER, step("refund", order="order")])
    assert [refused.step.verb for refused in runner.refused] == ["create_customer", "refund"]
    runner.live([step("place_order", customer="twin", lines=LINES)])
    assert "the shop refused to make" in runner.refused[-1].why
    assert store.figures()["orders"]["all"] == 1


def test_members_redeem_between_batches_and_enter_their_code_once(store: StoreClient) -> None:
    asked: list[list[int]] = []

    def redeem(customer_ids: list[int]) -> dict[int, str]:
        asked.append(customer_ids)
        return dict.fromkeys(customer_ids, "NO-SUCH-CODE")

    runner = Runner(store, redeem=redeem)
    with_code = Step(AT, "place_order", {"customer": "ana", "lines": LINES, WITH_CODE: "ana"})
    runner.live([ANA, ORDER, step(REDEEM, customers=["ana"]), with_code, with_code])
    assert asked == [[runner.ids["ana"]]]
    # The store refuses the code, so the order is placed without it.
    assert (runner.refused, store.figures()["orders"]["all"]) == ([], 3)


def test_visitors_sign_up_and_friends_carry_the_code_of_a_members_link(store: StoreClient) -> None:
    asked: list[object] = []

    def answer(who: object) -> str:
        asked.append(who)
        return "ANN7"

    runner = Runner(store, sign_up=answer, link=answer)
    friend = Step(AT, "place_order", {"email": "bea@example.com", "lines": LINES, BROUGHT_BY: "ana"}, "first")
    runner.live([ANA, ORDER, step(SIGN_UP, email="bea@example.com"), friend])
    assert (asked, runner.refused) == (["bea@example.com", runner.ids["ana"]], [])
    accounts = store.figures()["accounts"]
    assert (accounts["bea@example.com"]["earned"], accounts["bea@example.com"]["balance"]) == (25, 50)
    assert accounts[str(runner.ids["ana"])]["balance"] == 25 + 50


def test_a_shop_refuses_nothing_of_a_seeded_year(store: StoreClient) -> None:
    steps = generate(5, start=AT, customers=60, orders=250, days=60)
    lived: list[int] = []
    runner = Runner(store, done=lived.append)
    runner.live(steps)
    assert runner.refused == []
    assert sum(lived) == len(steps)
    assert store.figures()["points_earned"] > 1000


def test_a_refusal_of_the_control_plane_quotes_it(store: StoreClient) -> None:
    with pytest.raises(RemoteError, match="already"):
        store.open_shop(name="Fern", currency="GBP", timezone="Europe/London", country="GB")
