"""What all nouns of the shop share: finding documents, stamping instants, announcing what happened.

A verb is a method marked with `@verb`: it runs in one transaction together with its webhooks, and only verbs can be
called through the control plane.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from dev_store.money import Tender
from dev_store.refusals import Unknown
from dev_store.state import Document, State
from dev_store.webhooks.outbox import Outbox

P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V", bound="Verbs")

VERBS: set[str] = set()


def verb(method: Callable[Concatenate[V, P], R]) -> Callable[Concatenate[V, P], R]:
    """Makes a method one of the shop's verbs: whole or not at all, and callable by name."""
    VERBS.add(method.__name__)

    @wraps(method)
    def run(self: V, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.state.transaction():
            return method(self, *args, **kwargs)

    return run


class Verbs:
    """The ground of all nouns. `shop` is the full myshopify domain."""

    def __init__(self, state: State, shop: str, outbox: Outbox) -> None:
        """Raises Unknown when there is no such shop."""
        self.state = state
        self.shop = shop
        self._outbox = outbox
        self._zone = ZoneInfo(self.shop_document()["iana_timezone"])

    def shop_document(self) -> Document:
        found = self.state.shop_document(self.shop)
        if found is None:
            raise Unknown(f"there is no shop {self.shop} in this development store")
        return found

    def _document(self, kind: str, key: int | str) -> Document:
        found = self.state.get(self.shop, kind, key)
        if found is None:
            raise Unknown(f"{self.shop} has no {kind} {key}")
        return found

    def _new(self, kind: str) -> int:
        return self.state.next_id(self.shop, kind)

    def _stamp(self, at: datetime) -> str:
        """Webhook instants have whole seconds and the offset of the shop's zone."""
        return at.astimezone(self._zone).isoformat(timespec="seconds")

    def _emit(self, at: datetime, *happened: tuple[str, Document]) -> None:
        self._outbox.emit(self.shop, at, happened)


def gid(kind: str, key: int) -> str:
    """Shopify's global id: gid('Order', 1) is 'gid://shopify/Order/1'."""
    return f"gid://shopify/{kind}/{key}"


def tender_of(order: Document) -> Tender:
    """The currencies an order was placed in."""
    return Tender(order["currency"], order["presentment_currency"], Decimal(order["_rate"]))
