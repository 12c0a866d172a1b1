"""The log of the inbox: what it shows, what it never shows, and replay."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app import clock
from app.runtime import Runtime
from app.shops.models import Shop
from tests.api.conftest import Api
from webhooks.models import InboxEvent

SECRET = b"sealed body that nobody may see"


def receive(runtime: Runtime, shop: Shop, number: int, **more: Any) -> int:
    """A row of the inbox as the door and the loop leave it."""
    now = clock.now() + timedelta(seconds=number)
    values: dict[str, Any] = {
        "partition": 0, "lane": 0, "topic": "orders/create", "webhook_id": f"w-{number}", "triggered_at": now,
        "received_at": now, "state": "done", "body": SECRET, **more,
    }  # fmt: skip
    with runtime.database.system() as session:
        event = InboxEvent(shop_id=shop.id, **values)
        session.add(event)
        session.flush()
        return event.id


def test_events_are_shown_newest_first_without_bodies(api: Api, runtime: Runtime, shop: Shop) -> None:
    receive(runtime, shop, 1)
    parked = {"state": "parked", "reason": "broken-json", "error": "the body is not JSON", "topic": "orders/paid"}
    receive(runtime, shop, 2, **parked)
    answer = api.get("/events")
    newest, oldest = answer.get_json()["data"]
    assert newest["reason"] == "broken-json"
    assert newest["explanation"] == (
        "What arrived could not be read at all. Nothing was made of it. (the body is not JSON)"
    )
    assert (oldest["state"], oldest["reason"], oldest["topic"]) == ("done", None, "orders/create")
    assert b"sealed" not in answer.data


def test_events_are_filtered_by_state_and_topic(api: Api, runtime: Runtime, shop: Shop) -> None:
    receive(runtime, shop, 1)
    wanted = receive(runtime, shop, 2, state="parked", topic="refunds/create")
    receive(runtime, shop, 3, state="parked")
    assert len(api.get("/events?state=parked").get_json()["data"]) == 2
    (row,) = api.get("/events?state=parked&topic=refunds/create").get_json()["data"]
    assert row["id"] == str(wanted)
    assert api.get("/events?topic=no/such").get_json() == {"data": [], "next": None}


def test_filters_that_are_none_are_refused(api: Api) -> None:
    queries = ["state=lost", "state=", "topic=%00", "topic=", f"topic={'x' * 101}", "body=1"]
    assert {query: api.get(f"/events?{query}").status_code for query in queries} == dict.fromkeys(queries, 400)


def test_events_are_walked_exactly_once_while_others_arrive(api: Api, runtime: Runtime, shop: Shop) -> None:
    ids = [receive(runtime, shop, number) for number in range(7)]
    walked = api.walk("/events", limit=2, between=lambda: receive(runtime, shop, 100 + clock.now().microsecond))
    assert [int(row["id"]) for row in walked] == ids[::-1]


def test_a_cursor_does_not_survive_a_change_of_filters(api: Api, runtime: Runtime, shop: Shop) -> None:
    for number in range(3):
        receive(runtime, shop, number)
    cursor = api.get("/events?limit=1&state=done").get_json()["next"]
    assert api.get(f"/events?limit=1&state=done&cursor={cursor}").status_code == 200
    assert api.get(f"/events?limit=1&cursor={cursor}").status_code == 400


def test_a_parked_event_is_given_another_try(api: Api, runtime: Runtime, shop: Shop) -> None:
    event_id = receive(runtime, shop, 1, state="parked", attempts=5, reason="failed", error="x")
    replayed = api.post(f"/events/{event_id}/replay", key="again")
    assert replayed.status_code == 202
    assert (replayed.get_json()["state"], replayed.get_json()["attempts"]) == ("pending", 0)
    with runtime.database.system() as session:
        assert session.scalars(select(InboxEvent.state)).one() == "pending"
    assert api.post(f"/events/{event_id}/replay", key="again").get_json() == replayed.get_json()
    assert api.post(f"/events/{event_id}/replay").status_code == 409


def test_only_parked_events_can_be_replayed(api: Api, runtime: Runtime, shop: Shop) -> None:
    for number, state in enumerate(("pending", "done", "ignored")):
        event_id = receive(runtime, shop, number, state=state)
        assert api.post(f"/events/{event_id}/replay").status_code == 409, state


def test_an_unknown_event_is_not_replayed(api: Api) -> None:
    for event_id, status in (("99", 404), ("9223372036854775808", 404), ("x", 400), ("0", 400)):
        assert api.post(f"/events/{event_id}/replay").status_code == status, event_id


def test_a_parked_event_is_dismissed_for_good(api: Api, stranger: Api, runtime: Runtime, shop: Shop) -> None:
    event_id = receive(runtime, shop, 1, state="parked", reason="failed", error="x")
    path = f"/events/{event_id}/dismiss"
    assert stranger.post(path, {"note": "mine"}).status_code == 404
    assert api.post(path, {"note": " "}).status_code == 400
    dismissed = api.post(path, {"note": "a test shop of ours"}, key="d")
    assert (dismissed.status_code, dismissed.get_json()["state"]) == (200, "ignored")
    assert api.post(path, {"note": "a test shop of ours"}).status_code == 409
    assert api.post(f"/events/{event_id}/replay").status_code == 409
    audit = api.get("/audit").get_json()["data"]
    assert [(row["what"], row["subject"]) for row in audit] == [("event.dismissed", f"event:{event_id}")]
