"""A friend's order beside one of the advocate that shows them to be one person: whoever comes second sees both."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.orders import service as orders
from app.orders.payload import parse_order
from app.reactions import react
from tests.referrals.conftest import ANN, BEN, HOME, Circle
from tests.webhooks.deliveries import START, order_body

Delivery = Callable[[Session], None]


def telling(circle: Circle, number: int, customer: int, **more: Any) -> Delivery:
    body = order_body(number, customer_id=customer, shipping_address=HOME, **more)

    def tell(session: Session) -> None:
        react(session, orders.apply(session, [parse_order(circle.shop.id, body, START)]))

    return tell


@pytest.mark.parametrize("friend_first", [True, False])
def test_two_that_come_at_once_are_judged_together(circle: Circle, friend_first: bool) -> None:
    circle.order(9, 1_000, ANN)
    before = (START - timedelta(days=1)).isoformat()
    attributes = [{"name": "_ref", "value": circle.code()}]
    pair = [telling(circle, 1, BEN, note_attributes=attributes), telling(circle, 2, ANN, processed_at=before)]
    first, second = pair if friend_first else reversed(pair)

    def follow() -> None:
        with circle.runtime.database.system() as session:
            second(session)

    thread = threading.Thread(target=follow)
    with circle.runtime.database.system() as slow:
        first(slow)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it waits for the advocate's balance"
    thread.join(10)
    assert circle.referrals() == [(1, "attribute", "same_address")]
    assert circle.rewarded() == (0, 0)
