"""What a loop takes next: the oldest, fairly, and not too much at once."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.runtime import Runtime
from app.shops.models import Shop
from tests.factories import make_shop
from tests.webhooks.deliveries import delivery, order_body, send
from webhooks import claim as claiming
from webhooks.claim import claim


def claimed(runtime: Runtime, batch: int = 500) -> list[tuple[int, str]]:
    """Shop and topic of what would be taken, in the order of taking; everything lies in one partition."""
    with runtime.database.system() as session:
        session.execute(text("update inbox_events set partition = 1"))
        return [(event.shop_id, event.topic) for event in claim(session, [1], batch)]


def fill(client: FlaskClient, shop: Shop, count: int, first: int) -> None:
    for number in range(first, first + count):
        assert send(client, delivery("orders/create", order_body(number)), shop=shop.domain) == 200


def test_a_shop_with_many_events_does_not_starve_one_with_few(
    client: FlaskClient, runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "COMPANY", 3)
    other = make_shop(runtime, "other.myshopify.com")
    fill(client, shop, 12, 100)
    fill(client, other, 2, 200)
    taken = claimed(runtime, batch=6)
    assert [shop_id for shop_id, _ in taken].count(other.id) == 2
    assert [shop_id for shop_id, _ in taken].count(shop.id) == 3


def test_a_shop_alone_fills_the_batch(
    client: FlaskClient, runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "COMPANY", 3)
    fill(client, shop, 8, 100)
    assert len(claimed(runtime, batch=6)) == 6


def test_the_shop_that_has_waited_longest_goes_first_with_all_of_its_company(
    client: FlaskClient, runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "COMPANY", 3)
    other = make_shop(runtime, "other.myshopify.com")
    fill(client, other, 1, 200)
    fill(client, shop, 5, 100)
    fill(client, other, 2, 201)
    with runtime.database.system() as session:
        session.execute(text("update inbox_events set partition = 1"))
        events = claim(session, [1], 4)
    assert [event.shop_id for event in events].count(other.id) == 3


def test_compliance_comes_before_orders(client: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    fill(client, shop, 2, 100)
    request = {"shop_domain": shop.domain, "customer": {"id": 7}}
    send(client, delivery("customers/data_request", request), shop=shop.domain)
    assert claimed(runtime)[0] == (shop.id, "customers/data_request")


def test_large_bodies_make_small_batches_and_one_is_always_taken(
    client: FlaskClient, runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client, shop, 5, 100)
    with runtime.database.system() as session:
        size = session.scalar(text("select max(octet_length(body)) from inbox_events"))
    monkeypatch.setattr(claiming, "BATCH_BYTES", 2 * size)
    assert len(claimed(runtime)) in {2, 3}
    monkeypatch.setattr(claiming, "BATCH_BYTES", 1)
    assert len(claimed(runtime)) == 1
