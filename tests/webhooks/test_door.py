"""What the door accepts, refuses and keeps. `test_door_over_http` asks the same of the whole process."""

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from shopify_app import ShopifyApp
from sqlalchemy import text

from app.runtime import Runtime
from app.shops.models import Shop
from tests.shopify.signing import SECRET
from tests.webhooks.deliveries import delivery, order_body, send
from webhooks.body import open_body
from webhooks.door import Answer, Door
from webhooks.inbox import Inbox
from webhooks.room import Room
from webhooks.verification import sign, verify


def stored(runtime: Runtime) -> list[Any]:
    with runtime.database.system() as session:
        return list(
            session.execute(text("select topic, state, reason, webhook_id, body from inbox_events order by id"))
        )


def test_a_signed_delivery_is_stored_before_it_is_acknowledged(
    client: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    item = delivery("orders/create", order_body(1))
    assert send(client, item) == 200
    (row,) = stored(runtime)
    assert (row.topic, row.state) == ("orders/create", "pending")
    body = open_body(runtime.keyring, shop.domain, row.topic, row.webhook_id, bytes(row.body))
    assert b'"id": 1' in body


@pytest.mark.parametrize(
    "signature", [None, "", "Zm9yZ2Vk", "ü-not-ascii", "=" * 5000, sign(b"other", SECRET).decode()]
)
def test_a_forged_delivery_is_refused_and_nothing_is_stored(
    client: FlaskClient, runtime: Runtime, shop: Shop, signature: str | None
) -> None:
    headers = {"X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": shop.domain}
    if signature is not None:
        headers["X-Shopify-Hmac-Sha256"] = signature
    assert client.post("/webhooks", data=b"{}", headers=headers).status_code == 401
    assert stored(runtime) == []


def test_the_old_secret_still_counts_and_an_empty_one_never_does() -> None:
    body = b'{"id": 1}'
    assert verify(body, sign(body, "old").decode(), ("new", "old"))
    assert not verify(body, sign(body, "").decode(), ("",))
    assert not verify(body, sign(body, "older").decode(), ("new", "old"))


def test_an_independent_library_agrees_with_our_signatures() -> None:
    body = '{"id": 1}'
    signature = sign(body.encode(), SECRET).decode()
    oracle = ShopifyApp(client_id="test-api-key", client_secret=SECRET)
    for header, expected in ((signature, True), (base64.b64encode(b"x" * 32).decode(), False)):
        result = oracle.verify_webhook_req(
            {
                "method": "POST",
                "url": "https://app.example.com/webhooks",
                "headers": {"X-Shopify-Hmac-Sha256": header, "X-Shopify-Shop-Domain": "demo.myshopify.com"},
                "body": body,
            }
        )
        assert result.ok is expected
        assert verify(body.encode(), header, (SECRET,)) is expected


def test_the_same_delivery_again_is_acknowledged_and_stored_once(
    client: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    item = delivery("orders/create", order_body(1))
    assert [send(client, item) for _ in range(3)] == [200, 200, 200]
    assert len(stored(runtime)) == 1


def test_one_event_under_two_topics_is_two_deliveries(client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    item = delivery("orders/create", order_body(1))
    send(client, item)
    send(client, type(item)("orders/paid", item.body, item.triggered_at, item.webhook_id))
    assert [row.topic for row in stored(runtime)] == ["orders/create", "orders/paid"]


def test_an_unknown_shop_is_answered_and_not_kept(client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    assert send(client, delivery("orders/create", order_body(1)), shop="stranger.myshopify.com") == 200
    assert stored(runtime) == []


def test_deliveries_that_wait_together_are_all_stored(client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    items = [delivery("orders/create", order_body(number)) for number in range(1, 121)]
    flask_app = client.application
    with ThreadPoolExecutor(24) as threads:
        answers = list(threads.map(lambda item: send(flask_app.test_client(), item), items))
    assert answers == [200] * 120
    assert len(stored(runtime)) == 120


def test_a_body_of_five_megabytes_is_kept_and_a_larger_one_is_refused(
    client: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    raw = b'{"id": 1, "note": "' + b"x" * 5_000_000 + b'"}'
    assert send(client, delivery("orders/create", {}), raw=raw) == 200
    assert send(client, delivery("orders/create", {}), raw=raw * 2) == 413
    assert len(stored(runtime)) == 1


def test_no_answer_of_200_while_the_database_is_away(client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    with runtime.database.system() as session:
        session.execute(text("alter table inbox_events rename to inbox_events_away"))
    try:
        assert send(client, delivery("orders/create", order_body(1))) == 503
    finally:
        with runtime.database.system() as session:
            session.execute(text("alter table inbox_events_away rename to inbox_events"))
    assert send(client, delivery("orders/create", order_body(1))) == 200


def test_hostile_headers_are_stored_as_text_or_not_at_all(client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    raw = b"{}"
    headers = {
        "X-Shopify-Hmac-Sha256": sign(raw, SECRET).decode(),
        "X-Shopify-Shop-Domain": shop.domain.upper(),
        "X-Shopify-Topic": "o" * 5000,
        "X-Shopify-Webhook-Id": "\xff" * 300,
        "X-Shopify-Triggered-At": "the day before yesterday",
    }
    assert client.post("/webhooks", data=raw, headers=headers).status_code == 200
    (row,) = stored(runtime)
    assert row.topic.startswith("sha256:")
    del headers["X-Shopify-Topic"]
    assert client.post("/webhooks", data=raw, headers=headers).status_code == 200
    assert len(stored(runtime)) == 1


class Told(dict[str, str]):
    """Headers as the door wants them."""

    def get_all(self, key: str) -> list[str]:
        return [self[key]] if key in self else []


class Sent:
    """A body that came at once."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    async def __call__(self) -> bytes:
        return self._raw

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._raw


def told(raw: bytes, webhook_id: str) -> Mapping[str, str]:
    return {
        "X-Shopify-Hmac-Sha256": sign(raw, SECRET).decode(),
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Shop-Domain": "demo.myshopify.com",
        "X-Shopify-Webhook-Id": webhook_id,
        "Content-Length": str(len(raw)),
    }


async def knock(door: Door, raw: bytes, names: list[str]) -> list[Answer]:
    """All at the same moment."""
    return await asyncio.gather(*(door.answer(Told(told(raw, name)), Sent(raw)) for name in names))


@pytest.mark.parametrize(("room", "raw"), [(Room(deliveries=3), b"{}"), (Room(size=300), b'{"id":1234}' * 9)])
def test_what_waits_is_bounded_in_number_and_in_bytes(runtime: Runtime, shop: Shop, room: Room, raw: bytes) -> None:
    async def crowd() -> list[Answer]:
        door = Door(Inbox(runtime.database, runtime.keyring, room), (SECRET,), patience=0.5)
        with runtime.database.system() as session:
            session.execute(text("lock table inbox_events in access exclusive mode"))
            answers = await knock(door, raw, [f"w-{number}" for number in range(20)])
        answers += await knock(door, raw, ["after"])
        await door.inbox.close()
        return answers

    answers = Counter((answer.status, answer.outcome) for answer in asyncio.run(crowd()))
    assert answers == {(503, "full"): 17, (503, "late"): 3, (200, "stored"): 1}
    assert (room.deliveries, room.held) == (0, 0)


def test_a_delivery_that_cannot_be_stored_costs_its_neighbours_nothing(runtime: Runtime, shop: Shop) -> None:
    with runtime.database.system() as session:
        session.execute(text(_NOT_THIS_ONE))
    inbox = Inbox(runtime.database, runtime.keyring)

    async def neighbours() -> list[Answer]:
        answers = await knock(Door(inbox, (SECRET,)), b"{}", [f"w-{number}" for number in range(20)])
        await inbox.close()
        return answers

    try:
        answers = asyncio.run(neighbours())
    finally:
        with runtime.database.system() as session:
            session.execute(text("drop function not_this_one cascade"))
    assert [number for number, answer in enumerate(answers) if answer.status != 200] == [13]
    assert answers[13].status == 503
    assert len(stored(runtime)) == 19


_NOT_THIS_ONE = """
create function not_this_one() returns trigger language plpgsql as
$$ begin if new.webhook_id = 'w-13' then raise exception 'not this one'; end if; return new; end $$;
create trigger not_this_one before insert on inbox_events for each row execute function not_this_one();
"""
