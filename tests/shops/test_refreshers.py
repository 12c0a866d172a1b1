"""Two processes refresh one shop's token, again and again, and some die on the way: no token is ever lost.

The development store keeps Shopify's promise and no more than it: a refresh token works until its replacement is used.
"""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app import clock
from app.crypto import KeyRing
from app.db import Database
from app.runtime import Runtime
from app.shopify import oauth
from app.shopify.client import client_for
from app.shops import queries, tokens
from app.shops.models import Shop
from dev_store.commerce import open_shop
from dev_store.config import AppConfig, Config
from dev_store.server import serving
from dev_store.store import DevStore
from dev_store.tokens import Tokens
from dev_store.web import create_app
from tests.soak_page import write_section

SCOPES = ["read_orders"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours runs after it."""


@pytest.fixture
def two(runtime: Runtime, shop: Shop, database_url: str) -> Iterator[list[Runtime]]:
    """Two processes with pools of their own, and a shop of a development store."""
    secret = runtime.settings.api_secret
    app = create_app(Config("http://127.0.0.1:9", "test-api-key", secret, AppConfig("2026-10", ()), port=0))
    store: DevStore = app.extensions["dev_store"]
    open_shop(store.state, shop.domain, name="Demo", at=clock.now())
    granted = Tokens(store.state, shop.domain).issue(SCOPES, expiring=True)
    with serving(app) as origin:
        settings = replace(runtime.settings, shopify_origin=f"{origin}/{{shop}}")
        ends = clock.wall_now() + timedelta(hours=1)
        first = oauth.Tokens(granted["access_token"], None, ends, granted["refresh_token"], ends + timedelta(days=90))
        with runtime.database.shop(shop.id) as session:
            tokens.store(runtime.keyring, queries.shop(session, shop.id), first)
        made = [Database(database_url, pool_size=2, application_name=f"refresher {n}") for n in range(2)]
        yield [Runtime(settings, database, KeyRing(settings.encryption_keys)) for database in made]
        for database in made:
            database.dispose()


def expire(runtime: Runtime, shop_id: int) -> None:
    """The hour is over."""
    with runtime.database.shop(shop_id) as session:
        queries.shop(session, shop_id).access_expires_at = clock.wall_now()


def race(two: list[Runtime], shop_id: int, rounds: int, monkeypatch: pytest.MonkeyPatch, *, deaths: float) -> int:
    """Both need a token in every round; with some chance one dies between Shopify's answer and its commit."""
    dice, died = random.Random(3), [0]
    settle: Callable[..., None] = tokens._settle

    def perhaps_die(runtime: Runtime, shop: int, lease: Any, granted: Any) -> None:
        if granted is not None and dice.random() < deaths:
            died[0] += 1
            raise Killed
        settle(runtime, shop, lease, granted)

    def refreshed(runtime: Runtime) -> bool:
        try:
            return bool(tokens.access(runtime, shop_id).token)
        except Killed:
            return False

    monkeypatch.setattr(tokens, "_settle", perhaps_die)
    # Nobody waits half a minute for a dead one here.
    monkeypatch.setattr(tokens, "LEASE", timedelta(seconds=0.5))
    with ThreadPoolExecutor(2) as pool:
        for n in range(rounds):
            expire(two[0], shop_id)
            if any(pool.map(refreshed, two)):
                assert client_for(two[n % 2], shop_id).execute("ShopInfo")["shop"]["id"], f"round {n}"
    return died[0]


def test_two_refreshers_never_lose_a_token(two: list[Runtime], shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert race(two, shop.id, 5, monkeypatch, deaths=0.3) > 0


@pytest.mark.soak
def test_two_refreshers_never_lose_a_token_in_a_thousand_tries(
    two: list[Runtime], shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = race(two, shop.id, 1000, monkeypatch, deaths=0.1)
    assert died > 50
    told = f"1,000 times the hour ended for two refreshers; {died} of them died before they could commit."
    write_section("Tokens", f"{told} Tokens lost: 0.")
