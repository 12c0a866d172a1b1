"""The API of the whole application, after webhooks have come through the door."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.runtime import Runtime
from app.shops.models import Shop
from tests.api.conftest import Api
from tests.webhooks.deliveries import customer_body, delivery, order_body, refund_body, send
from webhooks.loop import InboxLoop

CUSTOMER = 9_007_199_254_740_993  # 2**53 + 1: the first that a double cannot hold


@pytest.fixture
def live(client: FlaskClient, shop: Shop, new_key: Callable[[Shop], str]) -> Api:
    """A key on the application as the factory puts it together."""
    return Api(client, new_key(shop))


def test_an_order_and_its_refund_are_told_in_words_with_both_instants(
    live: Api, client: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    loop = InboxLoop(runtime)
    order = order_body(1, total="57.90", customer_id=CUSTOMER, name="#1001")
    send(client, delivery("customers/create", customer_body(CUSTOMER, email="ada@example.com")))
    send(client, delivery("orders/create", order))
    loop.drain()
    send(client, delivery("refunds/create", refund_body(5, 1, lines="20.00"), after=60))
    loop.drain()
    person = live.get(f"/customers/{CUSTOMER}").get_json()
    assert (person["points"]["balance"], person["points"]["pending"], person["points"]["lifetime"]) == (37, 0, 37)
    assert person["totals"]["orders"] == 1
    assert person["totals"]["first_order_at"] == "2026-03-01T12:00:00Z"
    assert (person["totals"]["lifetime_orders"], person["totals"]["history_known"]) == (1, True)
    assert person["totals"]["lifetime_spent"] == person["totals"]["spent"] == {"amount": "57.90", "currency": "USD"}
    entries = live.get(f"/customers/{CUSTOMER}/ledger").get_json()["data"]
    assert [(entry["points"], entry["reason"], entry["description"]) for entry in entries] == [
        (-20, "order_refunded", "Points taken back for a refund on order #1001"),
        (57, "order_earned", "Points for order #1001"),
    ]
    assert entries[1]["source"] == {"kind": "order", "id": "1"}
    assert entries[1]["business_at"] == "2026-03-01T12:00:00Z"


def test_a_webhook_that_cannot_be_read_is_seen_and_can_be_replayed(
    live: Api, client: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    loop = InboxLoop(runtime)
    assert send(client, delivery("orders/create", {}), raw=b"{broken") == 200
    loop.drain()
    (event,) = live.get("/events?state=parked").get_json()["data"]
    assert event["reason"] == "broken-json"
    assert "the body is not JSON" in event["explanation"]
    assert live.post(f"/events/{event['id']}/replay", key="again").status_code == 202
    loop.drain()
    assert live.get("/events?state=parked").get_json()["data"][0]["id"] == event["id"]


def test_unknown_addresses_below_the_api_are_problems_in_the_whole_application_too(live: Api) -> None:
    answer = live.get("/nothing")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
