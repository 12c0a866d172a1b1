"""A shop connected to a development store that really answers over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from app import clock
from app.orders.snapshot import OrderSnapshot
from app.runtime import Runtime
from app.shops.models import Shop
from app.shops.secrets import seal
from dev_store.commerce import Commerce, open_shop
from dev_store.config import AppConfig, Config
from dev_store.server import serving
from dev_store.store import DevStore
from dev_store.tokens import Tokens
from dev_store.web import create_app

SCOPES = ["read_orders", "read_customers", "read_products", "read_discounts", "write_discounts", "write_customers"]


@dataclass
class Shopify:
    """The development store's side of the shop, and the application's runtime that talks to it."""

    runtime: Runtime
    shop: Shop
    store: DevStore
    commerce: Commerce

    def document(self, order_id: int) -> dict[str, Any]:
        """The order as its next webhook would carry it."""
        document = self.store.state.get(self.shop.domain, "order", order_id)
        assert document is not None
        return document


@pytest.fixture
def connected(runtime: Runtime, shop: Shop) -> Iterator[Shopify]:
    """A shop of the development store in which the application is installed."""
    config = Config("http://127.0.0.1:9", "key", "secret", AppConfig("2026-10", ()), port=0)
    app = create_app(config)
    store: DevStore = app.extensions["dev_store"]
    open_shop(store.state, shop.domain, name="Demo", at=clock.now(), currency=shop.currency, tax_rate="0.1")
    token = Tokens(store.state, shop.domain).issue(SCOPES, expiring=False)["access_token"]
    with runtime.database.system() as session:
        session.merge(shop).access_token = seal(runtime.keyring, shop.id, "access_token", token.encode())
    with serving(app) as origin:
        talking = replace(runtime, settings=replace(runtime.settings, shopify_origin=f"{origin}/{{shop}}"))
        yield Shopify(talking, shop, store, store.commerce(shop.domain))


def without_source(snapshot: OrderSnapshot, triggered_at: datetime) -> OrderSnapshot:
    """The snapshot without what only webhooks tell."""
    unsaid: dict[str, Any] = {"landing_site": None, "landing_ref": None, "address_digest": None, "location_id": None}
    return replace(snapshot, triggered_at=triggered_at, **unsaid)
