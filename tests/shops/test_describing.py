"""What Shopify says of a shop is asked anew when it hints at a change: zone, currency, scopes, and what they allow."""

from typing import Any

import pytest
import responses
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from app import clock, job_table
from app.jobs import drain
from app.runtime import Runtime
from app.shopify.oauth import Tokens
from app.shops import describing, queries, scopes, tokens
from app.shops.models import Shop
from tests.shops.shopify_answers import GRAPHQL, SHOP_INFO
from tests.webhooks.deliveries import delivery, send
from webhooks.loop import InboxLoop


@pytest.fixture
def connected(runtime: Runtime, shop: Shop) -> Shop:
    job_table.load()
    with runtime.database.system() as session:
        row = session.get_one(Shop, shop.id)
        tokens.store(runtime.keyring, row, Tokens("shpat_1", "read_orders"))
        row.shopify_id, row.withheld = 5_000_000_000_001, ["customer.email"]
    return shop


def tell(wire: responses.RequestsMock, *granted: str, **changed: Any) -> None:
    """Shopify's answers: the shop, then the scopes."""
    wire.post(GRAPHQL, json={"data": {"shop": {**SHOP_INFO["data"]["shop"], "currencyCode": "USD", **changed}}})
    handles = [{"handle": scope} for scope in granted]
    wire.post(GRAPHQL, json={"data": {"currentAppInstallation": {"id": "x", "accessScopes": handles}}})


def row(runtime: Runtime, shop: Shop) -> Shop:
    with runtime.database.shop(shop.id) as session:
        return queries.shop(session, shop.id)


@pytest.mark.parametrize("topic", ["app/scopes_update", "shop/update"])
def test_a_hint_is_followed_by_one_question_however_often_it_comes(
    runtime: Runtime, connected: Shop, client: FlaskClient, wire: responses.RequestsMock, topic: str
) -> None:
    tell(wire, "read_orders", "read_all_orders", ianaTimezone="Asia/Tokyo", name="Renamed")
    assert scopes.lacking(row(runtime, connected), "order_history") == ("read_all_orders",)
    assert "60 days" in scopes.shortcomings(row(runtime, connected))["order_history"]
    for _ in range(3):
        # Bodies may be late and out of order, so nothing of them is believed.
        body = {"id": 5_000_000_000_001, "name": "Old", "currency": "CHF", "current": []}
        assert send(client, delivery(topic, body), shop=connected.domain) == 200
    InboxLoop(runtime).drain()
    drain(runtime)
    shop = row(runtime, connected)
    assert (shop.name, shop.timezone, shop.scopes) == ("Renamed", "Asia/Tokyo", "read_all_orders,read_orders")
    assert (scopes.shortcomings(shop), shop.withheld) == ({}, [])
    assert len(wire.calls) == 2


def test_every_reachable_shop_is_asked_once_a_day_and_a_paused_one_when_it_is_time(
    runtime: Runtime, connected: Shop
) -> None:
    def planned() -> int:
        with runtime.database.system() as session:
            found = session.execute(text("delete from procrastinate_jobs returning task_name")).scalars().all()
        assert set(found) <= {"shops.describe"}
        return len(found)

    describing.describe_all(runtime)
    assert planned() == 1
    with runtime.database.system() as session:
        paused = {"connection": "paused", "connection_reason": "frozen", "connection_retry_at": clock.wall_now()}
        session.execute(update(Shop).values(**paused))
    describing.describe_all(runtime)
    assert planned() == 0
    describing.look_again(runtime)
    assert planned() == 1
    with runtime.database.system() as session:
        session.execute(update(Shop).values(state="uninstalled", connection_retry_at=None))
        assert session.scalar(select(Shop.state)) == "uninstalled"
    describing.describe_all(runtime)
    describing.look_again(runtime)
    assert planned() == 0
