"""One thing at a time goes wrong with the machine; all comes back by itself, and nothing acknowledged is lost."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app import clock
from app.config import Settings
from app.db import Database
from app.factory import create_app
from app.migrations.run import migrate
from app.postgres import conninfo
from app.postgres.server import EmbeddedPostgres
from app.runtime import Runtime
from app.shops.models import Shop
from tests.factories import make_shop
from tests.webhooks.deliveries import START, delivery, order_body, send
from tests.webhooks.reading_points import balance
from webhooks.claim import release_frozen
from webhooks.loop import InboxLoop
from webhooks.routes import EXTENSION


def test_an_exhausted_pool_keeps_no_webhook_waiting(runtime: Runtime, shop: Shop) -> None:
    small = Database(runtime.settings.database_url or "", pool_size=1)
    app = create_app(replace(runtime, database=small))
    with ExitStack() as held:
        for _ in range(6):
            held.enter_context(small.engine.connect())
        assert send(app.test_client(), delivery("orders/create", order_body(1))) == 200
    app.extensions[EXTENSION].close()
    small.dispose()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "server", {"fsync": "off", "shared_buffers": "16MB"})
    yield server
    server.leave()


def killed(server: EmbeddedPostgres) -> None:
    """As by a power cut: nothing is said to anybody, and the next start has to recover."""
    postmaster = int((server.layout.data / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)


def _wait_until_refused(client: FlaskClient) -> None:
    """A backend that has not noticed yet that its postmaster is dead may still commit one more, and durably."""
    deadline = time.monotonic() + 10
    while send(client, delivery("orders/create", order_body(2))) != 503:
        assert time.monotonic() < deadline, "webhooks are acknowledged without a database"


@pytest.mark.parametrize("ended", [EmbeddedPostgres.stop, killed])
def test_door_and_loop_outlive_their_database(
    settings: Settings, runtime: Runtime, own_server: EmbeddedPostgres, ended: Callable[[EmbeddedPostgres], object]
) -> None:
    away = replace(runtime, database=Database(own_server.start()))
    migrate(away.database.engine)
    make_shop(away)
    app = create_app(away)
    client = app.test_client()
    stop, wake = threading.Event(), threading.Event()
    loop = threading.Thread(target=InboxLoop(away).run, args=(stop, wake, 0.1))
    loop.start()
    try:
        assert send(client, delivery("orders/create", order_body(1))) == 200
        ended(own_server)
        _wait_until_refused(client)
        own_server.start()
        assert send(client, delivery("orders/create", order_body(2))) == 200
        deadline = time.monotonic() + 10
        while balance(away, 7) < 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert balance(away, 7) == 200
    finally:
        stop.set()
        loop.join()
        app.extensions[EXTENSION].close()
        away.database.dispose()


def test_a_clock_that_steps_back_changes_no_points(
    client: FlaskClient, runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = InboxLoop(runtime)
    assert send(client, delivery("orders/paid", order_body(1, total="100.00"), 1)) == 200
    loop.drain()
    earlier = clock.wall_now() - timedelta(hours=1)
    monkeypatch.setattr(clock, "wall_now", lambda: earlier)
    assert (
        send(client, delivery("orders/updated", order_body(1, at=START + timedelta(seconds=9), current="40.00"), 9))
        == 200
    )
    assert (
        send(client, delivery("orders/updated", order_body(1, at=START + timedelta(seconds=4), current="70.00"), 4))
        == 200
    )
    # As if one of them had been tried, and put off for a second, before the step.
    _execute(runtime, "update inbox_events set retry_at = received_at + interval '1 hour 1 second'")
    loop.drain()
    assert balance(runtime, 7) == 40


_FULL = """
create function pg_temp_full() returns trigger language plpgsql as
$$ begin raise exception 'no space left on device' using errcode = 'disk_full'; end $$;
create trigger full_disk before insert on {table} for each statement execute function pg_temp_full();
"""
_FREED = "drop function pg_temp_full cascade"


def test_a_full_disk_refuses_at_the_door_and_parks_nothing(client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    item = delivery("orders/create", order_body(1))
    _execute(runtime, _FULL.format(table="inbox_events"))
    assert send(client, item) == 503
    _execute(runtime, _FREED)
    assert send(client, item) == 200

    _execute(runtime, _FULL.format(table="ledger_entries"))
    stop, wake = threading.Event(), threading.Event()
    loop = threading.Thread(target=InboxLoop(runtime).run, args=(stop, wake, 0.05))
    loop.start()
    time.sleep(4)  # eight turns that fail, more than the deaths that would park
    stop.set()
    loop.join()
    _execute(runtime, _FREED)
    InboxLoop(runtime).drain()
    assert balance(runtime, 7) == 100
    with runtime.database.system() as session:
        assert session.scalar(text("select max(deaths) from inbox_events")) == 0


def _execute(runtime: Runtime, statements: str) -> None:
    with runtime.database.system() as session:
        session.execute(text(statements))


def test_a_process_that_froze_while_it_was_answered_loses_its_session(runtime: Runtime) -> None:
    address = conninfo(runtime.database.engine.url)
    with psycopg.connect(address, application_name="frozen") as frozen:
        frozen.execute("select id from inbox_partitions where id = 5 for update")
        frozen.pgconn.send_query(b"select repeat('x', 1000000) from generate_series(1, 100)")  # and never reads it
        deadline = time.monotonic() + 10
        while not _partition_is_free(runtime, 5):
            assert time.monotonic() < deadline
            with runtime.database.system() as session:
                release_frozen(session)
            time.sleep(0.2)
        assert time.monotonic() > deadline - 10 + 2.5
        frozen.close()


def _partition_is_free(runtime: Runtime, partition: int) -> bool:
    query = text("select id from inbox_partitions where id = :id for update skip locked")
    with runtime.database.system() as session:
        return session.scalar(query, {"id": partition}) is not None
