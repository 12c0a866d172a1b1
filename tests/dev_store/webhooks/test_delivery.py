"""Delivery over real HTTP: the envelope, what counts as success, retries, switches, a restart in between."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from dev_store.commerce import Commerce, OrderLine
from dev_store.config import ConfigError
from dev_store.refusals import RefusalError
from dev_store.webhooks.delivery import Delivery, wait_before
from tests.dev_store.receiver import Received, Receiver
from tests.dev_store.scene import NOON, SHOP, MakeShop, Sent
from tests.dev_store.webhooks.conftest import Run

MUG = [OrderLine("Mug", 1, "10.00")]


def test_a_delivery_carries_shopifys_headers_and_a_signature_over_the_raw_body(run: Run, receiver: Receiver) -> None:
    with run() as (shop, delivery):
        shop.create_customer(at=NOON, email="ann@example.com")
        assert delivery.drain(5)
    [got] = receiver.got
    assert got.headers["X-Shopify-Topic"] == "customers/create"
    assert got.headers["X-Shopify-Shop-Domain"] == SHOP
    assert got.headers["X-Shopify-API-Version"] == "2026-10"
    assert got.headers["X-Shopify-Triggered-At"].startswith("2026-03-01T12:00:00.")
    assert got.headers["Content-Type"] == "application/json"
    digest = hmac.new(b"secret", got.body, hashlib.sha256).digest()
    assert got.headers["X-Shopify-Hmac-Sha256"] == base64.b64encode(digest).decode()
    assert json.loads(got.body)["email"] == "ann@example.com"


def test_topics_of_one_event_share_the_event_id_and_nothing_else(run: Run, receiver: Receiver) -> None:
    with run() as (shop, delivery):
        shop.place_order(at=NOON, lines=MUG)
        shop.place_order(at=NOON, lines=MUG)
        assert delivery.drain(5)
    events = [got.headers["X-Shopify-Event-Id"] for got in receiver.got]
    assert sorted(events.count(event) for event in set(events)) == [3, 3]
    assert len({got.webhook_id for got in receiver.got}) == 6


def test_triggered_at_grows_strictly_even_when_the_shop_goes_back_in_time(run: Run, receiver: Receiver) -> None:
    with run(concurrency=1) as (shop, delivery):
        for at in (NOON, NOON, NOON.replace(hour=1)):
            shop.place_order(at=at, lines=MUG)
        assert delivery.drain(5)
    instants = [got.headers["X-Shopify-Triggered-At"] for got in receiver.got]
    assert all(earlier < later for earlier, later in pairwise(instants))


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 429, 500, 503])
def test_anything_but_2xx_is_tried_again_with_the_same_ids_and_body(run: Run, receiver: Receiver, status: int) -> None:
    receiver.answer = lambda _: status if len(receiver.got) < 3 else 204
    with run(compress=1e6) as (shop, delivery):
        shop.create_customer(at=NOON, email="ann@example.com")
        assert delivery.drain(5)
        counts = delivery.stats()
    assert len(receiver.got) == 3
    assert len({(got.webhook_id, got.headers["X-Shopify-Event-Id"], got.body) for got in receiver.got}) == 1
    assert (counts["sent"], counts["failed"], counts["acknowledged"], counts["given_up"]) == (3, 2, 1, 0)


def test_after_eight_retries_a_delivery_is_given_up(run: Run, receiver: Receiver) -> None:
    receiver.answer = lambda _: 500
    with run(compress=1e6) as (shop, delivery):
        shop.create_customer(at=NOON, email="ann@example.com")
        assert delivery.drain(5)
        assert delivery.stats()["given_up"] == 1
    assert len(receiver.got) == 9


def test_the_eight_waits_double_and_make_four_hours() -> None:
    waits = [wait_before(retry) for retry in range(1, 9)]
    assert sum(waits) == pytest.approx(4 * 3600)
    assert all(later == pytest.approx(2 * earlier) for earlier, later in pairwise(waits))


def test_an_app_that_is_down_costs_nothing_but_time(run: Run, receiver: Receiver) -> None:
    with run() as (shop, delivery):
        receiver.answer = lambda _: 503
        shop.create_customer(at=NOON, email="ann@example.com")
        _until(lambda: delivery.stats()["retrying"] == 1)
        receiver.answer = lambda _: 200
        delivery.hurry()
        assert delivery.drain(5)
    assert len(receiver.got) == 2


def test_a_restart_goes_on_with_what_was_not_delivered(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    receiver.answer = lambda _: 500
    with run(path) as (shop, delivery):
        shop.create_customer(at=NOON, email="ann@example.com")
        _until(lambda: delivery.stats()["retrying"] == 1)
        delivery.change({"paused": True})
        shop.create_customer(at=NOON, email="bob@example.com")
    receiver.answer = lambda _: 200
    with run(path) as (shop, delivery):
        delivery.hurry()
        assert delivery.drain(5)
        assert delivery.stats()["acknowledged"] == 2
        assert shop.state.rows("select count(*) from deliveries where attempt > 0") == [(0,)]
    assert receiver.got[0].webhook_id == next(got for got in receiver.got[1:] if b"ann@" in got.body).webhook_id


def test_drop_loses_deliveries_for_good(run: Run, receiver: Receiver) -> None:
    with run(drop=1.0) as (shop, delivery):
        shop.place_order(at=NOON, lines=MUG)
        assert delivery.drain(5)
        assert delivery.stats()["dropped"] == 3
    assert receiver.got == []


def test_double_delivers_twice_under_one_webhook_id(run: Run, receiver: Receiver) -> None:
    with run(double=1.0) as (shop, delivery):
        shop.place_order(at=NOON, lines=MUG)
        assert delivery.drain(5)
        assert delivery.stats()["doubled"] == 3
    ids = [got.webhook_id for got in receiver.got]
    assert sorted(ids.count(one) for one in set(ids)) == [2, 2, 2]


def test_delay_holds_deliveries_back(run: Run, receiver: Receiver) -> None:
    with run(delay_seconds=0.3) as (shop, delivery):
        shop.create_customer(at=NOON, email="ann@example.com")
        assert not delivery.drain(0.1)
        assert receiver.got == []
        assert delivery.drain(5)
    assert len(receiver.got) == 1


def test_shuffle_mixes_the_order_and_a_seed_repeats_it(run: Run, receiver: Receiver) -> None:
    def sequence(seed: int | None, shuffle: int) -> list[str]:
        receiver.got.clear()
        with run(concurrency=1, paused=True, shuffle=shuffle, seed=seed) as (shop, delivery):
            for number in range(20):
                shop.create_customer(at=NOON, email=f"{number:02}@example.com")
            delivery.change({"paused": False})
            assert delivery.drain(5)
        return [json.loads(got.body)["email"] for got in receiver.got]

    mixed = sequence(7, 10)
    assert mixed == sequence(7, 10)
    assert sorted(mixed) == sequence(7, 0)
    assert mixed != sorted(mixed)


def test_paused_sends_nothing_until_it_is_lifted(run: Run, receiver: Receiver) -> None:
    with run(paused=True) as (shop, delivery):
        shop.create_customer(at=NOON, email="ann@example.com")
        assert not delivery.drain(0.2)
        assert receiver.got == []
        delivery.change({"paused": False})
        assert delivery.drain(5)
    assert len(receiver.got) == 1


def test_senders_work_at_the_same_time(run: Run, receiver: Receiver) -> None:
    together = threading.Barrier(3, timeout=4)

    def meet(_: Received) -> int:
        together.wait()
        return 200

    receiver.answer = meet
    with run(concurrency=3) as (shop, delivery):
        shop.place_order(at=NOON, lines=MUG)
        assert delivery.drain(5)
        assert delivery.stats()["failed"] == 0


@pytest.mark.parametrize("wanted", [{"drop": 2}, {"compress": 0}, {"concurrency": 0}, {"speed": 1}, {"drop": "much"}])
def test_switches_that_cannot_be_are_refused(delivery: Delivery, wanted: dict[str, object]) -> None:
    before = delivery.settings()
    with pytest.raises(ConfigError):
        delivery.change(wanted)
    assert delivery.settings() == before


def test_a_shop_without_the_app_is_told_nothing(make_shop: MakeShop, sent: Sent) -> None:
    make_shop(installed=False).place_order(at=NOON, lines=MUG)
    assert sent() == []


def test_after_the_uninstall_only_the_compliance_topics_go_out(shop: Commerce, sent: Sent) -> None:
    ann = shop.create_customer(at=NOON, email="ann@example.com")
    shop.uninstall(at=NOON)
    shop.update_customer(ann, at=NOON, note="hello")
    shop.redact_customer(ann, at=NOON)
    shop.redact_shop(at=NOON)
    assert [topic for topic, _ in sent()] == ["customers/create", "app/uninstalled", "customers/redact", "shop/redact"]


def test_a_verb_that_fails_leaves_no_webhook_behind(shop: Commerce, sent: Sent) -> None:
    order = shop.place_order(at=NOON, lines=MUG)
    before = sent()
    with pytest.raises(RefusalError):
        shop.refund(order, at=NOON, amount="11.00")
    assert sent() == before


def _until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(250):
        if condition():
            return
        pause.wait(0.02)
    pytest.fail("did not happen within 5 seconds")
