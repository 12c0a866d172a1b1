"""What the door accepts, refuses and keeps."""

import base64
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
