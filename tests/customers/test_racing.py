"""A merge beside an order of the absorbed customer: whoever comes second sees to it that no points strand."""

import threading

import pytest

from app.customers import service
from app.customers.payload import Merge
from app.orders import service as orders
from app.orders.payload import parse_order
from app.reactions import react
from tests.customers.conftest import People
from tests.webhooks.deliveries import START, order_body


@pytest.fixture
def pair(people: People) -> People:
    """Two customers with accounts."""
    people.order(1, 1000, 7)
    people.order(2, 2000, 8)
    return people


def test_an_order_that_was_read_before_the_merge_and_settled_after_it_follows(pair: People) -> None:
    with pair.runtime.database.system() as slow:
        changes = orders.apply(slow, [parse_order(pair.shop.id, order_body(3, customer_id=8), START)])
        pair.merged(7, 8)
        react(slow, changes)
    assert (pair.customers_points(7), pair.agrees()) == (130, True)


def test_a_merge_that_could_not_see_the_order_finds_it_when_its_turn_comes(pair: People) -> None:
    def merge() -> None:
        with pair.runtime.database.system() as session:
            changes, regrouped = service.merge(session, [Merge(pair.shop.id, 7, 8)])
            waiting.set()
            react(session, changes, frozenset(regrouped))

    waiting = threading.Event()
    thread = threading.Thread(target=merge)
    with pair.runtime.database.system() as slow:
        react(slow, orders.apply(slow, [parse_order(pair.shop.id, order_body(3, customer_id=8), START)]))
        thread.start()
        assert waiting.wait(10)
        thread.join(0.5)
        assert thread.is_alive(), "it waits for the balance"
    thread.join(10)
    assert (pair.customers_points(7), pair.agrees()) == (130, True)
