"""The client against every trouble of the wire: repeated where that is safe, never where it is not."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from urllib3.connection import HTTPConnection
from urllib3.exceptions import MaxRetryError, NewConnectionError

from app import clock
from app.runtime import Runtime
from app.shopify.client import ShopifyClient, client_for
from app.shopify.errors import (
    OutcomeUnknown,
    Rejected,
    ShopifyError,
    ShopPaused,
    Throttled,
    Unauthorised,
    Unavailable,
    UserErrors,
)
from app.shopify.oauth import Tokens
from app.shops import queries, tokens
from app.shops.models import Shop

URL = "https://demo.myshopify.com/admin/api/2026-10/graphql.json"
TOKEN_URL = "https://demo.myshopify.com/admin/oauth/access_token"
READ, CHANGE = "ShopInfo", "DiscountCodeDeactivate"
DATA: dict[str, dict[str, Any]] = {
    READ: {"shop": {"id": "gid://shopify/Shop/1"}},
    CHANGE: {
        "discountCodeDeactivate": {"codeDiscountNode": {"id": "gid://shopify/DiscountCodeNode/1"}, "userErrors": []}
    },
}
NOT_CONNECTED = requests.ConnectionError(
    MaxRetryError(None, URL, NewConnectionError(HTTPConnection("demo.myshopify.com"), "refused"))  # type: ignore[arg-type]  # no pool is needed
)


@pytest.fixture
def connected(runtime: Runtime, shop: Shop) -> ShopifyClient:
    """The client of a shop whose token is good for an hour."""
    give(runtime, shop.id, "shpat_1", timedelta(hours=1))
    return client_for(runtime, shop.id)


def give(runtime: Runtime, shop_id: int, token: str, lasts: timedelta) -> None:
    now = clock.wall_now()
    granted = Tokens(token, "read_orders", now + lasts, f"refresh-{token}", now + timedelta(days=90))
    with runtime.database.shop(shop_id) as session:
        tokens.store(runtime.keyring, queries.shop(session, shop_id), granted)


def good(operation: str, available: float = 1990.0, rate: float = 100.0) -> dict[str, Any]:
    return {"json": {"data": DATA[operation], "extensions": cost(10, available, rate)}}


def refused(code: str, data: Any = None, available: float = 0.0) -> dict[str, Any]:
    errors = [{"message": "no", "extensions": {"code": code}}]
    return {"json": {"data": data, "errors": errors, "extensions": cost(50, available)}}


def cost(requested: float, available: float, rate: float = 100.0) -> dict[str, Any]:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": rate}
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": requested, "throttleStatus": status}}


def answer(wire: responses.RequestsMock, *answers: dict[str, Any]) -> None:
    for one in answers:
        wire.post(URL, **one)


def test_an_operation_is_sent_with_its_variables_and_the_shops_token(
    connected: ShopifyClient, wire: responses.RequestsMock
) -> None:
    answer(wire, good(CHANGE))
    assert connected.execute(CHANGE, {"id": "gid://shopify/DiscountCodeNode/1"}) == DATA[CHANGE]
    request = wire.calls[0].request
    assert request.headers["X-Shopify-Access-Token"] == "shpat_1"
    body = json.loads(request.body or b"")
    assert (body["operationName"], body["variables"]) == (CHANGE, {"id": "gid://shopify/DiscountCodeNode/1"})
    assert body["query"].startswith(("#", "mutation"))


HARMLESS: list[dict[str, Any]] = [
    refused("THROTTLED"),
    {"status": 429, "headers": {"Retry-After": "2.0"}},
    {"body": NOT_CONNECTED},
    {"body": requests.ConnectTimeout()},
]
UNCLEAR: list[dict[str, Any]] = [
    {"status": 500},
    {"status": 502, "body": "<html>"},
    {"body": requests.ReadTimeout()},
    {"body": requests.ConnectionError("reset")},
    {"body": "<html>"},
    {"json": {}},
    {"json": []},
    refused("INTERNAL_SERVER_ERROR"),
]


@pytest.mark.parametrize("trouble", HARMLESS)
@pytest.mark.parametrize("operation", [READ, CHANGE])
def test_what_was_surely_not_executed_is_sent_again(
    connected: ShopifyClient, wire: responses.RequestsMock, naps: list[float], operation: str, trouble: dict[str, Any]
) -> None:
    answer(wire, trouble, good(operation))
    assert connected.execute(operation) == DATA[operation]
    assert len(wire.calls) == 2
    assert len(naps) == 1


@pytest.mark.parametrize("trouble", UNCLEAR)
def test_a_read_is_repeated_after_anything_unclear(
    connected: ShopifyClient, wire: responses.RequestsMock, naps: list[float], trouble: dict[str, Any]
) -> None:
    answer(wire, trouble, trouble, good(READ))
    assert connected.execute(READ) == DATA[READ]
    assert naps[1] > naps[0]


@pytest.mark.parametrize("trouble", UNCLEAR)
def test_a_mutation_with_an_unclear_outcome_is_never_repeated(
    connected: ShopifyClient, wire: responses.RequestsMock, trouble: dict[str, Any]
) -> None:
    answer(wire, trouble, good(CHANGE))
    with pytest.raises(OutcomeUnknown):
        connected.execute(CHANGE)
    assert len(wire.calls) == 1


@pytest.mark.parametrize("code", ["ACCESS_DENIED", "THROTTLED"])
def test_a_mutation_that_ran_but_could_not_be_told_whole_is_unclear(
    connected: ShopifyClient, wire: responses.RequestsMock, code: str
) -> None:
    """Throttled as well: what ran must not be sent again, whatever else the answer says."""
    answer(wire, refused(code, DATA[CHANGE]), good(CHANGE))
    with pytest.raises(OutcomeUnknown):
        connected.execute(CHANGE)
    assert len(wire.calls) == 1


def test_user_errors_are_never_ignored(connected: ShopifyClient, wire: responses.RequestsMock) -> None:
    errors = [{"field": ["id"], "message": "Discount does not exist", "code": "INVALID", "extraInfo": None}]
    payload = {"discountCodeDeactivate": {"codeDiscountNode": None, "userErrors": errors}}
    answer(wire, {"json": {"data": payload}}, refused("ACCESS_DENIED", payload))
    for _ in range(2):
        with pytest.raises(UserErrors) as caught:
            connected.execute(CHANGE)
        assert (caught.value.errors, set(caught.value.codes)) == (errors, {"INVALID"})


def test_data_beside_errors_is_not_taken_for_an_answer(connected: ShopifyClient, wire: responses.RequestsMock) -> None:
    answer(wire, refused("ACCESS_DENIED", DATA[READ]), {"json": {"errors": [{"message": "Field 'x' doesn't exist"}]}})
    kinds = []
    for _ in range(2):
        with pytest.raises(Rejected) as caught:
            connected.execute(READ)
        kinds.append(caught.value.kind)
    assert kinds == ["reauthorise", "bug"]


@pytest.mark.parametrize(
    ("trouble", "error", "kind"),
    [
        ({"status": 402}, ShopPaused, "retry"),
        ({"status": 404}, ShopPaused, "retry"),
        ({"status": 423}, ShopPaused, "retry"),
        (refused("SHOP_INACTIVE"), ShopPaused, "retry"),
        (refused("MAX_COST_EXCEEDED"), Rejected, "bug"),
        ({"status": 400, "json": {"errors": "bad"}}, ShopifyError, "bug"),
        ({"status": 301, "headers": {"Location": "https://evil.example/"}}, ShopifyError, "bug"),
    ],
)
def test_what_will_not_get_better_is_not_repeated(
    connected: ShopifyClient,
    wire: responses.RequestsMock,
    trouble: dict[str, Any],
    error: type[ShopifyError],
    kind: str,
) -> None:
    answer(wire, trouble)
    with pytest.raises(error) as caught:
        connected.execute(CHANGE)
    assert caught.value.kind == kind
    assert len(wire.calls) == 1


def test_after_four_attempts_the_caller_decides(
    connected: ShopifyClient, wire: responses.RequestsMock, naps: list[float]
) -> None:
    answer(wire, *[{"body": NOT_CONNECTED}] * 5)
    with pytest.raises(Unavailable):
        connected.execute(CHANGE)
    assert (len(wire.calls), len(naps)) == (4, 3)


@pytest.fixture
def standstill(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's clock does not move."""
    at = clock.wall_now()
    monkeypatch.setattr(clock, "wall_now", lambda: at)


@pytest.mark.usefixtures("standstill")
def test_a_throttled_call_waits_until_its_cost_is_there(
    connected: ShopifyClient, wire: responses.RequestsMock, naps: list[float]
) -> None:
    short = {"json": {**refused("THROTTLED")["json"], "extensions": cost(700, 100)}}
    answer(wire, short, good(READ))
    connected.execute(READ)
    assert naps == [7.0], "the cost less what is there, and a second's points that stay in the bucket"


@pytest.mark.usefixtures("standstill")
def test_who_has_no_patience_gets_the_waiting_time_instead(
    connected: ShopifyClient, wire: responses.RequestsMock, naps: list[float]
) -> None:
    answer(wire, {"json": {**refused("THROTTLED")["json"], "extensions": cost(700, 100)}})
    with pytest.raises(Throttled) as caught:
        replace(connected, patience=3.0).execute(READ)
    assert (caught.value.wait, naps) == (7.0, [])


def test_a_refused_token_is_refreshed_once_and_the_call_repeated(
    connected: ShopifyClient, wire: responses.RequestsMock
) -> None:
    fresh = {"access_token": "shpat_2", "scope": "read_orders", "expires_in": 3600, "refresh_token": "r2"}
    wire.post(TOKEN_URL, json=fresh)
    answer(wire, {"status": 401}, good(CHANGE))
    assert connected.execute(CHANGE) == DATA[CHANGE]
    sent = [call.request.headers.get("X-Shopify-Access-Token") for call in wire.calls]
    assert sent == ["shpat_1", None, "shpat_2"]


def test_a_token_refused_even_when_fresh_needs_the_merchant(
    connected: ShopifyClient, runtime: Runtime, wire: responses.RequestsMock
) -> None:
    wire.post(TOKEN_URL, json={"access_token": "shpat_2", "expires_in": 3600, "refresh_token": "r2"})
    answer(wire, {"status": 401}, {"status": 403})
    with pytest.raises(Unauthorised):
        connected.execute(READ)
    with runtime.database.shop(connected.shop_id) as session:
        assert queries.shop(session, connected.shop_id).connection == "reauthorise"


def test_another_version_than_ours_is_noticed(
    connected: ShopifyClient, wire: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Shopify answers in a later version when the one asked for is no longer served."""
    answer(wire, {**good(READ), "headers": {"X-Shopify-API-Version": "2027-10"}})
    connected.execute(READ)
    assert "2027-10" in capsys.readouterr().out


def test_neither_tokens_nor_variables_nor_answers_are_logged(
    connected: ShopifyClient,
    wire: responses.RequestsMock,
    naps: list[float],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    private = {"message": "no eva@example.com", "extensions": {"code": "X"}}
    answer(wire, good(CHANGE), {"json": {"errors": [private]}}, {"status": 500, "body": "eva@example.com"})
    attempts: Sequence[Callable[[], Any]] = [lambda: connected.execute(CHANGE, {"id": "eva@example.com"})] * 3
    told = []
    for attempt in attempts:
        try:
            attempt()
        except ShopifyError as error:
            told.append(str(error))
    output = capsys.readouterr()
    everything = output.out + output.err + caplog.text + "".join(told)
    assert len(told) == 2
    assert "DiscountCodeDeactivate" in everything
    assert "eva@example.com" not in everything
    assert "shpat_1" not in everything
