"""One effect for each Idempotency-Key, whatever is repeated, changed or sent at the same moment."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text

from app import clock
from app.api import jobs
from app.api.models import IdempotentRequest
from app.loyalty.ledger import Holder, lock_balances
from app.loyalty.models import LedgerEntry, Redemption
from app.runtime import Runtime
from tests.api.conftest import CUSTOMER, Api

ADJUST = f"/customers/{CUSTOMER}/adjustments"
REDEEM = f"/customers/{CUSTOMER}/redemptions"
GIFT = {"points": 40, "reason": "gift"}


def count(runtime: Runtime, table: type) -> int:
    with runtime.database.system() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_repeated_request_gets_the_same_answer_and_has_one_effect(api: Api, runtime: Runtime, holder: Holder) -> None:
    first = api.post(ADJUST, GIFT, key="gift-1")
    again = api.post(ADJUST, GIFT, key="gift-1")
    assert (again.status_code, again.get_json()) == (first.status_code, first.get_json())
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert count(runtime, LedgerEntry) == 1


def test_how_the_json_is_written_does_not_make_another_request(api: Api, runtime: Runtime, holder: Holder) -> None:
    headers = {"Content-Type": "application/json"}
    for data in (b'{"points": 40, "reason": "gift"}', b'{"reason":"gift",\n "points":40}'):
        assert api.post(ADJUST, data=data, headers=headers, key="gift").status_code == 201
    assert count(runtime, LedgerEntry) == 1


def test_without_a_key_every_request_counts(api: Api, runtime: Runtime, holder: Holder) -> None:
    for _ in range(2):
        assert api.post(ADJUST, GIFT).status_code == 201
    assert count(runtime, LedgerEntry) == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [(ADJUST, {**GIFT, "points": 41}), (REDEEM, {"reward_id": "1"}), ("/customers/8/adjustments", GIFT)],
)
def test_a_key_that_came_with_another_request_is_refused(
    api: Api, runtime: Runtime, holder: Holder, path: str, body: object
) -> None:
    api.post(ADJUST, GIFT, key="gift-1")
    answer = api.post(path, body, key="gift-1")
    assert answer.status_code == 422
    assert answer.get_json()["type"] == "urn:perennial:problem:idempotency-key-reused"
    assert count(runtime, LedgerEntry) == 1


def test_a_refusal_by_a_rule_is_final_for_its_key(api: Api, give: Callable[[int], None]) -> None:
    give(10)
    body = {"points": -20, "reason": "x"}
    refused = api.post(ADJUST, body, key="k")
    give(100)
    again = api.post(ADJUST, body, key="k")
    assert (refused.status_code, again.status_code) == (422, 422)
    assert again.get_json() == refused.get_json()
    assert again.mimetype == "application/problem+json"
    assert api.post(ADJUST, body, key="k2").status_code == 201


def test_what_may_pass_by_itself_may_be_tried_again_with_the_same_key(api: Api, request: pytest.FixtureRequest) -> None:
    assert api.post(ADJUST, GIFT, key="early").status_code == 404
    request.getfixturevalue("holder")
    assert api.post(ADJUST, GIFT, key="early").status_code == 201


def test_the_same_key_in_two_shops_is_two_keys(api: Api, stranger: Api, holder: Holder) -> None:
    assert api.post(ADJUST, GIFT, key="k").status_code == 201
    assert stranger.post(ADJUST, GIFT, key="k").status_code == 404


def test_a_key_is_visible_ascii_of_up_to_255(api: Api, holder: Holder) -> None:
    for key in ("", " ", "a b", "x" * 256, "é", "tab\t"):
        assert api.post(ADJUST, GIFT, key=key).status_code == 400, key
    for key in ("x", "x" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "!~"):
        assert api.post(ADJUST, GIFT, key=key).status_code == 201, key


@pytest.mark.parametrize(("path", "body"), [(ADJUST, GIFT), (REDEEM, {"reward_id": "1"})])
def test_the_same_request_many_times_at_once_has_one_effect(
    api: Api, runtime: Runtime, give: Callable[[int], None], path: str, body: object
) -> None:
    give(500)
    start = threading.Barrier(8)

    def send(_: int) -> tuple[int, str | None]:
        start.wait()
        answer = Api(api.client.application.test_client(), api.key).post(path, body, key="same")
        return answer.status_code, answer.get_json().get("id")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    succeeded = {answer for answer in answers if answer[0] < 300}
    assert len(succeeded) == 1
    assert {status for status, _ in answers} <= {201, 202, 409}
    assert count(runtime, LedgerEntry) == 2


def test_different_requests_under_one_key_at_once_have_one_effect(
    api: Api, flask_app: Flask, runtime: Runtime, holder: Holder
) -> None:
    start = threading.Barrier(6)

    def send(points: int) -> int:
        start.wait()
        return (
            Api(flask_app.test_client(), api.key).post(ADJUST, {"points": points, "reason": "x"}, key="k").status_code
        )

    with ThreadPoolExecutor(6) as pool:
        statuses = Counter(pool.map(send, range(1, 7)))
    assert statuses[201] == 1
    assert set(statuses) <= {201, 409, 422}
    assert count(runtime, LedgerEntry) == 1


def test_while_the_first_is_running_a_repeat_is_told_to_wait(
    api: Api, flask_app: Flask, runtime: Runtime, holder: Holder
) -> None:
    """The first is held up at the balance, which somebody else has locked."""
    with ThreadPoolExecutor(1) as pool:
        with runtime.database.system() as session:
            lock_balances(session, [holder])
            first = pool.submit(lambda: Api(flask_app.test_client(), api.key).post(ADJUST, GIFT, key="slow"))
            while not somebody_waits_for_a_row(runtime):
                assert not first.done()
            answer = api.post(ADJUST, GIFT, key="slow")
        assert answer.status_code == 409
        assert answer.get_json()["type"] == "urn:perennial:problem:request-in-progress"
        assert answer.headers["Retry-After"] == "1"
        assert first.result().status_code == 201
    assert api.post(ADJUST, GIFT, key="slow").get_json() == first.result().get_json()
    assert count(runtime, LedgerEntry) == 1


def somebody_waits_for_a_row(runtime: Runtime) -> bool:
    waiting = (
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
    )
    with runtime.database.system() as session:
        return bool(session.scalar(text(waiting)))


def test_after_its_answer_was_forgotten_a_key_still_has_one_effect(
    api: Api, runtime: Runtime, give: Callable[[int], None]
) -> None:
    give(500)
    redeemed = api.post(REDEEM, {"reward_id": "1"}, key="redeem").get_json()
    api.post(ADJUST, GIFT, key="gift")
    with runtime.database.system() as session:
        session.execute(delete(IdempotentRequest))
    assert api.post(REDEEM, {"reward_id": "1"}, key="redeem").get_json()["id"] == redeemed["id"]
    assert api.post(ADJUST, GIFT, key="gift").status_code == 409
    assert count(runtime, Redemption) == 1


def test_answers_are_forgotten_after_thirty_days(
    api: Api, runtime: Runtime, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.post(ADJUST, GIFT, key="old")
    made = clock.wall_now()
    for days, kept in ((29, 1), (31, 0)):
        monkeypatch.setattr(clock, "wall_now", lambda days=days: made + timedelta(days=days))
        jobs.forget_answers(runtime)
        assert count(runtime, IdempotentRequest) == kept
