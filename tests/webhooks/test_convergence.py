"""For any repetition and order of the deliveries of one history, everything ends as if they had come once, in order.

Histories hold what a shop does to orders (paid later, refunded in parts and at once, cancelled, deleted) and to people
(guests who become customers, new addresses, merges, deletions), with several things within one second.
"""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.loyalty.verify import verify
from app.runtime import Runtime
from app.shops.models import Shop
from tests.webhooks.deliveries import START, Delivery, customer_body, delivery, order_body, refund_body, send
from tests.webhooks.reading_points import state
from webhooks.loop import InboxLoop

EMAILS = ("ada@example.com", "bob@example.com")
CUSTOMERS = (7, 8, 9)
_EMPTIED = "orders, order_lines, order_codes, refunds, customers, identities, accounts, balances, lots, lot_uses"
_ALSO = "account_merges, ledger_entries, account_totals, inbox_events, procrastinate_jobs"


@st.composite
def order_histories(draw: st.DrawFn, order_id: int) -> list[Delivery]:
    """What is told of one order: versions, refunds alone and listed, and perhaps its end."""
    customer = draw(st.sampled_from([*CUSTOMERS, None]))
    fixed: dict[str, Any] = {"customer_id": customer, "email": draw(st.sampled_from(EMAILS)), "total": "90.00"}
    second = draw(st.integers(0, 3))
    told = [delivery("orders/create", order_body(order_id, status="pending", **fixed), second)]
    current = 90
    listed: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 4))):
        second += draw(st.sampled_from([0, 0, 1, 5]))
        at, after = START + timedelta(seconds=second), second + (number + 1) / 10
        status = "paid" if not listed else "partially_refunded"
        if number and draw(st.booleans()):
            refund = refund_body(
                order_id * 10 + number, order_id, lines="20.00", loose=draw(st.sampled_from([None, "3.00"]))
            )
            listed, current = [*listed, refund], current - 20
            told.append(delivery("refunds/create", refund, after))
            status = "partially_refunded"
        body = order_body(order_id, at=at, status=status, current=f"{current}.00", refunds=listed, **fixed)
        told.append(delivery(draw(st.sampled_from(["orders/updated", "orders/paid"])), body, after))
    end = draw(st.sampled_from([None, None, "orders/cancelled", "orders/delete"]))
    if end:
        at = START + timedelta(seconds=second + 9)
        gone = {"id": order_id} if end == "orders/delete" else order_body(
            order_id, at=at, status="paid", cancelled_at=at.isoformat(), **fixed
        )  # fmt: skip
        told.append(delivery(end, gone, second + 9))
    return told


@st.composite
def people_histories(draw: st.DrawFn) -> list[Delivery]:
    """What is told of people. A merge is final, and so is a deletion."""
    told = []
    for number, customer in enumerate(CUSTOMERS):
        for version in range(draw(st.integers(0, 2))):
            at = START + timedelta(seconds=number + version * draw(st.sampled_from([0, 7])))
            email = draw(st.sampled_from([*EMAILS, None])) if number else EMAILS[0]
            body = customer_body(customer, at=at, email=email if number == 0 or email != EMAILS[0] else None)
            told.append(delivery("customers/update", body, number + version / 10))
    if draw(st.booleans()):
        merge = {
            "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/7",
            "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/8",
        }
        told.append(delivery("customers/merge", merge, 30))
    if draw(st.booleans()):
        told.append(delivery("customers/delete", {"id": 9}, 40))
    return told


@st.composite
def schedules(draw: st.DrawFn) -> tuple[list[Delivery], list[list[Delivery]]]:
    """A history, and the same with repetitions, shuffled and cut into batches."""
    history = draw(people_histories())
    for order_id in range(1, draw(st.integers(1, 3)) + 1):
        history += draw(order_histories(order_id))
    history.sort(key=lambda item: item.triggered_at)
    shuffled = draw(st.permutations(history + draw(st.lists(st.sampled_from(history), max_size=5))))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    batches = [shuffled[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    return history, batches


def run(client: FlaskClient, runtime: Runtime, batches: list[list[Delivery]]) -> dict[str, list[Any]]:
    with runtime.database.system() as session:
        session.execute(text(f"truncate {_EMPTIED}, {_ALSO} restart identity cascade"))
    for batch in batches:
        for item in batch:
            assert send(client, item) == 200
        InboxLoop(runtime).drain()
    with runtime.database.system() as session:
        unfinished = session.execute(text("select topic, reason, error from inbox_events where state <> 'done'")).all()
    with runtime.database.system() as session:
        verdict = verify(session)
    assert unfinished == []
    assert verdict.disagreements == ()
    return state(runtime)


def check(client: FlaskClient, runtime: Runtime, schedule: tuple[list[Delivery], list[list[Delivery]]]) -> None:
    history, batches = schedule
    assert run(client, runtime, batches) == run(client, runtime, [[item] for item in history])


_GENERATED = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True, "print_blob": True}


@given(schedule=schedules())
@settings(max_examples=15, **_GENERATED)  # type: ignore[arg-type]  # one dictionary for both sizes
def test_any_order_and_repetition_of_deliveries_ends_the_same(
    client: FlaskClient, runtime: Runtime, shop: Shop, schedule: tuple[list[Delivery], list[list[Delivery]]]
) -> None:
    check(client, runtime, schedule)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@given(schedule=schedules())
@settings(max_examples=2000, **_GENERATED)  # type: ignore[arg-type]  # one dictionary for both sizes
def test_any_order_and_repetition_of_deliveries_ends_the_same_at_full_size(
    client: FlaskClient, runtime: Runtime, shop: Shop, schedule: tuple[list[Delivery], list[list[Delivery]]]
) -> None:
    check(client, runtime, schedule)
