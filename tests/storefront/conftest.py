"""A shop of the development store with Perennial installed, both over HTTP, seen as a visitor sees it."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from app import clock
from app.config import Settings
from app.discounts.pools.models import CodePool
from app.factory import create_app
from app.jobs import drain
from app.popups.models import Popup
from app.runtime import Runtime
from app.shops.models import Shop
from app.storefront.routes import LOOP
from dev_store import web
from dev_store.commerce import Commerce, open_shop
from dev_store.config import Config, read_app_config
from dev_store.server import serving
from dev_store.store import DevStore
from tests.popups.conftest import make_popup
from webhooks.loop import InboxLoop
from webhooks.routes import EXTENSION

SHOP = "window.myshopify.com"
SECRET = "shpss_test-secret-of-more-than-32-bytes"
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Street:
    """The running application and the running store; `visit` is what a browser of the shop asks."""

    runtime: Runtime
    flask_app: Flask
    shop: Shop
    store: DevStore
    origin: str
    app_url: str

    @property
    def commerce(self) -> Commerce:
        return self.store.commerce(SHOP)

    def ask(self, path: str, json: Any = None, **more: Any) -> requests.Response:
        """Through the proxy: POST with a body, else GET."""
        url = f"{self.origin}/{SHOP}/apps/perennial/{path}"
        method = "GET" if json is None and "data" not in more else "POST"
        return requests.request(method, url, json=json, timeout=10, **more)

    def settle(self) -> None:
        """Let every webhook arrive and every job run."""
        assert self.store.delivery.drain(30)
        InboxLoop(self.runtime).drain()
        drain(self.runtime)

    def popup(self) -> Popup:
        """An active popup whose codes Shopify has made."""
        with self.runtime.database.shop(self.shop.id) as session:
            made = make_popup(session, self.shop.id)
            session.expunge(made)
        self.settle()
        with self.runtime.database.shop(self.shop.id) as session:
            assert session.scalars(select(CodePool.state)).one() == "ready"
        return made


@pytest.fixture
def app_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def dev_store(app_port: int) -> Iterator[tuple[str, DevStore]]:
    app_url = f"http://127.0.0.1:{app_port}"
    declared = read_app_config(ROOT / "shopify.app.toml", app_url)
    declared = replace(declared, redirect_urls=(f"{app_url}/auth/callback",))
    flask_app = web.create_app(Config(app_url, "test-api-key", SECRET, declared, port=0))
    store: DevStore = flask_app.extensions["dev_store"]
    open_shop(store.state, SHOP, name="Window", at=clock.now() - timedelta(days=1), currency="USD")
    with serving(flask_app) as origin:
        yield origin, store


@pytest.fixture
def settings(settings: Settings, dev_store: tuple[str, DevStore], app_port: int) -> Settings:
    origin, url = f"{dev_store[0]}/{{shop}}", f"http://127.0.0.1:{app_port}"
    return replace(settings, api_secret=SECRET, app_url=url, shopify_origin=origin)


@pytest.fixture
def street(runtime: Runtime, dev_store: tuple[str, DevStore], app_port: int) -> Iterator[Street]:
    flask_app = create_app(runtime)
    server = make_server("127.0.0.1", app_port, flask_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    origin, store = dev_store
    try:
        page = requests.get(f"{origin}/{SHOP}/admin/apps/test-api-key", timeout=10, allow_redirects=False)
        address = urlsplit(page.headers["Location"])
        assert flask_app.test_client().get(f"{address.path}?{address.query}").status_code == 200
        with runtime.database.system() as session:
            shop = session.scalars(select(Shop).where(Shop.domain == SHOP)).one()
        yield Street(runtime, flask_app, shop, store, origin, runtime.settings.app_url)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        flask_app.extensions[EXTENSION].close()
        flask_app.extensions[LOOP].close()
