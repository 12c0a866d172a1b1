"""Shops that cannot be reached: paused with a reason, looked at by one at a time, and back without anything lost."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import responses
from sqlalchemy import text

from app import clock, job_table, jobs
from app.changes import Changes
from app.orders.models import OrderReread
from app.reactions import react
from app.runtime import Runtime
from app.shopify.client import client_for
from app.shopify.errors import ShopPaused
from app.shopify.oauth import Tokens
from app.shops import connection, install, queries, tokens
from app.shops.models import Shop
from tests.shops.shopify_answers import GRAPHQL, SHOP_INFO

INFO = install.ShopInfo(7, "Demo", None, "USD", "UTC", None, None)
READ, CHANGE = "ShopInfo", "DiscountCodeDeactivate"


class Wall:
    """The machine's clock, turned by hand."""

    def __init__(self) -> None:
        self.now = datetime.fromisoformat("2026-11-21T12:00:00+00:00")

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    turned = Wall()
    monkeypatch.setattr(clock, "wall_now", lambda: turned.now)
    monkeypatch.setattr(clock, "now", lambda: turned.now)
    return turned


@pytest.fixture
def connected(runtime: Runtime, shop: Shop, wall: Wall) -> Shop:
    granted = Tokens("shpat_1", "read_orders")
    with runtime.database.shop(shop.id) as session:
        tokens.store(runtime.keyring, queries.shop(session, shop.id), granted)
    return shop


def standing(runtime: Runtime, shop: Shop) -> connection.Standing:
    with runtime.database.shop(shop.id) as session:
        return connection.standing(queries.shop(session, shop.id))


def ask(runtime: Runtime, shop: Shop, operation: str = READ) -> dict[str, Any]:
    return client_for(runtime, shop.id).execute(operation)


@pytest.mark.parametrize(("status", "reason"), [(402, "frozen"), (423, "locked"), (404, "closed")])
def test_a_shop_that_cannot_be_used_is_paused_and_says_why(
    runtime: Runtime, connected: Shop, wire: responses.RequestsMock, wall: Wall, status: int, reason: str
) -> None:
    wire.post(GRAPHQL, status=status)
    for _ in range(3):
        with pytest.raises(ShopPaused) as caught:
            ask(runtime, connected)
        assert caught.value.wait == 300.0
    assert len(wire.calls) == 1, "nobody else asks meanwhile"
    shown = standing(runtime, connected)
    assert (shown.state, shown.reason, shown.since) == ("paused", reason, wall.now)
    assert shown.looks_again_at == wall.now + timedelta(minutes=5)
    assert shown.words is not None


def test_one_caller_looks_whether_the_pause_is_over_and_the_distances_grow(
    runtime: Runtime, connected: Shop, wire: responses.RequestsMock, wall: Wall
) -> None:
    wire.post(GRAPHQL, status=402)
    waits = []
    for _ in range(9):
        for _ in range(2):
            with pytest.raises(ShopPaused) as caught:
                ask(runtime, connected)
        waits.append(caught.value.wait / 60)
        wall.later(seconds=caught.value.wait)
    assert waits == [5, 5, 10, 20, 40, 80, 160, 320, 360]
    assert len(wire.calls) == 9


def test_a_shop_that_answers_again_is_resumed_and_what_waited_is_due(
    runtime: Runtime, connected: Shop, wire: responses.RequestsMock, wall: Wall
) -> None:
    job_table.load()
    wire.post(GRAPHQL, status=402)
    with runtime.database.system() as session:
        react(session, Changes(rereads={(connected.id, 9)}))
    jobs.drain(runtime)
    with runtime.database.system() as session:
        [(args, at)] = session.execute(text("select args, scheduled_at from procrastinate_jobs")).all()
        assert (args, at) == (
            {"shop_id": connected.id, "order_id": 9, "attempt_": 0},
            wall.now + timedelta(minutes=5),
        ), "no attempt is counted"
        assert session.query(OrderReread).one().last_error == "ShopPaused"
    wall.later(minutes=6)
    wire.replace(responses.POST, GRAPHQL, json=SHOP_INFO)
    ask(runtime, connected)
    shown = standing(runtime, connected)
    assert (shown.state, shown.reason, shown.words, shown.since) == ("ok", None, None, None)
    with runtime.database.system() as session:
        assert session.scalar(text("select scheduled_at from procrastinate_jobs")) is None
        assert session.query(OrderReread).one().due_at <= wall.now


def test_a_refresh_that_meets_a_frozen_shop_pauses_it(
    runtime: Runtime, connected: Shop, wire: responses.RequestsMock, wall: Wall
) -> None:
    short = Tokens("shpat_1", "read_orders", wall.now + timedelta(minutes=2), "shprt_1", wall.now + timedelta(days=9))
    with runtime.database.shop(connected.id) as session:
        tokens.store(runtime.keyring, queries.shop(session, connected.id), short)
    wire.post("https://demo.myshopify.com/admin/oauth/access_token", status=402)
    with pytest.raises(ShopPaused):
        ask(runtime, connected)
    assert standing(runtime, connected).reason == "frozen"
    with runtime.database.shop(connected.id) as session:
        assert queries.shop(session, connected.id).refresh_lease_until is None


def test_opening_the_app_ends_a_pause(runtime: Runtime, connected: Shop, wire: responses.RequestsMock) -> None:
    wire.post(GRAPHQL, status=423)
    with pytest.raises(ShopPaused):
        ask(runtime, connected)
    install.install(runtime, connected.domain, Tokens("shpat_2", "read_orders"), INFO)
    assert standing(runtime, connected).state == "ok"


def test_a_changed_currency_pauses_what_would_change_anything_and_heals_when_it_is_changed_back(
    runtime: Runtime, connected: Shop, wire: responses.RequestsMock
) -> None:
    grant = Tokens("shpat_1", "read_orders")
    install.install(runtime, connected.domain, grant, INFO)
    euro = install.ShopInfo(7, "Demo", None, "EUR", "UTC", None, None)
    install.install(runtime, connected.domain, grant, euro)
    shown = standing(runtime, connected)
    assert (shown.state, shown.reason) == ("paused", "currency")
    assert "currency" in (shown.words or "")
    with pytest.raises(ShopPaused):
        ask(runtime, connected, CHANGE)
    assert len(wire.calls) == 0
    wire.post(GRAPHQL, json=SHOP_INFO)
    assert ask(runtime, connected)["shop"]["name"] == "Demo", "reading goes on"
    install.install(runtime, connected.domain, grant, euro)
    assert standing(runtime, connected).reason == "currency", "new tokens do not change a currency"
    install.install(runtime, connected.domain, grant, INFO)
    assert standing(runtime, connected).state == "ok"


WITHHELD = {
    "message": "This app is not approved to use the email field.",
    "path": ["shop", "email"],
    "extensions": {"code": "ACCESS_DENIED"},
}


def test_a_withheld_personal_field_is_null_and_noted_and_the_rest_is_an_answer(
    runtime: Runtime, connected: Shop, wire: responses.RequestsMock
) -> None:
    shown_to_us = {"shop": {**SHOP_INFO["data"]["shop"], "email": None}}
    wire.post(GRAPHQL, json={"data": shown_to_us, "errors": [WITHHELD]})
    assert ask(runtime, connected) == shown_to_us
    shown = standing(runtime, connected)
    assert (shown.state, shown.withheld) == ("ok", ("shop.email",))
    assert "shop.email" in (shown.withheld_words or "")
