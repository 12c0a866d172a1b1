"""A shop of the development store with a past, served over HTTP, and Perennial connected to it by a token."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text

from app import clock, job_table
from app.intake import running, service
from app.intake.models import IntakeRun
from app.runtime import Runtime
from app.shopify.oauth import Tokens as Granted
from app.shops import tokens
from app.shops.models import Shop
from dev_store import web
from dev_store.commerce import Commerce, OrderLine, open_shop
from dev_store.config import Config, read_app_config
from dev_store.server import serving
from dev_store.store import DevStore
from dev_store.tokens import Tokens
from tests.factories import make_shop

SHOP = "past.myshopify.com"
ROOT = Path(__file__).resolve().parents[2]
BEGIN = datetime.fromisoformat("2026-01-05T10:00:00+00:00")


@dataclass
class World:
    """Both sides, and the past that they are to agree about."""

    runtime: Runtime
    store: DevStore
    origin: str
    shop_id: int

    @property
    def commerce(self) -> Commerce:
        return self.store.commerce(SHOP)

    def troubles(self, *kinds: str) -> None:
        """What the development store does wrong next with bulk operations."""
        answer = requests.put(f"{self.origin}/_dev/bulk/faults", json={"faults": list(kinds)}, timeout=5)
        assert answer.status_code == 200

    def begin(self, kind: str, *, everything: bool = True) -> int:
        with self.runtime.database.system() as session:
            run = service.begin(session, self.shop_id, kind, everything=everything)
            assert run is not None
            return run.id

    def finish(self, run_id: int) -> IntakeRun:
        """Carry a run on to its end; pauses are as long as the test's own `naps` make them."""
        for _ in range(400):
            if running.carry_on(self.runtime, self.shop_id, run_id, seconds=5) is None:
                break
        with self.runtime.database.system() as session:
            run = session.get_one(IntakeRun, (self.shop_id, run_id))
            session.expunge(run)
        return run

    def run(self, kind: str, *, everything: bool = True) -> IntakeRun:
        return self.finish(self.begin(kind, everything=everything))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.runtime.database.system() as session:
            return [tuple(row) for row in session.execute(text(sql))]

    def projections(self) -> dict[str, list[tuple[Any, ...]]]:
        """What is known of the shop, without the marks of when and how it was told."""
        return {name: self.rows(sql) for name, sql in PROJECTIONS.items()}


_NOT_SHOP_DATA = {"shop_id", "digest", "triggered_at", "imported_at", "account_id", "tags", "tags_at"}


def _columns(table: str, *, without: set[str] = _NOT_SHOP_DATA) -> str:
    from app.migrations.metadata import metadata

    names = [column.name for column in metadata.tables[table].columns if column.name not in without]
    keys = [column.name for column in metadata.tables[table].primary_key if column.name not in without]
    return f"select {', '.join(names)} from {table} order by {', '.join(keys)}"


PROJECTIONS = {
    "customers": _columns("customers"),
    "tags": """
        select id, array(select key from jsonb_each(tags) where cast(value ->> 'held' as boolean) order by 1)
        from customers order by 1
    """,
    "orders": _columns("orders"),
    "order_lines": _columns("order_lines"),
    "order_codes": _columns("order_codes"),
    "refunds": _columns("refunds"),
    "refund_lines": _columns("refund_lines"),
    "owners": """
        select o.id, i.kind, i.value from orders o
        left join identities i on i.shop_id = o.shop_id and i.account_id = o.account_id order by 1, 2, 3
    """,
    "totals": """
        select i.kind, i.value, t.orders, t.spent_minor, t.lifetime_orders, t.lifetime_spent_minor, t.history_known,
               t.first_order_at, t.last_order_at
        from account_totals t join identities i using (shop_id, account_id) order by 1, 2
    """,
    "labels": "select product_id, label, since::text, until::text from product_labels order by 1, 2, 3",
    "balances": "select account_id, points from balances order by 1",
}


def live_a_past(commerce: Commerce, orders: int = 12) -> list[int]:
    """Some customers and guests, orders with codes, refunds, a cancellation; returns the orders."""
    tea = commerce.create_product(at=BEGIN, title="Tea", tags=["loved", "green"], variants=[{"price": "4.00"}])
    commerce.create_discount(at=BEGIN, code="SPRING", percentage="0.1")
    people = [
        commerce.create_customer(
            at=BEGIN, email=f"person{n}@example.com", first_name="Ada", last_name=f"No {n}", tags=["VIP", "a\\b"][:n]
        )
        for n in range(4)
    ]
    placed = []
    for n in range(orders):
        at = BEGIN + timedelta(days=n, minutes=n)
        who: dict[str, Any] = {"email": "guest@example.com"} if n % 5 == 4 else {"customer_id": people[n % 4]}
        lines = [OrderLine("Tea", 1 + n % 3, "4.00", product_id=tea), OrderLine("Pot", 1, f"{10 + n}.50")]
        codes = ["SPRING"] if n % 3 == 0 else []
        placed.append(commerce.place_order(at=at, lines=lines, discount_codes=codes, shipping="5.00", **who))
    for order in placed[1::4]:
        line = commerce.state.get(SHOP, "order", order)["line_items"][1]["id"]  # type: ignore[index]  # it is there
        commerce.refund(order, at=BEGIN + timedelta(days=40), lines={line: 1}, shipping="2.00")
    commerce.cancel(placed[2], at=BEGIN + timedelta(days=41))
    return placed


@pytest.fixture
def dev_store() -> Iterator[tuple[str, DevStore]]:
    declared = read_app_config(ROOT / "shopify.app.toml", "http://127.0.0.1:9")
    flask_app = web.create_app(Config("http://127.0.0.1:9", "test-api-key", "secret", declared, port=0))
    store: DevStore = flask_app.extensions["dev_store"]
    open_shop(store.state, SHOP, name="Past", at=BEGIN, currency="USD")
    with serving(flask_app) as origin:
        yield origin, store


@pytest.fixture
def world(runtime: Runtime, dev_store: tuple[str, DevStore]) -> World:
    job_table.load()
    origin, store = dev_store
    runtime = replace(runtime, settings=replace(runtime.settings, shopify_origin=f"{origin}/{{shop}}"))
    shop_id = connect(runtime, store)
    live_a_past(store.commerce(SHOP))
    return World(runtime, store, origin, shop_id)


def connect(runtime: Runtime, store: DevStore) -> int:
    """An installed shop with a token that works."""
    scopes = list(store.config.app.scopes)
    token = Tokens(store.state, SHOP).issue(scopes, expiring=False)["access_token"]
    made = make_shop(runtime, SHOP)
    with runtime.database.system() as session:
        shop = session.get_one(Shop, made.id)
        shop.orders_complete_from = clock.now()
        tokens.store(runtime.keyring, shop, Granted(token, ",".join(scopes)))
    return made.id
