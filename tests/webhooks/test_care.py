"""Old bodies and receipts go, a step at a time; what may still be needed stays."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app import clock
from app.runtime import Runtime
from app.shops.models import Shop
from tests.webhooks.deliveries import delivery, order_body, send
from webhooks import care
from webhooks.loop import InboxLoop


def aged(runtime: Runtime, days: int, webhook_id: str) -> None:
    with runtime.database.system() as session:
        moment = clock.wall_now() - timedelta(days=days)
        session.execute(
            text("update inbox_events set finished_at = :at where webhook_id = :id"), {"at": moment, "id": webhook_id}
        )


def left(runtime: Runtime) -> list[Any]:
    with runtime.database.system() as session:
        rows = session.execute(text("select webhook_id, body is not null from inbox_events order by id"))
        return [tuple(row) for row in rows]


def test_bodies_go_after_a_month_and_receipts_after_a_year(client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    items = [delivery("orders/create", order_body(number)) for number in range(1, 5)]
    for item in items:
        send(client, item)
    InboxLoop(runtime).drain()
    for item, days in zip(items, (0, 29, 31, 401), strict=True):
        aged(runtime, days, item.webhook_id)
    care.forget(runtime)
    first, second, third, _ = (item.webhook_id for item in items)
    assert left(runtime) == [(first, True), (second, True), (third, False)]
    assert send(client, items[2]) == 200
    assert len(left(runtime)) == 3


def test_parked_events_keep_their_bodies(client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    item = delivery("orders/create", {})
    send(client, item, raw=b"{broken")
    InboxLoop(runtime).drain()
    aged(runtime, 500, item.webhook_id)
    care.forget(runtime)
    assert left(runtime) == [(item.webhook_id, True)]


def test_more_than_a_step_is_done_in_steps(
    client: FlaskClient, runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care, "STEP", 2)
    items = [delivery("orders/create", order_body(number)) for number in range(1, 6)]
    for item in items:
        send(client, item)
    InboxLoop(runtime).drain()
    for item in items:
        aged(runtime, 31, item.webhook_id)
    care.forget(runtime)
    assert [has_body for _, has_body in left(runtime)] == [False] * 5


@pytest.mark.parametrize(
    ("statement", "index"),
    [(care._FORGET_BODIES, "inbox_events_bodies_ix"), (care._DELETE_RECEIPTS, "inbox_events_receipts_ix")],
)
def test_each_step_goes_along_its_index(runtime: Runtime, statement: Any, index: str) -> None:
    with runtime.database.system() as session:
        session.execute(text("set local enable_seqscan = off"))
        plan = session.execute(text(f"explain {statement.text}"), {"before": clock.wall_now(), "step": 10}).scalars()
        assert index in "\n".join(plan)
