"""The operator's commands, as processes of their own."""

import base64
import os
import subprocess
import sys

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.config import Settings
from app.runtime import Runtime
from app.shops.models import Shop
from tests.webhooks.deliveries import delivery, order_body, send
from webhooks.loop import InboxLoop


@pytest.fixture
def perennial(settings: Settings) -> "Perennial":
    return Perennial(settings)


class Perennial:
    """Runs `perennial …` on the test's database and home."""

    def __init__(self, settings: Settings) -> None:
        self._environment = {
            **os.environ,
            "PERENNIAL_HOME": str(settings.home),
            "DATABASE_URL": settings.database_url or "",
            "PERENNIAL_DEV": "1",
            "PERENNIAL_ENCRYPTION_KEYS": base64.urlsafe_b64encode(settings.encryption_keys[0]).decode(),
        }

    def __call__(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "app.cli", *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_key_is_printed_alone_on_the_last_line_and_opens_the_api(
    perennial: Perennial, client: FlaskClient, shop: Shop
) -> None:
    done = perennial("api-key", "create", "--shop", shop.domain)
    assert done.returncode == 0
    key = done.stdout.splitlines()[-1]
    answer = client.get("/api/v1/rewards", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200


def test_an_unknown_shop_is_one_sentence_and_no_trace(perennial: Perennial, shop: Shop) -> None:
    done = perennial("api-key", "create", "--shop", "stranger.myshopify.com")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "stranger.myshopify.com" in done.stderr
    assert "Traceback" not in done.stderr


def test_ledger_verify_says_what_disagrees_and_fails(
    perennial: Perennial, client: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    send(client, delivery("orders/create", order_body(1)))
    InboxLoop(runtime).drain()
    done = perennial("ledger", "verify")
    assert done.returncode == 0
    *others, last = done.stdout.splitlines()
    assert last == "1 accounts, 1 entries, 100 points: everything agrees."
    assert [line.partition(", the oldest")[0] for line in others] == ["1 entries wait for their seal"]
    with runtime.database.system() as session:
        session.execute(text("update ledger_entries set points = 99"))
    done = perennial("ledger", "verify")
    assert done.returncode == 1
    assert "should be 99, is 100" in done.stdout


def test_parked_events_are_put_back_to_work(
    perennial: Perennial, client: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    send(client, delivery("orders/create", {}), raw=b"{broken")
    InboxLoop(runtime).drain()
    assert perennial("inbox", "replay", "--shop", shop.domain).stdout == "1 events are waiting again.\n"
    with runtime.database.system() as session:
        assert session.scalar(text("select state from inbox_events")) == "pending"


def test_a_wrong_setting_is_one_sentence(perennial: Perennial) -> None:
    perennial._environment["PORT"] = "http"
    done = perennial("migrate")
    assert done.returncode == 1
    assert done.stderr.strip() == "PORT must be a number from 1 to 65535, not 'http'."
