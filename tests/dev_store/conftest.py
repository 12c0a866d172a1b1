"""A shop of the development store in memory, with the app installed and every topic subscribed to."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from dev_store.commerce import Commerce, open_shop
from dev_store.config import AppConfig, Config, Subscription
from dev_store.state import State
from dev_store.webhooks.delivery import Delivery
from tests.dev_store.scene import NOON, SHOP, TOPICS, MakeConfig, MakeShop, Sent


@pytest.fixture
def make_config() -> MakeConfig:
    """A config whose app listens to every topic at one address."""

    def make(uri: str = "http://127.0.0.1:9/webhooks", **more: Any) -> Config:
        app = AppConfig("2026-10", tuple(Subscription(topic, uri) for topic in TOPICS))
        return Config(uri.removesuffix("/webhooks"), "key", "secret", app, **more)

    return make


@pytest.fixture
def state() -> Iterator[State]:
    state = State(None)
    yield state
    state.close()


@pytest.fixture
def delivery(state: State, make_config: MakeConfig) -> Delivery:
    return Delivery(state, make_config())


@pytest.fixture
def make_shop(state: State, delivery: Delivery) -> MakeShop:
    def make(domain: str = SHOP, *, installed: bool = True, **about: Any) -> Commerce:
        document = open_shop(state, domain, name="Tea", at=NOON, **about)
        if installed:
            document["_installed_at"] = NOON.isoformat()
            state.put(domain, "shop", document["id"], document)
        return Commerce(state, domain, delivery.outbox)

    return make


@pytest.fixture
def shop(make_shop: MakeShop) -> Commerce:
    """An American shop whose prices exclude a tax of nothing."""
    return make_shop()


@pytest.fixture
def sent(state: State) -> Sent:
    """What waits to be delivered, oldest first, as (topic, body)."""

    def read() -> list[tuple[str, dict[str, Any]]]:
        rows = state.rows("select topic, body from deliveries order by id")
        return [(topic, json.loads(zlib.decompress(body))) for topic, body in rows]

    return read
