"""Two processes refresh one shop's token, again and again, and some die on the way: no token is ever lost.

The development store keeps Shopify's promise and no more than it: a refresh token works until its replacement is used.
"""

import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
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
ROOT = Path(__file__).resolve().parents[2]


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


def process(runtime: Runtime, shop_id: int) -> subprocess.Popen[str]:
    """A refresher of its own, ready."""
    settings = runtime.settings
    assert settings.database_url is not None
    origin = settings.shopify_origin.removesuffix("/{shop}")
    arguments = [str(settings.home), settings.database_url, origin, settings.api_key, settings.api_secret]
    command = [sys.executable, "-m", "tests.shops.refresher", *arguments, str(shop_id)]
    made = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert heard(made) == "ready"
    return made


def heard(refresher: subprocess.Popen[str]) -> str:
    assert refresher.stdout is not None
    return refresher.stdout.readline().strip()


def wanted(refresher: subprocess.Popen[str]) -> str:
    """It needs a token; returns the first that is heard of it."""
    assert refresher.stdin is not None
    refresher.stdin.write("\n")
    refresher.stdin.flush()
    return heard(refresher)


def killed_between_answer_and_commit(runtime: Runtime, shop_id: int) -> None:
    """A process is gone for good while the new token is in its memory alone."""
    refresher = process(runtime, shop_id)
    expire(runtime, shop_id)
    assert wanted(refresher) == "answered"
    refresher.send_signal(signal.SIGKILL)
    assert refresher.wait() == -signal.SIGKILL
    for pipe in (refresher.stdin, refresher.stdout):
        assert pipe is not None
        pipe.close()


def lease_over(runtime: Runtime, shop_id: int) -> None:
    """Half a minute later."""
    with runtime.database.shop(shop_id) as session:
        queries.shop(session, shop_id).refresh_lease_until = clock.wall_now()


def test_a_refresher_that_is_killed_before_its_commit_loses_no_token(two: list[Runtime], shop: Shop) -> None:
    with two[0].database.shop(shop.id) as session:
        before = queries.shop(session, shop.id).refresh_token
    killed_between_answer_and_commit(two[0], shop.id)
    with two[0].database.shop(shop.id) as session:
        row = queries.shop(session, shop.id)
        assert (row.refresh_token, row.connection) == (before, "ok")
        assert row.refresh_lease_until is not None
        assert row.refresh_lease_until > clock.wall_now(), "the dead one's"
    lease_over(two[0], shop.id)
    assert client_for(two[1], shop.id).execute("ShopInfo")["shop"]["id"]
    with two[0].database.shop(shop.id) as session:
        row = queries.shop(session, shop.id)
        assert (row.connection, row.refresh_lease_until) == ("ok", None)
        assert row.refresh_token != before


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_refreshers_killed_a_hundred_times_before_their_commit_lose_no_token(two: list[Runtime], shop: Shop) -> None:
    for n in range(100):
        killed_between_answer_and_commit(two[0], shop.id)
        lease_over(two[0], shop.id)
        assert client_for(two[n % 2], shop.id).execute("ShopInfo")["shop"]["id"], f"round {n}"
    told = "100 processes were killed (SIGKILL) between Shopify's answer and their commit."
    write_section("Tokens of killed processes", f"{told} Tokens lost: 0.")


@pytest.mark.soak
def test_two_refreshers_never_lose_a_token_in_a_thousand_tries(
    two: list[Runtime], shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = race(two, shop.id, 1000, monkeypatch, deaths=0.1)
    assert died > 50
    told = f"1,000 times the hour ended for two refreshers; {died} of them died before they could commit."
    write_section("Tokens", f"{told} Tokens lost: 0.")
