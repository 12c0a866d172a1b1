"""Web and worker processes as on several machines: each in a process group of its own, one PostgreSQL for all.

Nobody restarts what ends; that is the point. Deliveries are sent as Shopify does: again until one is answered with 200.
"""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import requests
from sqlalchemy import text

from app.config import Settings
from app.crypto import KeyRing
from app.db import Database
from app.demo.processes import free_port
from app.migrations.run import migrate
from app.postgres.server import EmbeddedPostgres
from app.runtime import Runtime
from tests.factories import make_shop
from tests.shopify.signing import SECRET
from tests.webhooks.deliveries import Delivery
from webhooks.models import PARTITIONS
from webhooks.verification import sign

ROOT = Path(__file__).resolve().parents[2]
# The first two share a partition, and so a lock of the loop; the third does not.
SHOPS = {1: "one.myshopify.com", PARTITIONS + 1: "two.myshopify.com", 2: "three.myshopify.com"}
_UNFINISHED = text("select count(*) from inbox_events where state = 'pending'")


@dataclass(frozen=True)
class Sent:
    """A delivery to a shop."""

    shop: str
    item: Delivery


def make_shops(runtime: Runtime) -> None:
    """The same shops under the same ids in every world."""
    for number, domain in SHOPS.items():
        with runtime.database.system() as session:
            session.execute(text(f"alter sequence shops_id_seq restart with {number}"))
        assert make_shop(runtime, domain).id == number


class Fleet:
    """Processes on one database; use `fleet()`."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.faults = folder / "faults"
        self.faults.mkdir()
        self.server = EmbeddedPostgres(folder / "db", {"fsync": "off", "shared_buffers": "32MB"})
        self.settings = replace(settings, home=folder / "home", database_url=self.server.start())
        database = Database(self.settings.database_url or "", application_name="tests")
        self.runtime = Runtime(self.settings, database, KeyRing(self.settings.encryption_keys))
        migrate(database.engine)
        make_shops(self.runtime)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.webs: list[subprocess.Popen[bytes]] = []
        self.ports: list[int] = []

    def start_web(self) -> None:
        self.ports.append(free_port(0))
        self.webs.append(
            subprocess.Popen(self.command("web"), env=self.environ(self.ports[-1]), start_new_session=True)
        )

    def start_worker(self) -> None:
        self.workers.append(subprocess.Popen(self.command("worker"), env=self.environ(), start_new_session=True))

    def command(self, kind: str) -> list[str]:
        return [sys.executable, "-m", "tests.crash.process", kind]

    def environ(self, port: int = 3000) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PORT": str(port),
            "FAULTS": str(self.faults),
            "PERENNIAL_HOME": str(self.settings.home),
            "PERENNIAL_DEV": "1",
            "DATABASE_URL": self.settings.database_url or "",
            "SHOPIFY_API_SECRET": SECRET,
            "PERENNIAL_ENCRYPTION_KEYS": base64.urlsafe_b64encode(self.settings.encryption_keys[0]).decode(),
        }

    def deliver(self, sent: Sequence[Sent]) -> None:
        """All of them, eight at a time, each until it is acknowledged."""
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(self._deliver_one, sent))

    def _deliver_one(self, sent: Sent) -> None:
        raw = orjson.dumps(sent.item.body)
        headers = {
            "X-Shopify-Hmac-Sha256": sign(raw, SECRET).decode(),
            "X-Shopify-Topic": sent.item.topic,
            "X-Shopify-Shop-Domain": sent.shop,
            "X-Shopify-Webhook-Id": sent.item.webhook_id,
            "X-Shopify-Triggered-At": sent.item.triggered_at.isoformat(),
        }
        deadline, turn = time.monotonic() + 40, hash(sent.item.webhook_id)
        while time.monotonic() < deadline:
            port = self.ports[(turn := turn + 1) % len(self.ports)]
            with suppress(requests.ConnectionError, requests.Timeout), requests.Session() as session:
                session.trust_env = False
                answer = session.post(f"http://127.0.0.1:{port}/webhooks", data=raw, headers=headers, timeout=5)
                if answer.status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError("a delivery was never acknowledged")

    def state_of(self, sent: Sent) -> str | None:
        state = self._scalar(text("select state from inbox_events where webhook_id = :id"), id=sent.item.webhook_id)
        return str(state) if state else None

    def unfinished(self) -> int:
        return int(self._scalar(_UNFINISHED) or 0)

    def cut_connections(self) -> None:
        """Every connection of web and worker processes ends, whatever it is in the middle of."""
        cut = text("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'perennial%'")
        with self.runtime.database.system() as session:
            session.execute(cut)

    def restart_database(self) -> None:
        self.server.stop()
        time.sleep(1)
        self.server.start()

    def _scalar(self, statement: Any, **parameters: Any) -> Any:
        with self.runtime.database.system() as session:
            return session.scalar(statement, parameters)

    def end(self) -> None:
        for process in [*self.workers, *self.webs]:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.runtime.database.dispose()
        self.server.leave()


@contextmanager
def fleet(folder: Path, settings: Settings, *, webs: int, workers: int) -> Iterator[Fleet]:
    """A fleet that is up; nothing of it is left afterwards."""
    running = Fleet(folder, settings)
    try:
        for _ in range(webs):
            running.start_web()
        for _ in range(workers):
            running.start_worker()
        yield running
    finally:
        running.end()


def wait_until(true: Callable[[], object], seconds: float = 30) -> float:
    """How many seconds it took."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - begun
