"""Whatever goes wrong between a shop and us, the end is the one it would have been: same points, same codes, same sums.

One shop of one running development store for each fault, side by side; every shop lives through the same story, and the
first of them, without any fault, is what the others are held against.
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
from sqlalchemy import text
from werkzeug.serving import make_server

from app import clock, job_table
from app.api.keys import create_key
from app.config import Settings
from app.discounts.jobs import sweep
from app.factory import create_app
from app.jobs import drain
from app.loyalty.models import Reward
from app.loyalty.verify import verify
from app.orders.reread import plan_due
from app.runtime import Runtime
from app.shops import describing, queries
from dev_store import web
from dev_store.commerce import Commerce, OrderLine, open_shop
from dev_store.config import Config, read_app_config
from dev_store.faults import Fault, Kind
from dev_store.server import serving
from dev_store.store import DevStore
from tests.soak_page import write_section
from webhooks.loop import InboxLoop
from webhooks.routes import EXTENSION

SECRET = "shpss_test-secret-of-more-than-32-bytes"
APP_CONFIG = Path(__file__).resolve().parents[2] / "shopify.app.toml"
FOREVER = 10**9
PASSING = ["throttled", "429", "500", "503", "timeout_before", "timeout_after", "partial", "withheld"]
LASTING = ["frozen", "locked", "closed", "revoked"]
DELIVERY: dict[str, dict[str, Any]] = {
    "doubled": {"double": 1.0},
    "late": {"delay_seconds": 3600.0},
    "shuffled": {"shuffle": 50, "seed": 7},
    "dropped": {"drop": 1.0, "drop_of": "orders/edited,refunds/create,orders/paid"},
}


@dataclass
class World:
    runtime: Runtime
    client: FlaskClient
    store: DevStore
    origin: str


@dataclass
class Life:
    """One shop and its member, and what became of them."""

    world: World
    domain: str
    commerce: Commerce
    shop_id: int
    key: str
    member: int

    def settle(self) -> None:
        """Every webhook arrives, and every job and sweep runs."""
        runtime = self.world.runtime
        self.world.store.delivery.hurry()
        assert self.world.store.delivery.drain(30)
        for _ in range(2):
            InboxLoop(runtime).drain()
            with runtime.database.system() as session:
                session.execute(text("update discount_codes set due_at = :now where due_at is not null"), past())
                session.execute(text("update order_rereads set due_at = :now"), past())
                session.execute(text("update procrastinate_jobs set scheduled_at = null"))
            sweep(runtime)
            plan_due(runtime)
            drain(runtime)

    def time_passes(self) -> None:
        """Until paused shops are looked at again."""
        with self.world.runtime.database.system() as session:
            session.execute(text("update shops set connection_retry_at = :now where connection = 'paused'"), past())
        describing.look_again(self.world.runtime)

    def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": str(uuid.uuid4())}
        answer = self.world.client.open(
            f"/api/v1/customers/{self.member}{path}", method=method, headers=headers, **more
        )
        assert answer.status_code < 300, answer.text
        document: dict[str, Any] = answer.get_json()
        return document


def past() -> dict[str, Any]:
    """A moment ago, as the parameter of a statement."""
    return {"now": clock.wall_now() - timedelta(seconds=1)}


@pytest.fixture
def world(settings: Settings, database_url: str, tmp_path: Path) -> Iterator[World]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    app_url = f"http://localhost:{port}"
    config = Config(app_url, "test-api-key", SECRET, read_app_config(APP_CONFIG, app_url), port=0)
    config = replace(config, app=replace(config.app, redirect_urls=(f"{app_url}/auth/callback",)))
    store_app = web.create_app(config)
    with serving(store_app) as origin:
        from app.crypto import KeyRing
        from app.db import Database

        chosen = replace(settings, api_secret=SECRET, app_url=app_url, shopify_origin=f"{origin}/{{shop}}")
        runtime = Runtime(chosen, Database(database_url, application_name="tests"), KeyRing(settings.encryption_keys))
        app = create_app(runtime)
        server = make_server("127.0.0.1", port, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield World(runtime, app.test_client(), store_app.extensions["dev_store"], origin)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            app.extensions[EXTENSION].close()
            runtime.database.dispose()


def opened(world: World, domain: str) -> None:
    """The merchant opens the app from the admin."""
    answer = requests.post(f"{world.origin}/_dev/shops/{domain}/id-token", timeout=10).json()
    address = urlsplit(answer["url"])
    assert world.client.get(f"{address.path}?{address.query}").status_code == 200


def begun(world: World, story: str) -> Life:
    """A shop of its own with a member who has bought for 1,000.00."""
    domain = f"{story.replace('_', '-')}.myshopify.com"
    open_shop(world.store.state, domain, name="Demo", at=clock.now() - timedelta(days=1))
    opened(world, domain)
    with world.runtime.database.system() as session:
        shop = queries.shop_by_domain(session, domain)
        assert shop is not None
        key = create_key(session, shop.id, "scenario")
    commerce = world.store.commerce(domain)
    member = commerce.create_customer(at=clock.now(), email="ada@shop.example", first_name="Ada")
    life = Life(world, domain, commerce, shop.id, key, member)
    buy(life, "1000.00")
    life.settle()
    return life


def buy(life: Life, price: str, *codes: str, pieces: int = 2) -> int:
    line = OrderLine(title="Tea", quantity=pieces, price=price)
    return life.commerce.place_order(at=clock.now(), customer_id=life.member, lines=[line], discount_codes=list(codes))


def lived(life: Life, story: str) -> dict[str, Any]:
    """Two rewards, an order that is edited, one that is partly refunded: with the fault in force all the while."""
    faults, store = life.world.store.faults, life.world.store
    if story in PASSING:
        times = FOREVER if story == "withheld" else 2
        names = ("DiscountCodeBasicCreate", "CodeDiscountNodeByCode", "OrderReread", "ShopInfo")
        faults.replace([Fault(name, Kind(story), times=times, shop=life.domain) for name in names])
    if story in LASTING:
        faults.replace([Fault("*", Kind(story), times=FOREVER, shop=life.domain)])
    store.delivery.change(DELIVERY.get(story, {}))
    with life.world.runtime.database.system() as session:
        reward = session.query(Reward).filter_by(shop_id=life.shop_id).one().id
    redeemed = [life.ask("POST", "/redemptions", json={"reward_id": str(reward)}) for _ in range(2)]
    edited, refunded = buy(life, "50.00"), buy(life, "30.00", pieces=3)
    line = line_of(life, refunded)
    life.commerce.refund(refunded, at=clock.now(), lines={line: 1})
    line = line_of(life, edited)
    life.commerce.edit_order(edited, at=clock.now(), remove={line: 1})
    life.settle()
    during = standing(life)
    store.delivery.change({"double": 0.0, "drop": 0.0, "drop_of": "", "delay_seconds": 0.0, "shuffle": 0})
    if story != "withheld":
        faults.replace([])
    if story == "revoked":
        assert during == ("reauthorise", "tokens")
        opened(life.world, life.domain)
    elif story in LASTING:
        assert during == ("paused", story)
        life.time_passes()
    for _ in range(3):
        life.settle()
    faults.replace([])
    assert standing(life) == ("ok", None)
    return ended(life, [redemption["id"] for redemption in redeemed])


def line_of(life: Life, order: int) -> int:
    document = life.world.store.state.get(life.domain, "order", order)
    assert document is not None
    [line] = document["line_items"]
    return int(line["id"])


def standing(life: Life) -> tuple[str, str | None]:
    with life.world.runtime.database.shop(life.shop_id) as session:
        shop = queries.shop(session, life.shop_id)
        return shop.connection, shop.connection_reason


def ended(life: Life, redemptions: list[str]) -> dict[str, Any]:
    """All that a member, a merchant or an auditor could compare, without what is each shop's own."""
    states = [life.ask("GET", f"/redemptions/{one}") for one in redemptions]
    discounts = life.world.store.state.all(life.domain, "discount")
    at_the_store = sorted(entry["code"] for discount in discounts for entry in discount["codes"])
    sums = (
        """select count(*), sum(current_subtotal_minor), count(*) filter (where paid) from orders where shop_id = :s"""
    )
    with life.world.runtime.database.system() as session:
        assert verify(session, life.shop_id).disagreements == ()
        refunds = session.scalar(text("select count(*) from refunds where shop_id = :s"), {"s": life.shop_id})
        orders = tuple(session.execute(text(sums), {"s": life.shop_id}).one())
        waiting = session.scalar(text("select count(*) from order_rereads where shop_id = :s"), {"s": life.shop_id})
    return {
        "points": life.ask("GET", "")["points"],
        "states": [state["state"] for state in states],
        "codes are those of the store": sorted(state["code"] for state in states) == at_the_store,
        "orders": orders,
        "refunds": refunds,
        "orders to read": waiting,
    }


def all_end_alike(world: World, stories: list[str]) -> None:
    job_table.load()
    ends = {story: lived(begun(world, story), story) for story in ["nothing", *stories]}
    wanted = ends.pop("nothing")
    assert wanted["states"] == ["issued", "issued"]
    assert wanted["codes are those of the store"]
    assert wanted["orders"] == (3, 200_000 + 5_000 + 6_000, 3)
    assert {story: end for story, end in ends.items() if end != wanted} == {}


def test_the_worst_faults_end_as_if_they_had_not_happened(world: World) -> None:
    all_end_alike(world, ["timeout_after", "frozen"])


@pytest.mark.soak
def test_every_fault_ends_as_if_it_had_not_happened(world: World) -> None:
    all_end_alike(world, [*PASSING, *LASTING, *DELIVERY])
    told = ", ".join([*PASSING, *LASTING, *DELIVERY])
    write_section("Faults", f"A shop for each; points, codes and sums end as those of a shop without a fault: {told}.")
