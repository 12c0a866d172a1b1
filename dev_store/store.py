"""One running development store: everything a request handler can reach, in one object.

`web.create_app` puts it into `app.extensions["dev_store"]`; blueprints get it with `current_store()`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

from dev_store.clock import Clock
from dev_store.commerce import Commerce
from dev_store.config import Config
from dev_store.state import State
from dev_store.webhooks.delivery import Delivery

if TYPE_CHECKING:
    from dev_store.faults import Faults


@dataclass(frozen=True)
class DevStore:
    """`delivery.outbox` is where a verb leaves its webhooks; `faults` belongs to the GraphQL and OAuth side."""

    config: Config
    state: State
    clock: Clock
    delivery: Delivery
    faults: "Faults"

    def commerce(self, shop: str) -> Commerce:
        """The verbs of one shop (full myshopify domain). Raises UnknownShop."""
        return Commerce(self.state, shop, self.delivery.outbox)


def current_store() -> DevStore:
    """The store that serves the request in hand."""
    return cast(DevStore, current_app.extensions["dev_store"])
