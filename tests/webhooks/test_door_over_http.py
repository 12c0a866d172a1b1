"""The door as Shopify and strangers meet it: the real server, real connections, and no worker anywhere."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from app.db import Database
from app.migrations.run import migrate
from app.postgres.server import EmbeddedPostgres
from app.runtime import Runtime
from app.shops.models import Shop
from tests.factories import make_shop
from tests.shopify.signing import OLD_SECRET
from tests.webhooks.doorstep import SHOP, Doorstep, doorstep, read, request
from webhooks.body import open_body
from webhooks.door import LARGEST_BODY

RAW = b'{"id": 1}'


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, worker_database: str) -> Iterator[Doorstep]:
    """One web process for all tests of this file."""
    with doorstep(tmp_path_factory.mktemp("door"), worker_database) as process:
        yield process
        process.stop()


@pytest.fixture
def door(process: Doorstep, runtime: Runtime, shop: Shop) -> Doorstep:
    """The process, on an emptied database with one shop."""
    return process


def stored(runtime: Runtime) -> dict[str, bytes]:
    """Bodies by webhook id."""
    query = text("select topic, webhook_id, body from inbox_events where state = 'pending' order by id")
    with runtime.database.system() as session:
        rows = session.execute(query).all()
    return {
        row.webhook_id: open_body(runtime.keyring, SHOP, row.topic, row.webhook_id, bytes(row.body)) for row in rows
    }


@contextmanager
def stuck(runtime: Runtime) -> Iterator[None]:
    """Nothing can be stored for the length of the block."""
    with runtime.database.system() as session:
        session.execute(text("lock table inbox_events in access exclusive mode"))
        yield


def test_a_delivery_is_stored_and_acknowledged_without_a_worker(door: Doorstep, runtime: Runtime) -> None:
    assert door.send(request(RAW, "w-1")).status == 200
    assert stored(runtime) == {"w-1": RAW}


def test_a_connection_serves_deliveries_one_after_the_other(door: Doorstep, runtime: Runtime) -> None:
    with door.connect() as connection:
        for number in range(3):
            connection.sendall(request(RAW, f"kept-{number}"))
            assert read(connection).status == 200
        connection.sendall(request(RAW, "piped-1") + request(RAW, "piped-2", secret="wrong") + request(RAW, "piped-3"))
        assert [read(connection).status for _ in range(3)] == [200, 401, 200]
    assert set(stored(runtime)) == {"kept-0", "kept-1", "kept-2", "piped-1", "piped-3"}


@pytest.mark.parametrize(
    "header",
    [
        "X-Other: 1",
        "X-Shopify-Hmac-Sha256:",
        "X-Shopify-Hmac-Sha256: Zm9yZ2Vk",
        "X-Shopify-Hmac-Sha256: \xfc-not-ascii",
        "X-Shopify-Hmac-Sha256: " + "=" * 5_000,
    ],
)
def test_what_is_not_signed_by_shopify_is_refused_and_not_stored(door: Doorstep, runtime: Runtime, header: str) -> None:
    lines = request(RAW, "forged").decode("latin-1").split("\r\n")
    forged = [header if line.startswith("X-Shopify-Hmac") else line for line in lines]
    assert door.send("\r\n".join(forged).encode("latin-1")).status == 401
    assert door.send(request(RAW, "forged").replace(b'"id": 1', b'"id": 2')).status == 401
    assert stored(runtime) == {}


def test_both_secrets_count_during_a_rotation_and_no_other(door: Doorstep, runtime: Runtime) -> None:
    assert door.send(request(RAW, "new")).status == 200
    assert door.send(request(RAW, "old", secret=OLD_SECRET)).status == 200
    assert door.send(request(RAW, "older", secret="older")).status == 401
    assert set(stored(runtime)) == {"new", "old"}


@pytest.mark.parametrize("length", [None, -1], ids=["with its length", "in chunks"])
def test_five_megabytes_are_kept_and_more_than_shopify_sends_is_refused(
    door: Doorstep, runtime: Runtime, length: int | None
) -> None:
    raw = b'{"id": 1, "note": "' + b"x" * 5 * 1024 * 1024 + b'"}'
    assert door.send(request(raw, "large", length=length, more=["Expect: 100-continue"])).status == 200
    assert door.send(request(b"x" * (LARGEST_BODY + 1), "too-large", length=length)).status == 413
    assert stored(runtime) == {"large": raw}
    assert door.send(request(RAW, "next", length=length)).status == 200


def test_a_slow_sender_is_waited_for_and_holds_up_nobody(door: Doorstep, runtime: Runtime) -> None:
    with door.connect() as slow:
        sent = request(RAW, "slow")
        for place in range(0, len(sent), 40):
            slow.sendall(sent[place : place + 40])
            time.sleep(0.05)
            started = time.monotonic()
            assert door.send(request(RAW, f"quick-{place}")).status == 200
            assert time.monotonic() - started < 1
        assert read(slow).status == 200
    assert stored(runtime)["slow"] == RAW


def test_a_repeated_header_must_say_the_same_each_time(door: Doorstep, runtime: Runtime) -> None:
    same, other = f"X-Shopify-Shop-Domain: {SHOP}", "X-Shopify-Shop-Domain: other.myshopify.com"
    assert door.send(request(RAW, "same", more=[same])).status == 200
    assert door.send(request(RAW, "different", more=[other])).status == 400
    assert door.send(request(RAW, "signed-twice", more=["X-Shopify-Hmac-Sha256: Zm9yZ2Vk"])).status == 400
    assert set(stored(runtime)) == {"same"}


def test_other_methods_and_paths_are_not_the_door(door: Doorstep, runtime: Runtime) -> None:
    sent = request(RAW, "elsewhere")
    assert door.send(sent.replace(b"POST", b"PUT")).status == 405
    assert door.send(sent.replace(b"/webhooks ", b"/webhooks/ ")).status == 404
    assert door.send(sent.replace(b"/webhooks ", b"/webhooks?x=1 ")).status == 200
    assert set(stored(runtime)) == {"elsewhere"}


def test_what_is_half_sent_is_bounded_and_given_back(door: Doorstep, runtime: Runtime) -> None:
    halves = [door.connect() for _ in range(11)]  # each says that it will send 5.5 of the 64 MB that may wait
    for number, connection in enumerate(halves):
        connection.sendall(request(RAW, f"half-{number}", length=LARGEST_BODY))
    time.sleep(0.3)
    full = door.send(request(RAW, "one-more", length=LARGEST_BODY))
    assert (full.status, full.headers["retry-after"]) == (503, "5")
    assert door.send(request(RAW, "small")).status == 200
    for connection in halves:
        connection.close()
    raw = b"y" * 5_000_000
    deadline = time.monotonic() + 3
    while door.send(request(raw, "large")).status != 200:
        assert time.monotonic() < deadline
    assert set(stored(runtime)) == {"small", "large"}


def test_a_stuck_database_and_a_silent_sender_get_their_answer_in_time(door: Doorstep, runtime: Runtime) -> None:
    with door.connect() as silent, ThreadPoolExecutor() as threads:
        started = time.monotonic()
        silent.sendall(request(RAW, "silent", length=100))
        with stuck(runtime):
            late = threads.submit(door.send, request(RAW, "late")).result()
            assert (late.status, late.headers["retry-after"]) == (503, "5")
        assert read(silent).status == 503
        assert 4 < time.monotonic() - started < 5
    assert door.send(request(RAW, "after")).status == 200
    assert set(stored(runtime)) <= {"late", "after"}


def test_a_stop_finishes_what_is_in_hand_and_waits_for_nobody_who_does_not_send(
    tmp_path: Path, runtime: Runtime, shop: Shop, worker_database: str
) -> None:
    with doorstep(tmp_path, worker_database) as door, door.connect() as half, door.connect() as idle:
        half.sendall(request(RAW, "half", length=100))
        idle.sendall(request(RAW, "first"))
        assert read(idle).status == 200
        with ThreadPoolExecutor() as threads:
            with stuck(runtime):
                waiting = threads.submit(door.send, request(RAW, "in-hand"))
                time.sleep(0.5)
                stopped = threads.submit(door.stop)
                time.sleep(0.5)
            assert waiting.result().status == 200
            assert stopped.result() < 8
    assert set(stored(runtime)) == {"first", "in-hand"}


def test_the_door_comes_back_by_itself_when_its_database_does(tmp_path: Path, runtime: Runtime) -> None:
    server = EmbeddedPostgres(tmp_path / "server", {"fsync": "off", "shared_buffers": "16MB"})
    try:
        database = Database(server.start())
        migrate(database.engine)
        make_shop(replace(runtime, database=database))
        database.dispose()
        with doorstep(tmp_path, database.engine.url.render_as_string(hide_password=False)) as door:
            assert door.send(request(RAW, "before")).status == 200
            server.stop()
            assert [door.send(request(RAW, "during")).status for _ in range(3)] == [503, 503, 503]
            server.start()
            assert door.send(request(RAW, "during")).status == 200
            assert door.stop() < 8
    finally:
        server.leave()
