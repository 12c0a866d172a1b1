"""A member's points become a code and the code is used, while the development store misbehaves in every way it can.

Every door is the public one: OAuth, webhooks over HTTP, the API with a key, the store's own checkout.
"""

import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.serving import make_server

from app import clock
from app.api.keys import create_key
from app.config import Settings
from app.discounts.jobs import sweep
from app.discounts.models import DiscountCode
from app.factory import create_app
from app.jobs import drain
from app.loyalty.models import Reward
from app.loyalty.verify import verify
from app.runtime import Runtime
from app.shops import queries
from dev_store import web
from dev_store.commerce import CheckoutRefused, Commerce, OrderLine, open_shop
from dev_store.config import Config, read_app_config
from dev_store.faults import Fault, Kind
from dev_store.server import serving
from dev_store.store import DevStore
from webhooks.loop import InboxLoop
from webhooks.routes import EXTENSION

SHOP = "demo.myshopify.com"
SECRET = "shpss_test-secret-of-more-than-32-bytes"
APP_CONFIG = Path(__file__).resolve().parents[2] / "shopify.app.toml"
ANNOYANCES = [None, Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER, Kind.SERVER_ERROR, Kind.THROTTLED, Kind.TOO_MANY_REQUESTS]
LOOK_UP, CREATE = "CodeDiscountNodeByCode", "DiscountCodeBasicCreate"


@dataclass
class World:
    """The running application and the running store, and what a member does between them."""

    runtime: Runtime
    client: FlaskClient
    store: DevStore
    commerce: Commerce
    member: int
    key: str

    def buy(self, price: str, *codes: str, customer: int | None = None) -> int:
        line = OrderLine(title="Tea", quantity=1, price=price)
        order = self.commerce.place_order(
            at=clock.now(), customer_id=customer or self.member, lines=[line], discount_codes=list(codes)
        )
        self.settle()
        return order

    def settle(self) -> None:
        """Let every webhook arrive and every job run, pauses cut short."""
        assert self.store.delivery.drain(30)
        InboxLoop(self.runtime).drain()
        for _ in range(3):
            drain(self.runtime)
            with self.runtime.database.system() as session:
                due = update(DiscountCode).where(DiscountCode.due_at.is_not(None))
                session.execute(due.values(due_at=clock.wall_now()))
            sweep(self.runtime)
        drain(self.runtime)

    def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": str(uuid.uuid4())}
        answer = self.client.open(f"/api/v1/customers/{self.member}{path}", method=method, headers=headers, **more)
        assert answer.status_code < 300, answer.text
        document: dict[str, Any] = answer.get_json()
        return document

    def redeem(self) -> dict[str, Any]:
        with self.runtime.database.system() as session:
            reward = session.query(Reward).one().id
        return self.ask("POST", "/redemptions", json={"reward_id": str(reward)})

    def codes_at_the_store(self) -> list[str]:
        """Every code that any discount of the store carries."""
        discounts = self.store.state.all(SHOP, "discount")
        return sorted(entry["code"] for discount in discounts for entry in discount["codes"])


@pytest.fixture
def app_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def dev_store(app_port: int) -> Iterator[tuple[str, DevStore]]:
    app_url = f"http://localhost:{app_port}"
    config = Config(app_url, "test-api-key", SECRET, read_app_config(APP_CONFIG, app_url), port=0)
    app = web.create_app(replace(config, app=_returning_to(config, app_url)))
    store: DevStore = app.extensions["dev_store"]
    open_shop(store.state, SHOP, name="Demo", at=clock.now() - timedelta(days=1))
    with serving(app) as origin:
        yield origin, store


def _returning_to(config: Config, app_url: str) -> Any:
    return replace(config.app, redirect_urls=(f"{app_url}/auth/callback",))


@pytest.fixture
def settings(settings: Settings, dev_store: tuple[str, DevStore], app_port: int) -> Settings:
    origin = f"{dev_store[0]}/{{shop}}"
    return replace(settings, api_secret=SECRET, app_url=f"http://localhost:{app_port}", shopify_origin=origin)


@pytest.fixture
def world(runtime: Runtime, dev_store: tuple[str, DevStore], app_port: int) -> Iterator[World]:
    app = create_app(runtime)
    server = make_server("127.0.0.1", app_port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    origin, store = dev_store
    try:
        yield _installed(runtime, app.test_client(), origin, store)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions[EXTENSION].close()


def _installed(runtime: Runtime, client: FlaskClient, origin: str, store: DevStore) -> World:
    """The merchant opens the app, and a first member buys for 1,000.00."""
    page = requests.get(f"{origin}/{SHOP}/admin/apps/test-api-key", timeout=10, allow_redirects=False)
    address = urlsplit(page.headers["Location"])
    assert client.get(f"{address.path}?{address.query}").status_code == 200
    with runtime.database.system() as session:
        shop = queries.shop_by_domain(session, SHOP)
        assert shop is not None
        key = create_key(session, shop.id, "scenario")
    commerce = store.commerce(SHOP)
    member = commerce.create_customer(at=clock.now(), email="ada@shop.example", first_name="Ada")
    world = World(runtime, client, store, commerce, member, key)
    world.buy("1000.00")
    return world


@pytest.mark.requirement(12, partly=True)
def test_codes_are_issued_once_whatever_the_store_does(world: World) -> None:
    redemptions = []
    for annoyance in ANNOYANCES:
        faults = [Fault(operation, annoyance) for operation in (CREATE, LOOK_UP)] if annoyance else []
        world.store.faults.replace(faults)
        redemptions.append(world.redeem())
        world.settle()
    seen = [world.ask("GET", f"/redemptions/{redemption['id']}") for redemption in redemptions]
    assert [redemption["state"] for redemption in seen] == ["issued"] * len(ANNOYANCES)
    assert sorted(redemption["code"] for redemption in seen) == world.codes_at_the_store()
    assert world.ask("GET", "")["points"]["balance"] == 1000 - 100 * len(ANNOYANCES)
    with world.runtime.database.system() as session:
        assert verify(session).disagreements == ()


@pytest.mark.requirement(13, partly=True)
@pytest.mark.requirement(16, partly=True)
@pytest.mark.requirement(74, partly=True)
@pytest.mark.requirement(77, partly=True)
def test_a_code_works_once_and_for_its_member_only(world: World) -> None:
    redemption = world.redeem()
    world.settle()
    code = world.ask("GET", f"/redemptions/{redemption['id']}")["code"]
    stranger = world.commerce.create_customer(at=clock.now(), email="eve@shop.example")
    with pytest.raises(CheckoutRefused):
        world.buy("50.00", code, customer=stranger)
    order = world.buy("50.00", code.lower())
    assert world.ask("GET", f"/redemptions/{redemption['id']}")["state"] == "used"
    assert world.ask("GET", "")["points"]["balance"] == 1000 - 100 + 45, "points for what was paid"
    with pytest.raises(CheckoutRefused):
        world.buy("50.00", code)
    world.commerce.cancel(order, at=clock.now())
    world.settle()
    assert world.ask("GET", f"/redemptions/{redemption['id']}")["state"] == "used", "a cancelled order still used it"
    assert world.ask("GET", "")["points"]["balance"] == 1000, "what the order had cost in points is back as well"


@pytest.mark.parametrize("annoyance", [None, Kind.TIMEOUT_AFTER])
def test_an_unused_code_given_back_is_worth_its_points_and_nothing_else(world: World, annoyance: Kind | None) -> None:
    redemption = world.redeem()
    world.settle()
    code = world.ask("GET", f"/redemptions/{redemption['id']}")["code"]
    world.store.faults.replace([Fault("DiscountCodeDeactivate", annoyance)] if annoyance else [])
    assert world.ask("DELETE", f"/redemptions/{redemption['id']}")["state"] == "cancelling"
    world.settle()
    assert world.ask("GET", f"/redemptions/{redemption['id']}")["state"] == "cancelled"
    assert world.ask("GET", "")["points"]["balance"] == 1000
    with pytest.raises(CheckoutRefused):
        world.buy("50.00", code)


def test_a_code_used_while_it_is_being_given_back_keeps_its_points_spent(world: World) -> None:
    redemption = world.redeem()
    world.settle()
    code = world.ask("GET", f"/redemptions/{redemption['id']}")["code"]
    assert world.ask("DELETE", f"/redemptions/{redemption['id']}")["state"] == "cancelling"
    world.buy("50.00", code)  # before the worker came to it
    assert world.ask("GET", f"/redemptions/{redemption['id']}")["state"] == "used"
    assert world.ask("GET", "")["points"]["balance"] == 945
