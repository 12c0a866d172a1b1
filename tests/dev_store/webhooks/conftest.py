"""A running delivery that posts to a receiver of the test's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dev_store.commerce import Commerce, open_shop
from dev_store.state import State
from dev_store.webhooks.delivery import Delivery
from tests.dev_store.receiver import Receiver, receiving
from tests.dev_store.scene import NOON, SHOP, MakeConfig

Running = tuple[Commerce, Delivery]
Run = Callable[..., Any]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def run(receiver: Receiver, make_config: MakeConfig) -> Run:
    """`with run(path, **switches) as (shop, delivery)`: a store's commerce and senders, stopped at the end."""

    @contextmanager
    def running(path: Path | None = None, **switches: Any) -> Iterator[Running]:
        with ExitStack() as stack:
            state = State(path)
            stack.callback(state.close)
            delivery = Delivery(state, make_config(receiver.uri))
            delivery.change({"concurrency": 4, **switches})
            if not state.shop_document(SHOP):
                document = open_shop(state, SHOP, name="Tea", at=NOON)
                state.put(SHOP, "shop", document["id"], {**document, "_installed_at": "2026-03-01T12:00:00Z"})
            delivery.start()
            stack.callback(delivery.stop)
            yield Commerce(state, SHOP, delivery.outbox), delivery

    return running
