"""The store as a process of its own: killed with deliveries waiting, started again, nothing lost."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.dev_store.receiver import receiving
from tests.dev_store.scene import SHOP

ROOT = Path(__file__).resolve().parents[2]
TOML = """
[webhooks]
api_version = "2026-10"
[[webhooks.subscriptions]]
topics = ["orders/create", "customers/create"]
uri = "/webhooks"
"""
EXCHANGE = {
    "client_id": "key",
    "client_secret": "secret",
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
    "expiring": "1",
}


@contextmanager
def running(home: Path, app_url: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A store that answers; killed at the end if nobody else did."""
    toml = home.parent / "shopify.app.toml"
    toml.write_text(TOML, "utf-8")
    command = [sys.executable, "-m", "dev_store", "--home", str(home), "--port", str(port)]
    command += ["--app-url", app_url, "--app-config", str(toml)]
    environment = {**os.environ, "SHOPIFY_API_KEY": "key", "SHOPIFY_API_SECRET": "secret"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_dev/")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_a_killed_store_goes_on_where_it_stopped(tmp_path: Path) -> None:
    port = _free_port()
    control = f"http://127.0.0.1:{port}/_dev"
    with receiving() as receiver:
        app_url = receiver.uri.removesuffix("/webhooks")
        receiver.answer = lambda _: 503
        with running(tmp_path / "home", app_url, port) as process:
            _post(f"{control}/shops", domain=SHOP)
            _install(port)
            _post(f"{control}/shops/{SHOP}/create_customer", email="ann@example.com")
            _post(f"{control}/shops/{SHOP}/place_order", lines=[{"title": "Mug", "quantity": 1, "price": "1.00"}])
            _until(lambda: requests.get(f"{control}/delivery/stats", timeout=5).json()["retrying"] == 2)
            process.send_signal(signal.SIGKILL)
        receiver.answer = lambda _: 200
        before = {got.webhook_id for got in receiver.got}
        receiver.got.clear()
        with running(tmp_path / "home", app_url, port) as process:
            assert _post(f"{control}/delivery/drain", hurry=True, timeout_seconds=10)["empty"]
            process.terminate()
            assert process.wait(10) == 0
    assert {got.webhook_id for got in receiver.got} == before
    assert len(receiver.got) == 2


def _install(port: int) -> None:
    """By token exchange, as when the merchant opens the app."""
    token = _post(f"http://127.0.0.1:{port}/_dev/shops/{SHOP}/id-token")["id_token"]
    _post(f"http://127.0.0.1:{port}/{SHOP}/admin/oauth/access_token", **EXCHANGE, subject_token=token)


def _post(url: str, **body: Any) -> Any:
    answer = requests.post(url, json=body, timeout=15)
    assert answer.ok, answer.text
    return answer.json()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_for(url: str) -> None:
    def answers() -> bool:
        try:
            return requests.get(url, timeout=5).ok
        except requests.ConnectionError:
            return False

    _until(answers)


def _until(condition: Any) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("did not happen within 30 seconds")
