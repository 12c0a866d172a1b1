"""Forgetting somebody: every column of every table is opened and searched for what should be gone."""

import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text, update

from app import clock, job_table
from app.api.keys import create_key
from app.cli import _sealed_columns
from app.crypto import CannotOpen, aad
from app.customers.queries import account_of_customer
from app.jobs import drain
from app.loyalty import service
from app.loyalty.ledger import Holder
from app.loyalty.models import LedgerEntry
from app.loyalty.programs import default_program
from app.loyalty.verify import verify
from app.runtime import Runtime
from app.shops import privacy
from app.shops.models import PrivacyRequest, Shop
from app.shops.personal_data import export_customer
from app.shops.privacy import Person
from dev_store.commerce import Commerce, OrderLine, open_shop
from dev_store.config import AppConfig, Config, Subscription
from dev_store.state import State
from dev_store.webhooks.delivery import Delivery as Deliveries
from tests.webhooks.deliveries import Delivery, delivery, order_body, send
from webhooks import topics
from webhooks.loop import InboxLoop
from webhooks.privacy import Traces

EMAIL, PHONE = "ada.lovelace@shop.example", "+14155550123"
PERSONAL = [EMAIL, "lovelace", "augusta ada", PHONE, "analytical row"]
OTHER = "charles.babbage@shop.example"
SEALED = _sealed_columns()


class Story:
    """A shop of the development store whose webhooks are handed through the door."""

    def __init__(self, runtime: Runtime, shop: Shop, client: FlaskClient) -> None:
        self.runtime, self.shop, self.client, self.sent = runtime, shop, client, 0
        self.state = State(None)
        listened = tuple(Subscription(topic, "http://127.0.0.1:9/webhooks") for topic in topics.table())
        config = Config("http://127.0.0.1:9", "key", "secret", AppConfig("2026-10", listened))
        document = open_shop(self.state, shop.domain, name="Demo", at=self.at(60))
        with runtime.database.system() as session:
            session.merge(shop).shopify_id = document["id"]
        document["_installed_at"] = self.at(60).isoformat()
        self.state.put(shop.domain, "shop", document["id"], document)
        self.commerce = Commerce(self.state, shop.domain, Deliveries(self.state, config).outbox)

    def at(self, minutes_ago: float) -> datetime:
        return clock.now() - timedelta(minutes=minutes_ago)

    def live(self, email: str, phone: str | None = None) -> tuple[int, int]:
        """A customer with a name, an order with a refund, consent, and a note on their points."""
        customer = self.commerce.create_customer(
            at=self.at(50), email=email, first_name="Augusta Ada", last_name="Lovelace", phone=phone
        )
        line = OrderLine(title="Tea", quantity=3, price="20.00")
        order = self.commerce.place_order(at=self.at(40), customer_id=customer, lines=[line])
        self.commerce.refund(order, at=self.at(30), amount="5.00")
        self.commerce.set_email_consent(customer, "subscribed", at=self.at(29))
        self.deliver()
        with self.runtime.database.system() as session:
            account = account_of_customer(session, self.shop.id, customer)
            assert account is not None
            holder = Holder(self.shop.id, default_program(session, self.shop.id).id, account)
            note = "Lovelace wrote from 1 Analytical Row"
            service.adjust(session, holder, 5, request_id=f"n{customer}", note=note, actor="key:1")
        self.adjust_by_api(customer, note)
        return customer, order

    def adjust_by_api(self, customer: int, note: str) -> None:
        """A write whose answer is kept: it must not tell the note again."""
        with self.runtime.database.system() as session:
            key = create_key(session, self.shop.id, "test")
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"k{customer}"}
        path = f"/api/v1/customers/{customer}/adjustments"
        assert self.client.post(path, json={"points": 3, "reason": note}, headers=headers).status_code < 300

    def deliver(self, *, handle: bool = True) -> None:
        """Send what waits at the development store through the door."""
        rows = self.state.rows("select topic, body from deliveries order by id")
        for topic, body in rows[self.sent :]:
            item = Delivery(topic, {}, clock.now())
            assert send(self.client, item, shop=self.shop.domain, raw=zlib.decompress(body)) == 200
        self.sent = len(rows)
        if handle:
            self.work()

    def work(self) -> None:
        InboxLoop(self.runtime).drain()
        drain(self.runtime)

    def traces(self, *words: str) -> set[str]:
        """Where any of these words can still be read: every column of every table, opened and unpacked."""
        found = set()
        for table, row in _every_row(self.runtime):
            for column, value in row.items():
                for shown in self._readings(table, column, row, value):
                    if any(word.lower() in shown.lower() for word in words):
                        found.add(f"{table}.{column}")
        return found

    def _readings(self, table: str, column: str, row: dict[str, Any], value: Any) -> Iterator[str]:
        """The value as text; of bytes also what they hold once they are opened and unpacked."""
        if not isinstance(value, bytes | memoryview):
            yield json.dumps(value, default=str, ensure_ascii=False)
            return
        raw = bytes(value)
        yield raw.decode("latin-1")
        sealed = next((one for one in SEALED if (one.table, one.column) == (table, column)), None)
        if sealed is not None and raw:
            domain = self.shop.domain if row.get("shop_id", row["id"]) == self.shop.id else "other.myshopify.com"
            cell = [{**row, "domain": domain}[name.partition(".")[2]] for name in sealed.cell]
            try:
                raw = self.runtime.keyring.open(raw, aad(table, column, *cell))
            except CannotOpen as error:
                raise AssertionError("a value that this test cannot open") from error
        with suppress(zlib.error):
            raw = zlib.decompress(raw)
        yield _unescaped(raw)

    def verified(self) -> bool:
        with self.runtime.database.system() as session:
            return verify(session).disagreements == ()

    def points(self) -> int:
        with self.runtime.database.system() as session:
            return sum(entry.points for entry in session.query(LedgerEntry))

    def requests(self) -> list[PrivacyRequest]:
        with self.runtime.database.system() as session:
            return session.query(PrivacyRequest).order_by(PrivacyRequest.id).all()


def _unescaped(raw: bytes) -> str:
    """JSON with its letters as they are, anything else as text."""
    try:
        return json.dumps(json.loads(raw), ensure_ascii=False)
    except ValueError:
        return raw.decode("utf-8", "replace")


def _every_row(runtime: Runtime) -> Iterator[tuple[str, dict[str, Any]]]:
    with runtime.database.system() as session:
        tables = text("select schemaname, tablename from pg_tables where schemaname in ('public', 'staging')")
        for schema, table in session.execute(tables).all():
            for row in session.execute(text(f'select * from {schema}."{table}"')).mappings():
                yield table, dict(row)


@pytest.fixture
def story(runtime: Runtime, shop: Shop, client: FlaskClient) -> Story:
    job_table.load()
    return Story(runtime, shop, client)


def test_the_search_finds_what_is_there(story: Story) -> None:
    story.live(EMAIL, PHONE)
    assert story.traces(*PERSONAL) >= {
        "customers.email",
        "customers.phone",
        "customers.last_name",
        "orders.email",
        "inbox_events.body",
        "ledger_notes.note",
    }


def test_a_forgotten_customer_is_nowhere_and_points_stay_true(story: Story) -> None:
    customer, _ = story.live(EMAIL, PHONE)
    story.live(OTHER)
    points = story.points()
    story.commerce.request_customer_data(customer, at=story.at(5))
    story.commerce.redact_customer(customer, at=story.at(4))
    story.deliver()
    assert story.traces(EMAIL, PHONE) == set()
    assert story.points() == points
    assert story.verified()
    assert "customers.email" in story.traces(OTHER), "nobody else is forgotten"
    [asked, erased] = story.requests()
    assert (asked.kind, asked.customer_id, asked.done_at) == ("data_request", customer, None)
    assert erased.done_at is not None
    found = {"notes": 2, "orders": 1, "identities": 0, "customers": 1, "bodies": 8}
    none = ("sign_ups", "consent_receipts", "import_rows", "import_rows_left_out")
    assert json.loads(erased.receipt or "") == found | dict.fromkeys(none, 0)


def test_late_deliveries_do_not_bring_a_forgotten_customer_back(story: Story) -> None:
    customer, order = story.live(EMAIL, PHONE)
    late_customer = story.state.get(story.shop.domain, "customer", customer)
    late_order = story.state.get(story.shop.domain, "order", order)
    assert late_customer is not None
    assert late_order is not None
    late_customer, late_order = json.loads(json.dumps(late_customer)), json.loads(json.dumps(late_order))
    story.commerce.redact_customer(customer, at=story.at(4))
    story.deliver()
    late_customer["updated_at"] = late_order["updated_at"] = story.at(3).isoformat(timespec="seconds")
    for topic, body in (("customers/update", late_customer), ("orders/updated", late_order)):
        public = {name: value for name, value in body.items() if not name.startswith("_")}
        assert send(story.client, delivery(topic, public), shop=story.shop.domain) == 200
    story.work()
    story.work()
    assert story.traces(EMAIL, PHONE, "lovelace") == set()


def test_a_guest_is_forgotten_by_address(story: Story) -> None:
    story.commerce.place_order(at=story.at(40), email=EMAIL, lines=[OrderLine(title="Tea", quantity=1, price="20.00")])
    story.deliver()
    points = story.points()
    assert points == 20
    body = {"shop_domain": story.shop.domain, "customer": {"id": None, "email": EMAIL.upper(), "phone": None}}
    assert send(story.client, delivery("customers/redact", body), shop=story.shop.domain) == 200
    story.work()
    assert story.traces(EMAIL) == set()
    assert story.points() == points


def test_an_event_that_still_waits_is_handled_before_its_body_goes(story: Story) -> None:
    customer, _ = story.live(EMAIL)
    story.commerce.place_order(
        at=story.at(6), customer_id=customer, lines=[OrderLine(title="Tea", quantity=1, price="7.00")]
    )
    story.deliver(handle=False)
    with story.runtime.database.system() as session:
        later = clock.wall_now() + timedelta(seconds=50)
        session.execute(text("update inbox_events set retry_at = :later where state = 'pending'"), {"later": later})
    story.commerce.redact_customer(customer, at=story.at(4))
    story.deliver()
    assert "inbox_events.body" in story.traces(EMAIL)
    assert story.requests()[-1].done_at is None
    points = story.points()
    with story.runtime.database.system() as session:
        session.execute(text("update inbox_events set retry_at = null"))
    InboxLoop(story.runtime).drain()
    drain(story.runtime, until=clock.wall_now() + timedelta(minutes=2))
    assert story.points() == points + 7
    assert story.traces(EMAIL) == set()
    assert story.requests()[-1].done_at is not None


def test_somebody_is_recognised_in_a_body_that_is_no_json(story: Story) -> None:
    customer, _ = story.live(EMAIL)
    assert send(story.client, delivery("orders/create", {}), shop=story.shop.domain, raw=b'{"email":"' + EMAIL.encode())
    story.commerce.redact_customer(customer, at=story.at(4))
    with story.runtime.database.system() as session:
        assert session.scalar(text("select count(*) from inbox_events where state = 'pending'")) == 1
    story.work()
    story.deliver()
    with story.runtime.database.system() as session:
        left = session.execute(
            text("select state, body is null as gone from inbox_events where body is not null")
        ).all()
    assert left == []


def test_what_is_held_of_a_customer_can_be_handed_out(story: Story) -> None:
    customer, order = story.live(EMAIL, PHONE)
    with story.runtime.database.shop(story.shop.id) as session:
        document = export_customer(session, story.shop.id, customer)
    assert document["customer"][0]["email"] == EMAIL
    assert document["customer"][0]["email_consent"] == "subscribed"
    assert [item["id"] for item in document["orders"]] == [order]
    assert sum(entry["points"] for entry in document["points"]) == story.points()
    assert "Analytical Row" in document["notes"][0]["note"]
    held = story.traces(EMAIL, PHONE, "lovelace", "analytical row") - {"inbox_events.body"}
    shown = json.dumps(document, default=str)
    assert {column.split(".")[1] for column in held if column.split(".")[1] not in shown} == set()


def test_a_forgotten_shop_leaves_its_receipt_only(
    story: Story, make_other_shop: Callable[[], Shop], runtime: Runtime
) -> None:
    other = make_other_shop()
    story.live(EMAIL, PHONE)
    assert send(story.client, delivery("orders/create", order_body(4)), shop=other.domain) == 200
    story.work()
    story.commerce.uninstall(at=story.at(3))
    story.commerce.redact_shop(at=story.at(2))
    story.deliver()
    rows = [(table, row) for table, row in _every_row(runtime) if row.get("shop_id") == story.shop.id]
    assert [table for table, _ in rows] == ["privacy_requests"]
    assert json.loads(rows[0][1]["receipt"])["orders"] == 1
    assert story.traces(*PERSONAL, "shpat") == set()
    assert any(row.get("shop_id") == other.id and table == "orders" for table, row in _every_row(runtime))


def test_a_shop_that_came_back_is_kept(story: Story) -> None:
    story.live(EMAIL)
    points = story.points()
    with story.runtime.database.system() as session:
        privacy.redact_shop(session, story.shop.id, {}, "w-1")
    with story.runtime.database.system() as session:
        session.execute(update(Shop).values(state="installed"))
    drain(story.runtime)
    assert story.points() == points
    assert story.requests()[-1].receipt == '{"kept_because_reinstalled": 1}'


@pytest.fixture
def make_other_shop(runtime: Runtime) -> Callable[[], Shop]:
    from tests.factories import make_shop

    return lambda: make_shop(runtime, domain="other.myshopify.com")


@pytest.mark.parametrize(
    ("topic", "body", "mentioned"),
    [
        ("customers/update", {"id": 71}, True),
        ("customers/update", {"id": 72}, False),
        ("orders/create", {"id": 71, "customer": {"id": 9}}, False),
        ("orders/create", {"id": 5, "customer": {"id": 71}}, True),
        ("orders/create", {"id": 81, "customer": None}, True),
        ("orders/create", {"id": 5, "line_items": [{"id": 71}, {"id": 81}]}, False),
        ("orders/create", {"id": 5, "note": "please call ADA@SHOP.EXAMPLE soon"}, True),
        ("refunds/create", {"id": 81, "order_id": 5}, False),
        ("refunds/create", {"id": 5, "order_id": 81}, True),
        ("customers_email_marketing_consent/update", {"customer_id": 71}, True),
        ("customers_marketing_consent/update", {"id": 71}, True),
        ("customers/merge", {"admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/71"}, True),
        ("customers/merge", {"admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/710"}, False),
        ("customers/data_request", {"customer": {"id": None}, "orders_requested": [81]}, True),
        ("orders/edited", {"order_edit": {"order_id": 81}}, True),
    ],
)
def test_a_body_mentions_a_person_by_their_own_ids_only(topic: str, body: dict[str, Any], mentioned: bool) -> None:
    traces = Traces.of(Person(customer_id=71, email="ada@shop.example", phone=None, order_ids=(81,)))
    assert traces.left_in(topic, json.dumps(body).encode()) is mentioned
