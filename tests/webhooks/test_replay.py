"""Parked events wait for a named person, who puts them back to work or dismisses them."""

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.runtime import Runtime
from app.shops.models import Shop
from tests.webhooks.deliveries import delivery, send
from webhooks import log, wording
from webhooks.loop import InboxLoop
from webhooks.replay import Which, dismiss, replay_many

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def parked(client: FlaskClient, runtime: Runtime, shop: Shop) -> list[int]:
    """An order's and a refund's that are no JSON, and an order's without an id."""
    for topic, raw in (("orders/create", b"{"), ("refunds/create", b"{"), ("orders/create", b"{}")):
        send(client, delivery(topic, {}), raw=raw)
    InboxLoop(runtime).drain()
    return [row.id for row in rows(runtime)]


def rows(runtime: Runtime) -> list[Any]:
    with runtime.database.system() as session:
        return list(session.execute(text("select id, state, reason, error from inbox_events order by id")))


def audited(runtime: Runtime) -> list[Any]:
    with runtime.database.system() as session:
        return list(session.execute(text('select actor, what, subject, "after" from audit_log order by id')))


@pytest.mark.parametrize(
    ("which", "meant"),
    [
        (Which(), [0, 1, 2]),
        (Which(topic="orders/create"), [0, 2]),
        (Which(reason="broken-json"), [0, 1]),
        (Which(topic="orders/create", reason="broken-json"), [0]),
        (Which(since=datetime(2099, 1, 1, tzinfo=UTC)), []),
        (Which(since=datetime(2020, 1, 1, tzinfo=UTC)), [0, 1, 2]),
        (Which(ids=[]), []),
    ],
)
def test_parked_events_that_fit_everything_are_waiting_again(
    runtime: Runtime, shop: Shop, parked: list[int], which: Which, meant: list[int]
) -> None:
    with runtime.database.system() as session:
        assert replay_many(session, shop.id, which, "staff:1") == [parked[number] for number in meant]
    assert [row.id for row in rows(runtime) if row.state == "pending"] == [parked[number] for number in meant]


def test_who_replayed_is_kept_and_other_shops_are_left_alone(runtime: Runtime, shop: Shop, parked: list[int]) -> None:
    with runtime.database.system() as session:
        assert replay_many(session, shop.id + 1, Which(), "staff:1") == []
        assert replay_many(session, shop.id, Which(ids=parked[:1]), "staff:1") == parked[:1]
    (line,) = audited(runtime)
    assert (line.actor, line.what, line.after) == ("staff:1", "events.replayed", {"events": parked[:1]})


def test_a_dismissed_event_is_over_and_says_why(runtime: Runtime, shop: Shop, parked: list[int]) -> None:
    with runtime.database.system() as session:
        assert dismiss(session, shop.id, parked[0], " sent by a test of ours ", "staff:1")
        assert not dismiss(session, shop.id, parked[0], "again", "staff:2")
        assert not dismiss(session, shop.id + 1, parked[1], "not mine", "staff:2")
        assert replay_many(session, shop.id, Which(ids=parked[:1]), "staff:1") == []
    assert tuple(rows(runtime)[0]) == (parked[0], "ignored", "dismissed", "sent by a test of ours")
    assert [(line.actor, line.what, line.subject) for line in audited(runtime)] == [
        ("staff:1", "event.dismissed", f"event:{parked[0]}")
    ]


def test_a_merchant_reads_in_plain_words_what_failed(runtime: Runtime, shop: Shop, parked: list[int]) -> None:
    with runtime.database.shop(shop.id) as session:
        shown = log.event(session, shop.id, parked[2])
    assert shown is not None
    assert shown.explanation == (
        "The message does not say which order, customer or refund it is about. (id is missing)"
    )


def test_every_reason_that_the_code_gives_has_its_words() -> None:
    given = set()
    for path in [*ROOT.glob("app/**/*.py"), *ROOT.glob("webhooks/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                place = {"BadPayload": 0, "SetAside": 1}.get(name)
                reason = node.args[place] if place is not None and len(node.args) > place else None
                if isinstance(reason, ast.Constant):
                    given.add(reason.value)
    assert given - wording.reasons() == set()
    assert len(given) > 10


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"topic": "orders/delete"}, "inbox_events_topic_ix"),
        ({"state": "parked"}, "inbox_events_parked_ix"),
        ({"state": "ignored"}, "inbox_events_ignored_ix"),
    ],
)
def test_the_log_is_read_along_an_index_whatever_it_is_filtered_by(
    runtime: Runtime, shop: Shop, filters: dict[str, str], index: str
) -> None:
    statement = log.wanted(shop.id, state=filters.get("state"), topic=filters.get("topic"), before=None, limit=50)
    compiled = statement.compile(runtime.database.engine, compile_kwargs={"literal_binds": True})
    with runtime.database.system() as session:
        session.execute(text("set local enable_seqscan = off"))
        plan = session.execute(text(f"explain {compiled}")).scalars()
        assert index in "\n".join(plan)
