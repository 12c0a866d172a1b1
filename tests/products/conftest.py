"""A shop in which things happen: its webhooks come in through the door, what the app asks is answered over HTTP."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text, update

from app import clock
from app.factory import create_app
from app.jobs import drain
from app.loyalty.models import RuleVersion
from app.loyalty.verify import verify
from app.runtime import Runtime
from app.shops.models import Shop
from app.shops.secrets import seal
from dev_store.commerce import Commerce, OrderLine, open_shop
from dev_store.config import AppConfig, Config, Subscription
from dev_store.server import serving
from dev_store.store import DevStore
from dev_store.tokens import Tokens
from dev_store.web import create_app as create_dev_store
from tests.shopify.signing import SECRET
from tests.webhooks.deliveries import Delivery, send
from tests.webhooks.reading_points import balance
from webhooks.loop import InboxLoop
from webhooks.routes import EXTENSION
from webhooks.topics import table

SCOPES = ["read_orders", "read_customers", "read_products", "read_discounts", "write_discounts"]


@dataclass
class Market:
    """The shop, the development store's side of it, and the application."""

    runtime: Runtime
    client: FlaskClient
    shop: Shop
    store: DevStore
    commerce: Commerce
    hours: int = 0
    loses_jobs: bool = False

    def use_rules(self, **rules: Any) -> None:
        """The program's one version says this from the beginning of time."""
        with self.runtime.database.system() as session:
            session.execute(update(RuleVersion).values(rules=rules))

    def hour_later(self) -> None:
        """The clock goes on, for everybody."""
        self.hours += 1
        clock.set_offset(self.runtime.settings.home, timedelta(hours=self.hours))

    def product(self, title: str = "Fern", *, tags: tuple[str, ...] = ()) -> int:
        """A product that the shop has had for a month."""
        at = clock.now() - timedelta(days=30)
        return self.commerce.create_product(at=at, title=title, tags=list(tags), variants=[{"price": "10.00"}])

    def customer(self, email: str = "ann@example.com") -> int:
        """Somebody new."""
        return self.commerce.create_customer(at=clock.now() - timedelta(days=2), email=email)

    def order(self, customer: int, *lines: OrderLine, at: datetime | None = None, **more: Any) -> int:
        """An order of an hour ago, or of another instant."""
        at = at or clock.now() - timedelta(hours=1)
        return self.commerce.place_order(at=at, customer_id=customer, lines=list(lines), **more)

    def waiting(self) -> list[Delivery]:
        """Webhooks that wait to be delivered."""
        found = self.store.state.rows("select topic, body, triggered_at, webhook_id from deliveries order by id")
        return [Delivery(t, orjson.loads(zlib.decompress(b)), datetime.fromisoformat(f"{at[:26]}+00:00"), i)
                for t, b, at, i in found]  # fmt: skip

    def deliver(self) -> None:
        """What waits comes in, and everything that follows is done."""
        waiting = self.waiting()
        self.store.state.change("delete from deliveries", [()])
        self.take(waiting)

    def take(self, deliveries: list[Delivery]) -> None:
        """These come in together, in this order."""
        for item in deliveries:
            assert send(self.client, item, shop=self.shop.domain) == 200
        InboxLoop(self.runtime).drain()
        self.work()
        with self.runtime.database.system() as session:
            assert verify(session).disagreements == ()

    def work(self) -> None:
        """Jobs are done, unless a test has lost them."""
        if self.loses_jobs:
            with self.runtime.database.system() as session:
                session.execute(text("delete from procrastinate_jobs"))
        drain(self.runtime)

    def points(self, customer: int) -> int:
        """What a customer has."""
        return balance(self.runtime, customer)


def line(price: str, quantity: int = 1, product: int | None = None, **more: Any) -> OrderLine:
    """A line of an order."""
    return OrderLine(title="Thing", quantity=quantity, price=price, product_id=product, **more)


@pytest.fixture
def market(runtime: Runtime, shop: Shop) -> Iterator[Market]:
    """Every topic is subscribed to; nothing is delivered before the test says so."""
    app = AppConfig("2026-10", tuple(Subscription(topic, "http://127.0.0.1:9/webhooks") for topic in sorted(table())))
    web = create_dev_store(Config("http://127.0.0.1:9", "key", SECRET, app, port=0))
    store: DevStore = web.extensions["dev_store"]
    store.delivery.change({"paused": True})
    document = open_shop(store.state, shop.domain, name="Demo", at=clock.now(), currency=shop.currency)
    store.state.put(shop.domain, "shop", document["id"], document | {"_installed_at": clock.now().isoformat()})
    token = Tokens(store.state, shop.domain).issue(SCOPES, expiring=False)["access_token"]
    with runtime.database.system() as session:
        session.merge(shop).access_token = seal(runtime.keyring, shop.id, "access_token", token.encode())
    with serving(web) as origin:
        talking = replace(runtime, settings=replace(runtime.settings, shopify_origin=f"{origin}/{{shop}}"))
        flask_app = create_app(talking)
        yield Market(talking, flask_app.test_client(), shop, store, store.commerce(shop.domain))
        flask_app.extensions[EXTENSION].close()
