"""Whatever goes wrong below /api/v1 is a problem document, and leaves nothing behind."""

import io
from collections.abc import Callable
from typing import Any, NoReturn

from flask import Flask
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from app.api import rate, routes
from app.api.rate import TokenBuckets
from app.loyalty.ledger import Holder
from app.loyalty.models import Balance
from app.runtime import Runtime
from tests.api.conftest import CUSTOMER, Api

ADJUST = f"/customers/{CUSTOMER}/adjustments"
BROKEN = [
    b"", b"{", b"{'points': 5}", b'{"points": 5,}', b"\xff\xfe", b'{"points": NaN}', b'{"points": 1e999}', b"[" * 5000,
    b'{"points": 5, "reason": "\\ud800"}', b'{"points": 5, "reason": "x"} {}',
]  # fmt: skip


def is_problem(answer: TestResponse, status: int) -> bool:
    document = answer.get_json(force=True)
    return (
        answer.status_code == document["status"] == status
        and answer.mimetype == "application/problem+json"
        and document["type"].startswith("urn:perennial:problem:")
        and bool(document["detail"])
        and answer.headers["Cache-Control"] == "no-store"
    )


def test_unknown_addresses(api: Api) -> None:
    for path in ("", "/", "/customers", "/customers/1/secrets", "/rewards/", "/é", "/%2e%2e/x", "/a//b"):
        assert is_problem(api.client.get(f"/api/v1{path}"), 404), path


def test_addresses_elsewhere_are_not_ours(api: Api) -> None:
    assert api.client.get("/api/v10").mimetype == "text/html"


def test_methods_that_an_address_does_not_take(api: Api) -> None:
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "LINK"):
        answer = api.client.open("/api/v1/rewards", method=method)
        assert is_problem(answer, 405), method
        assert "GET" in answer.headers["Allow"]


def test_broken_json(api: Api, holder: Holder, runtime: Runtime) -> None:
    for data in BROKEN:
        answer = api.post(ADJUST, data=data, headers={"Content-Type": "application/json"})
        assert is_problem(answer, 400), data
    with runtime.database.system() as session:
        assert session.get(Balance, holder) is None


def test_bodies_that_are_not_called_json(api: Api, holder: Holder) -> None:
    for media_type in (None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
        headers = {"Content-Type": media_type} if media_type else {}
        assert is_problem(api.post(ADJUST, data=b'{"points": 5, "reason": "x"}', headers=headers), 415), media_type


def test_json_may_name_its_charset(api: Api, holder: Holder) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert api.post(ADJUST, data='{"points": 5, "reason": "Grüße"}'.encode(), headers=headers).status_code == 201


def test_huge_bodies_are_refused_unread(api: Api, holder: Holder) -> None:
    headers = {"Content-Type": "application/json"}
    assert is_problem(api.post(ADJUST, data=b" " * (64 * 1024 + 1), headers=headers), 413)
    assert is_problem(api.post(ADJUST, data=b"x" * 5_000_000, headers=headers), 413)


def test_a_huge_body_that_does_not_tell_its_length_is_refused_too(api: Api, holder: Holder) -> None:
    body = io.BytesIO(b'{"points": 5, "reason": "x"}' + b" " * 100_000)
    chunked = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    headers = {"Content-Type": "application/json"}
    assert is_problem(api.post(ADJUST, input_stream=body, environ_overrides=chunked, headers=headers), 413)


def test_a_key_that_asks_too_fast_is_told_when_to_come_back(api: Api, flask_app: Flask, stranger: Api) -> None:
    flask_app.extensions[routes.BUCKETS] = TokenBuckets(per_second=0.5, burst=2)
    assert [api.get("/rewards").status_code for _ in range(2)] == [200, 200]
    refused = api.get("/rewards")
    assert is_problem(refused, 429)
    assert refused.headers["Retry-After"] == "2"
    assert stranger.get("/rewards").status_code == 200
    assert [api.get("/rewards", headers={"Authorization": "Bearer prk_none"}).status_code for _ in range(4)] == [
        401
    ] * 4


def test_a_bucket_fills_again_up_to_its_burst() -> None:
    now = [0.0]
    buckets = TokenBuckets(per_second=10, burst=3, monotonic=lambda: now[0])
    assert [buckets.take(b"key") for _ in range(4)] == [0, 0, 0, 1]
    now[0] += 0.1
    assert [buckets.take(b"key") for _ in range(2)] == [0, 1]
    now[0] += 3600
    assert [buckets.take(b"key") for _ in range(4)] == [0, 0, 0, 1]
    assert rate.BURST >= 1000


def broken(error: Callable[[], Exception]) -> Callable[..., NoReturn]:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise error()

    return fail


def test_a_bug_of_ours_names_an_incident_and_nothing_else(api: Api, flask_app: Flask) -> None:
    flask_app.view_functions["api.list_rewards"] = broken(lambda: RuntimeError("ada@example.com has no reward"))
    with capture_logs() as logs:
        answer = api.get("/rewards")
    assert is_problem(answer, 500)
    assert "ada@example.com" not in answer.text + repr(logs)
    assert logs[0]["incident"] == answer.get_json()["incident"]
    assert "test_problems.py" in logs[0]["where"]


def test_a_database_that_is_away_is_said_to_be_away(api: Api, flask_app: Flask) -> None:
    flask_app.view_functions["api.list_rewards"] = broken(lambda: OperationalError("select", {}, Exception("gone")))
    answer = api.get("/rewards")
    assert is_problem(answer, 503)
    assert answer.headers["Retry-After"] == "1"
