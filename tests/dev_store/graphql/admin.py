"""The development store's Admin API as an app meets it, and the names its tests share."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from dev_store.commerce import Commerce, open_shop
from dev_store.config import AppConfig, Config, Subscription
from dev_store.store import DevStore
from dev_store.tokens import Tokens
from dev_store.web import create_app

SHOP = "tea.myshopify.com"
APP = "http://127.0.0.1:3000"
SECRET = "a client secret of more than 32 bytes"
SCOPES = ("write_customers", "read_orders", "write_discounts", "write_products")


@dataclass(frozen=True)
class Admin:
    """One installed shop; calling it asks a query with the app's token."""

    app: Flask
    client: FlaskClient
    token: str

    @property
    def store(self) -> DevStore:
        store: DevStore = self.app.extensions["dev_store"]
        return store

    @property
    def shop(self) -> Commerce:
        return self.store.commerce(SHOP)

    def __call__(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        response = self.post({"query": query, "variables": variables})
        assert response.status_code == 200
        body: dict[str, Any] = response.get_json()
        return body

    def data(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        body = self(query, **variables)
        assert "errors" not in body, body["errors"]
        data: dict[str, Any] = body["data"]
        return data

    def post(self, body: Any, version: str = "2026-10", **headers: str) -> Any:
        path = f"/{SHOP}/admin/api/{version}/graphql.json"
        return self.client.post(path, json=body, headers={"X-Shopify-Access-Token": self.token, **headers})


def install(scopes: tuple[str, ...] = SCOPES, topics: tuple[str, ...] = (), **about: Any) -> Admin:
    """A store in memory with one shop that has the app, which listens to these topics."""
    listened = tuple(Subscription(topic, f"{APP}/webhooks") for topic in topics)
    config = Config(APP, "key", SECRET, AppConfig("2026-10", listened, scopes, (), (f"{APP}/auth/callback",)))
    app = create_app(config)
    store: DevStore = app.extensions["dev_store"]
    open_shop(store.state, SHOP, name="Tea", at=datetime.now(UTC), **about)
    token = Tokens(store.state, SHOP).issue(list(scopes), expiring=True)["access_token"]
    return Admin(app, app.test_client(), token)
