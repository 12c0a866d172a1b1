"""From deliveries to points: one story at a time."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.loyalty.verify import verify
from app.runtime import Runtime
from app.shops.models import Shop
from tests.webhooks.deliveries import (
    START,
    Delivery,
    customer_body,
    delivery,
    money,
    order_body,
    refund_body,
    send,
)
from tests.webhooks.reading_points import balance
from webhooks.loop import InboxLoop


@pytest.fixture
def loop(runtime: Runtime, shop: Shop) -> InboxLoop:
    return InboxLoop(runtime)


def deliver(client: FlaskClient, loop: InboxLoop, *items: Delivery) -> None:
    for item in items:
        assert send(client, item) == 200
    loop.drain()


def events(runtime: Runtime) -> list[Any]:
    with runtime.database.system() as session:
        return list(session.execute(text("select topic, state, reason, attempts, error from inbox_events order by id")))


def reasons(runtime: Runtime) -> list[Any]:
    with runtime.database.system() as session:
        return [tuple(row) for row in session.execute(text("select reason, points from ledger_entries order by id"))]


@pytest.mark.requirement(94)
def test_a_paid_order_earns_a_point_for_each_whole_unit(client: FlaskClient, runtime: Runtime, loop: InboxLoop) -> None:
    deliver(client, loop, delivery("orders/create", order_body(1, total="57.90")))
    assert balance(runtime, 7) == 57
    assert reasons(runtime) == [("order_earned", 57)]


def test_an_order_earns_when_it_is_paid_and_not_before(client: FlaskClient, runtime: Runtime, loop: InboxLoop) -> None:
    deliver(client, loop, delivery("orders/create", order_body(1, status="pending")))
    assert balance(runtime, 7) == 0
    deliver(client, loop, delivery("orders/paid", order_body(1, at=START + timedelta(seconds=5)), 5))
    assert balance(runtime, 7) == 100


def test_test_orders_earn_nothing(client: FlaskClient, runtime: Runtime, loop: InboxLoop) -> None:
    deliver(client, loop, delivery("orders/create", order_body(1, test=True)))
    assert balance(runtime, 7) == 0


def test_partial_refunds_add_up_and_take_back_exactly(client: FlaskClient, runtime: Runtime, loop: InboxLoop) -> None:
    deliver(client, loop, delivery("orders/create", order_body(1)))
    deliver(client, loop, delivery("refunds/create", refund_body(11, 1, lines="30.50"), 9))
    assert balance(runtime, 7) == 69
    deliver(client, loop, delivery("refunds/create", refund_body(12, 1, lines="19.50"), 10))
    assert balance(runtime, 7) == 50
    listed = [refund_body(11, 1, lines="30.50"), refund_body(12, 1, lines="19.50")]
    snapshot = order_body(
        1, at=START + timedelta(seconds=20), current="50.00", refunds=listed, status="partially_refunded"
    )
    deliver(client, loop, delivery("orders/updated", snapshot, 20))
    assert balance(runtime, 7) == 50
    assert reasons(runtime) == [("order_earned", 100), ("order_refunded", -31), ("order_refunded", -19)]


def test_money_given_back_without_naming_a_line_lowers_the_points_and_never_below_zero(
    client: FlaskClient, runtime: Runtime, loop: InboxLoop
) -> None:
    deliver(client, loop, delivery("orders/create", order_body(1)))
    loose = refund_body(11, 1, loose="40.00")
    listed = order_body(1, at=START + timedelta(seconds=9), refunds=[loose], status="partially_refunded")
    deliver(client, loop, delivery("refunds/create", loose, 8), delivery("orders/updated", listed, 9))
    assert balance(runtime, 7) == 60
    deliver(client, loop, delivery("refunds/create", refund_body(12, 1, loose="90.00"), 10))
    assert balance(runtime, 7) == 0


def test_a_refund_may_come_before_its_order(client: FlaskClient, runtime: Runtime, loop: InboxLoop) -> None:
    deliver(client, loop, delivery("refunds/create", refund_body(11, 1, lines="25.00"), 9))
    assert balance(runtime, 7) == 0
    deliver(client, loop, delivery("orders/create", order_body(1)))
    assert balance(runtime, 7) == 75


@pytest.mark.parametrize("topic", ["orders/cancelled", "orders/delete"])
def test_a_cancelled_or_deleted_order_takes_everything_back(
    client: FlaskClient, runtime: Runtime, loop: InboxLoop, topic: str
) -> None:
    deliver(client, loop, delivery("orders/create", order_body(1)))
    later = START + timedelta(seconds=60)
    body = {"id": 1} if topic == "orders/delete" else order_body(1, at=later, cancelled_at=later.isoformat())
    deliver(client, loop, delivery(topic, body, 60))
    assert balance(runtime, 7) == 0
    deliver(client, loop, delivery("orders/updated", order_body(1, at=START + timedelta(seconds=1)), 1))
    assert balance(runtime, 7) == 0


def test_older_news_changes_nothing(client: FlaskClient, runtime: Runtime, loop: InboxLoop) -> None:
    deliver(
        client, loop, delivery("orders/updated", order_body(1, at=START + timedelta(seconds=9), current="40.00"), 9)
    )
    deliver(client, loop, delivery("orders/create", order_body(1)))
    assert balance(runtime, 7) == 40


def test_within_one_second_the_later_trigger_wins_and_one_reread_is_planned(
    client: FlaskClient, runtime: Runtime, loop: InboxLoop
) -> None:
    later = delivery("orders/updated", order_body(1, current="80.00"), 0.5)
    earlier = delivery("orders/create", order_body(1), 0.25)
    deliver(client, loop, later, earlier)
    deliver(client, loop, delivery("orders/paid", order_body(1, current="90.00"), 0.1))
    assert balance(runtime, 7) == 80
    with runtime.database.system() as session:
        jobs = session.execute(text("select task_name, args from procrastinate_jobs")).all()
    assert [(job.task_name, job.args["order_id"]) for job in jobs] == [("orders.reread", 1)]


def test_an_edited_order_is_read_again(client: FlaskClient, runtime: Runtime, loop: InboxLoop) -> None:
    deliver(client, loop, delivery("orders/edited", {"order_edit": {"id": 4, "order_id": 1}}))
    with runtime.database.system() as session:
        assert session.scalar(text("select count(*) from procrastinate_jobs where task_name = 'orders.reread'")) == 1


def test_a_guests_points_come_to_the_customer_who_verifies_the_address(
    client: FlaskClient, runtime: Runtime, loop: InboxLoop
) -> None:
    deliver(client, loop, delivery("orders/create", order_body(1, customer_id=None, email=" Ada@Example.com ")))
    assert balance(runtime, 9) == 0
    deliver(client, loop, delivery("customers/create", customer_body(9, email="ada@example.com"), 5))
    assert balance(runtime, 9) == 100
    deliver(client, loop, delivery("orders/create", order_body(2, customer_id=None, email="ADA@example.com"), 6))
    assert balance(runtime, 9) == 200


def test_an_order_that_names_nobody_is_kept_and_earns_for_nobody(
    client: FlaskClient, runtime: Runtime, loop: InboxLoop
) -> None:
    deliver(client, loop, delivery("orders/create", order_body(1, customer_id=None, email=None)))
    assert [event.state for event in events(runtime)] == ["done"]
    assert reasons(runtime) == []


def test_merged_customers_share_their_points_whatever_came_first(
    client: FlaskClient, runtime: Runtime, loop: InboxLoop
) -> None:
    merge = {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/7",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/8",
        "status": "completed",
    }
    deliver(client, loop, delivery("orders/create", order_body(1, customer_id=8)))
    deliver(client, loop, delivery("customers/merge", merge, 5))
    deliver(client, loop, delivery("orders/create", order_body(2, customer_id=8, total="11.00"), 6))
    assert balance(runtime, 7) == 111
    assert balance(runtime, 8) == 111
    with runtime.database.system() as session:
        assert verify(session).agrees


def test_consent_keeps_the_newest_statement(client: FlaskClient, runtime: Runtime, loop: InboxLoop) -> None:
    def consent(state: str, at: str) -> dict[str, Any]:
        return {
            "customer_id": 9,
            "email_address": "ada@example.com",
            "email_marketing_consent": {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": at},
        }

    topic = "customers_email_marketing_consent/update"
    deliver(client, loop, delivery(topic, consent("unsubscribed", "2026-03-02T00:00:00Z"), 9))
    deliver(client, loop, delivery(topic, consent("subscribed", "2026-03-01T00:00:00Z"), 10))
    deliver(client, loop, delivery("customers/create", customer_body(9, email="ada@example.com"), 5))
    with runtime.database.system() as session:
        assert session.execute(text("select email, email_consent from customers")).all() == [
            ("ada@example.com", "unsubscribed")
        ]


BROKEN = [
    ("orders/create", b"{not json", "parked", "broken-json"),
    ("orders/create", b"[1, 2]", "parked", "broken-json"),
    ("orders/create", b"", "parked", "broken-json"),
    ("orders/create", b"\xff\xfe", "parked", "broken-json"),
    ("orders/create", b'{"currency": "USD"}', "parked", "missing-id"),
    ("orders/create", b'{"id": "12abc"}', "parked", "wrong-id"),
    ("orders/create", b'{"id": 99999999999999999999}', "parked", "wrong-id"),
    ("orders/create", b'{"id": 5, "currency": "USD"}', "parked", "missing-time"),
    ("orders/delete", b'{"id": null}', "parked", "missing-id"),
    ("refunds/create", b'{"id": 5}', "parked", "missing-id"),
    ("themes/publish", b'{"id": 5}', "ignored", "unknown-topic"),
    ("customers/redact", b'{"shop_domain": "other.myshopify.com"}', "ignored", "other-shop"),
]


@pytest.mark.parametrize(("topic", "raw", "state", "reason"), BROKEN)
def test_what_cannot_be_handled_is_set_aside_by_a_written_rule(
    client: FlaskClient, runtime: Runtime, loop: InboxLoop, topic: str, raw: bytes, state: str, reason: str
) -> None:
    assert send(client, delivery(topic, {}), raw=raw) == 200
    loop.drain()
    (event,) = events(runtime)
    assert (event.state, event.reason) == (state, reason)


def test_ids_of_64_bits_and_nul_characters_are_stored(client: FlaskClient, runtime: Runtime, loop: InboxLoop) -> None:
    biggest = 2**63 - 1
    deliver(client, loop, delivery("orders/create", order_body(biggest, customer_id=biggest, name="#1\x00001")))
    assert balance(runtime, biggest) == 100


def test_a_poisonous_event_is_parked_and_its_neighbours_are_handled(
    client: FlaskClient, runtime: Runtime, loop: InboxLoop
) -> None:
    with runtime.database.system() as session:
        session.execute(text("alter table orders add constraint poison check (id <> 666)"))
    try:
        for number in (664, 665, 666, 667):
            send(client, delivery("orders/create", order_body(number, total="10.00")))
        loop.drain()
        assert balance(runtime, 7) == 30
        for _ in range(2):
            with runtime.database.system() as session:
                session.execute(text("update inbox_events set retry_at = null"))
            loop.drain()
        parked = [event for event in events(runtime) if event.state == "parked"]
        assert [(event.reason, event.attempts) for event in parked] == [("failed", 3)]
        assert "666" not in parked[0].error
    finally:
        with runtime.database.system() as session:
            session.execute(text("alter table orders drop constraint poison"))
    assert client.application.extensions["perennial.inbox"] is not None
    from webhooks.replay import Which, replay

    with runtime.database.system() as session:
        assert len(replay(session, 1, Which(), "staff:1")) == 1
    loop.drain()
    assert balance(runtime, 7) == 40


def test_two_shops_in_one_batch_keep_apart(client: FlaskClient, runtime: Runtime, loop: InboxLoop) -> None:
    from tests.factories import make_shop

    other = make_shop(runtime, "other.myshopify.com")
    send(client, delivery("orders/create", order_body(1)))
    send(client, delivery("orders/create", order_body(1, total="5.00")), shop=other.domain)
    loop.drain()
    with runtime.database.system() as session:
        found = session.execute(text("select shop_id, points from balances order by shop_id")).all()
    assert [tuple(row) for row in found] == [(1, 100), (2, 5)]


def test_presentment_money_is_kept_and_points_count_in_shop_money(
    client: FlaskClient, runtime: Runtime, loop: InboxLoop
) -> None:
    total = {"shop_money": {"amount": "100.00"}, "presentment_money": {"amount": "15000"}}
    body = order_body(1, presentment_currency="JPY", total_price_set=total, subtotal_price_set=money("100.00"))
    deliver(client, loop, delivery("orders/create", body))
    with runtime.database.system() as session:
        row = session.execute(
            text("select presentment_currency, presentment_total_minor, total_minor from orders")
        ).one()
    assert tuple(row) == ("JPY", 15000, 10000)
    assert balance(runtime, 7) == 100
