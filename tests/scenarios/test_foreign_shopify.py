"""The whole loop against a server that is not ours and knows Shopify's published schema only."""

import hashlib
import hmac
import json
import uuid
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask.testing import FlaskClient

from app import clock
from app.api.keys import create_key
from app.config import Settings
from app.jobs import drain
from app.orders.models import Order
from app.orders.reread import reread_order
from app.runtime import Runtime
from app.shopify.operations import load
from app.shops import queries, tokens
from app.shops.models import Shop
from tests.foreign_shopify import ForeignShopify
from tests.shopify.signing import SECRET, id_token
from webhooks.loop import InboxLoop

SHOP = "elsewhere.myshopify.com"
CUSTOMER, ORDER = 9007199254740993, 9007199254740995  # beyond what a float holds


@pytest.fixture
def foreign() -> Iterator[ForeignShopify]:
    with ForeignShopify(client_secret=SECRET) as server:
        yield server


@pytest.fixture
def settings(settings: Settings, foreign: ForeignShopify) -> Settings:
    return replace(settings, api_secret=SECRET, shopify_origin=foreign.origin_template)


@pytest.fixture
def shop(client: FlaskClient, runtime: Runtime) -> Shop:
    """Installed by code grant, as a browser would."""
    approval = client.get(f"/auth?shop={SHOP}").location
    back = urlsplit(requests.get(approval, timeout=10, allow_redirects=False).headers["Location"])
    assert client.get(f"{back.path}?{back.query}").status_code == 302
    return installed(runtime)


def installed(runtime: Runtime) -> Shop:
    with runtime.database.system() as session:
        shop = queries.shop_by_domain(session, SHOP)
    assert shop is not None
    return shop


def deliver(client: FlaskClient, runtime: Runtime, topic: str, body: dict[str, Any]) -> None:
    raw = json.dumps(body).encode()
    headers = {
        "X-Shopify-Hmac-Sha256": b64encode(hmac.new(SECRET.encode(), raw, hashlib.sha256).digest()).decode(),
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-Triggered-At": clock.now().isoformat(),
    }
    assert client.post("/webhooks", data=raw, headers=headers).status_code == 200
    InboxLoop(runtime).drain()


def paid_order(total: str) -> dict[str, Any]:
    now = clock.now().isoformat()
    return {
        "id": ORDER,
        "currency": "USD",
        "created_at": now,
        "processed_at": now,
        "updated_at": now,
        "financial_status": "paid",
        "subtotal_price": total,
        "current_subtotal_price": total,
        "total_price": total,
        "customer": {"id": CUSTOMER},
        "line_items": [],
        "refunds": [],
        "discount_codes": [],
    }


def test_installing_by_code_grant(shop: Shop) -> None:
    assert (shop.name, shop.currency, shop.timezone) == ("A name", "USD", "Europe/Helsinki")


def test_installing_by_opening_the_app(client: FlaskClient, runtime: Runtime) -> None:
    answer = client.get("/", query_string={"id_token": id_token(SHOP), "shop": SHOP})
    assert answer.status_code == 200
    assert "A name is connected" in answer.text


def test_refreshing_its_token(shop: Shop, runtime: Runtime, foreign: ForeignShopify) -> None:
    with runtime.database.shop(shop.id) as session:
        queries.shop(session, shop.id).access_expires_at = clock.wall_now() + timedelta(minutes=1)
    assert tokens.access(runtime, shop.id).token == "foreign-access-token"
    assert foreign.requests[-1].body["grant_type"] == "refresh_token"


def test_an_order_becomes_points_becomes_a_code(
    client: FlaskClient, shop: Shop, runtime: Runtime, foreign: ForeignShopify
) -> None:
    deliver(client, runtime, "orders/paid", paid_order("250.00"))
    with runtime.database.shop(shop.id) as session:
        key = create_key(session, shop.id, "test")
    headers = {"Authorization": f"Bearer {key}"}
    [reward] = client.get("/api/v1/rewards", headers=headers).get_json()["data"]
    path = f"/api/v1/customers/{CUSTOMER}"
    redeemed = client.post(
        f"{path}/redemptions",
        json={"reward_id": reward["id"]},
        headers={**headers, "Idempotency-Key": str(uuid.uuid4())},
    )
    assert redeemed.status_code < 300, redeemed.text
    drain(runtime)
    [asked] = [
        one for one in foreign.requests if one.body and one.body.get("operationName") == "DiscountCodeBasicCreate"
    ]
    sent = next(iter(asked.body["variables"].values()))
    assert sent["context"] == {"customers": {"add": [f"gid://shopify/Customer/{CUSTOMER}"]}}
    assert "customerSelection" not in sent
    customer = client.get(path, headers=headers).get_json()
    assert customer["points"]["balance"] == 150


def test_an_order_is_read_again(shop: Shop, runtime: Runtime) -> None:
    reread_order(runtime, shop_id=shop.id, order_id=ORDER)
    with runtime.database.shop(shop.id) as session:
        order = session.get(Order, (shop.id, ORDER))
    assert order is not None
    assert (order.currency, order.current_subtotal_minor) == ("USD", 1250)


def test_nothing_is_asked_for_that_is_not_one_of_our_files(
    client: FlaskClient, shop: Shop, runtime: Runtime, foreign: ForeignShopify
) -> None:
    deliver(client, runtime, "orders/paid", paid_order("10.00"))
    reread_order(runtime, shop_id=shop.id, order_id=ORDER)
    sent = [one.body for one in foreign.requests if one.path.endswith("/graphql.json")]
    assert sent
    assert [body["query"] for body in sent] == [load(body["operationName"]).text for body in sent]
