"""A merchant installs Perennial: the development store as a process of its own, the app behind its public doors."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask.testing import FlaskClient

from app import clock
from app.config import Settings
from app.runtime import Runtime
from app.shopify import oauth
from app.shopify.client import client_for
from app.shopify.errors import Unauthorised
from app.shops import queries, tokens
from app.shops.models import Shop

ROOT = Path(__file__).resolve().parents[2]
SHOP = "demo.myshopify.com"
KEY, SECRET = "test-api-key", "shpss_test-secret-of-more-than-32-bytes"


@pytest.fixture(scope="module")
def dev_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running development store that knows one shop."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("dev-store")
    command = [sys.executable, "-m", "dev_store", "--home", str(home), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--app-url", "http://localhost:3000"],
        cwd=ROOT,
        env={**os.environ, "SHOPIFY_API_KEY": KEY, "SHOPIFY_API_SECRET": SECRET},
    )
    try:
        origin = f"http://127.0.0.1:{port}"
        _wait_for(process, origin)
        # Nobody listens at the app's address; what is delivered there has its own tests.
        requests.put(f"{origin}/_dev/delivery", json={"paused": True}, timeout=5).raise_for_status()
        yield origin
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_for(process: subprocess.Popen[bytes], origin: str) -> None:
    shop = {"domain": SHOP, "name": "Demo", "currency": "EUR", "timezone": "Europe/Berlin"}
    for _ in range(200):
        assert process.poll() is None, "the development store ended"
        try:
            requests.post(f"{origin}/_dev/shops", json=shop, timeout=5).raise_for_status()
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the development store did not start")


@pytest.fixture
def settings(settings: Settings, dev_store: str) -> Settings:
    return replace(settings, api_key=KEY, api_secret=SECRET, shopify_origin=f"{dev_store}/{{shop}}")


def by_code_grant(client: FlaskClient) -> str:
    """Installs as a browser would; returns where it ends up."""
    approval = client.get(f"/auth?shop={SHOP}").location
    assert "Install app" in requests.get(approval, timeout=10).text
    answer = requests.post(approval, timeout=10, allow_redirects=False)
    return client.get(_path(answer.headers["Location"])).location


def opened(client: FlaskClient, dev_store: str) -> str:
    """Opens the app from the store's admin; returns the page."""
    address = requests.get(f"{dev_store}/{SHOP}/admin/apps/{KEY}", timeout=10, allow_redirects=False)
    answer = client.get(_path(address.headers["Location"]))
    assert answer.status_code == 200
    return answer.text


def _path(address: str) -> str:
    parts = urlsplit(address)
    assert parts.netloc == "localhost:3000"
    return f"{parts.path}?{parts.query}"


def shop_of(runtime: Runtime) -> Shop:
    with runtime.database.system() as session:
        shop = queries.shop_by_domain(session, SHOP)
    assert shop is not None
    return shop


def test_by_code_grant(client: FlaskClient, runtime: Runtime, dev_store: str) -> None:
    assert by_code_grant(client) == f"{dev_store}/{SHOP}/admin/apps/{KEY}"
    shop = shop_of(runtime)
    assert (shop.name, shop.currency, shop.timezone, shop.state) == ("Demo", "EUR", "Europe/Berlin", "installed")
    assert "Demo is connected" in opened(client, dev_store)


def test_by_opening_the_app(client: FlaskClient, runtime: Runtime, dev_store: str) -> None:
    page = opened(client, dev_store)
    assert "Demo is connected" in page
    assert "not granted" not in page
    assert shop_of(runtime).refresh_token is not None


def test_tokens_rotate_as_long_as_the_app_is_installed(client: FlaskClient, runtime: Runtime, dev_store: str) -> None:
    opened(client, dev_store)
    shop_id = shop_of(runtime).id
    seen = set()
    for _ in range(3):
        with runtime.database.shop(shop_id) as session:
            queries.shop(session, shop_id).access_expires_at = clock.wall_now() + timedelta(minutes=1)
        seen.add(tokens.access(runtime, shop_id).token)
        assert client_for(runtime, shop_id).execute("ShopInfo")["shop"]["name"] == "Demo"
    assert len(seen) == 3


def test_a_refresh_whose_answer_was_lost_costs_nothing(client: FlaskClient, runtime: Runtime, dev_store: str) -> None:
    """As when a process is killed between Shopify's answer and our commit."""
    opened(client, dev_store)
    shop_id = shop_of(runtime).id
    old = tokens.access(runtime, shop_id)
    assert old.refresh_token is not None
    oauth.refresh(runtime.settings, SHOP, old.refresh_token)
    with runtime.database.shop(shop_id) as session:
        queries.shop(session, shop_id).access_expires_at = clock.wall_now()
    assert client_for(runtime, shop_id).execute("ShopInfo")["shop"]["name"] == "Demo"


def test_a_removed_app_is_noticed_and_the_next_open_heals_it(
    client: FlaskClient, runtime: Runtime, dev_store: str
) -> None:
    opened(client, dev_store)
    shop_id = shop_of(runtime).id
    requests.post(f"{dev_store}/_dev/shops/{SHOP}/uninstall", timeout=10).raise_for_status()
    with pytest.raises(Unauthorised):
        client_for(runtime, shop_id).execute("ShopInfo")
    assert shop_of(runtime).connection == "reauthorise"
    opened(client, dev_store)
    assert client_for(runtime, shop_id).execute("ShopInfo")["shop"]["name"] == "Demo"


def test_a_lost_answer_is_asked_for_again(client: FlaskClient, runtime: Runtime, dev_store: str) -> None:
    opened(client, dev_store)
    faults: list[dict[str, Any]] = [
        {"operation": "ShopInfo", "kind": kind} for kind in ("timeout_before", "500", "throttled")
    ]
    requests.put(f"{dev_store}/_dev/faults", json={"faults": faults}, timeout=10).raise_for_status()
    assert client_for(runtime, shop_of(runtime).id).execute("ShopInfo")["shop"]["name"] == "Demo"
    assert requests.get(f"{dev_store}/_dev/faults", timeout=10).json()["faults"] == []


def test_what_we_read_again_is_there(client: FlaskClient, runtime: Runtime, dev_store: str) -> None:
    opened(client, dev_store)
    ask = client_for(runtime, shop_of(runtime).id).execute

    def do(verb: str, **what: Any) -> int:
        answer = requests.post(f"{dev_store}/_dev/shops/{SHOP}/{verb}", json=what, timeout=10)
        answer.raise_for_status()
        return int(answer.json()["result"])

    customer_id = do("create_customer", email="eva@example.com", first_name="Eva")
    line = {"title": "Mug", "sku": "M1", "quantity": 2, "price": "12.50"}
    order_id = do("place_order", customer_id=customer_id, lines=[line], shipping="4.00")
    order = ask("OrderReread", {"id": f"gid://shopify/Order/{order_id}"})["order"]
    [bought] = order["lineItems"]["nodes"]
    refund_id = do("refund", id=order_id, lines={bought["id"].rsplit("/", 1)[1]: 1})
    order = ask("OrderReread", {"id": f"gid://shopify/Order/{order_id}"})["order"]
    assert order["currentSubtotalPriceSet"]["shopMoney"] == {"amount": "12.5", "currencyCode": "EUR"}
    assert [refund["legacyResourceId"] for refund in order["refunds"]] == [str(refund_id)]
    refund = ask("RefundReread", {"id": f"gid://shopify/Refund/{refund_id}"})["refund"]
    [returned] = refund["refundLineItems"]["nodes"]
    assert (returned["quantity"], returned["subtotalSet"]["shopMoney"]["amount"]) == (1, "12.5")
    customer = ask("CustomerReread", {"id": f"gid://shopify/Customer/{customer_id}"})["customer"]
    assert customer["defaultEmailAddress"]["emailAddress"] == "eva@example.com"
    installation = ask("CurrentAppInstallation")["currentAppInstallation"]
    assert "write_discounts" in {scope["handle"] for scope in installation["accessScopes"]}
