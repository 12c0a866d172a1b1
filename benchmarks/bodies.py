"""Webhooks as Shopify sends them: bodies rendered by the development store, signed, in the proportions of a real shop.

A body has 5 kB: what is null in it is left out, and a note of words makes up the rest. The store renders one order with
its refund and its customer; further ones are the same bytes under other ids, addresses, prices and instants. For each
order there are orders/create and orders/paid (one state, as at Shopify), two orders/updated and one customers/update;
one order in ten is refunded, which adds refunds/create and a third orders/updated (7 kB, it holds its refund).
"""

import base64
import hmac
import itertools
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import orjson

from dev_store.commerce import Commerce, OrderLine, open_shop
from dev_store.state import Document, State, public
from dev_store.webhooks.outbox import Outbox

SIZE = 5_000
REFUNDED = 0.1
_SHOP = "template.myshopify.com"
_PRICE = b"25.00"
_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_ZONE = "UTC"
_ORDERS = 6_000_000_000_000
_CUSTOMERS = 7_000_000_000_000
_WORDS = (
    "please",
    "leave",
    "the parcel",
    "at the door",
    "and ring",
    "thank you",
    "gift for",
    "my sister",
    "oolong tea",
)


@dataclass(frozen=True)
class Webhook:
    """A topic and a body, not yet signed."""

    topic: str
    body: bytes


class _Templates:
    """One order's life at the development store."""

    def __init__(self) -> None:
        state, told = State(None), dict[str, list[Document]]()
        open_shop(state, _SHOP, name="Template", at=_AT, timezone=_ZONE)
        shop = Commerce(state, _SHOP, _Listener(told))
        line = OrderLine("Oolong", 1, _PRICE.decode(), sku="OOLONG")
        # Each kind counts its own ids: earlier ones make sure that the ids we replace are all different.
        for _ in range(2):
            shop.place_order(at=_AT, email="early@example.com", lines=[line, line])
        for n in range(9):
            shop.create_customer(at=_AT, email=f"early{n}@example.com")
        told.clear()
        self.customer_id = shop.create_customer(at=_AT, email="template@example.com", first_name="Mary", last_name="Jo")
        self.order_id = shop.place_order(at=_AT, customer_id=self.customer_id, lines=[line])
        order = state.get(_SHOP, "order", self.order_id)
        assert order is not None
        self.line_id = order["line_items"][0]["id"]
        self.refund_id = shop.refund(self.order_id, at=_AT, lines={self.line_id: 1})
        self.order, self.refunded = (_sized(told["orders/updated"][n]) for n in (0, -1))
        self.customer = _sized(told["customers/create"][0])
        self.refund = _sized(told["refunds/create"][0])


class _Listener(Outbox):
    """Hears what the shop would tell, as it was at that moment."""

    def __init__(self, told: dict[str, list[Document]]) -> None:
        self._told = told

    def emit(self, shop: str, at: datetime, happened: Any) -> None:
        for topic, document in happened:
            self._told.setdefault(topic, []).append(orjson.loads(orjson.dumps(public(document))))


def _sized(document: Document) -> bytes:
    kept = _without_nulls(document)
    missing = SIZE - len(orjson.dumps({**kept, "note": ""}))
    words = random.Random(1)
    note = ""
    while len(note) < missing:
        note += words.choice(_WORDS) + " "
    return orjson.dumps({**kept, "note": note[: max(missing, 0)]})


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None and inner != []}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


@cache
def _templates() -> _Templates:
    return _Templates()


class Shopper:
    """Makes webhooks of one shop, seeded: its orders, customers and refunds."""

    def __init__(self, shop: int, *, customers: int = 2_000) -> None:
        self._templates = _templates()
        self._random = random.Random(shop)
        self._numbers = itertools.count(_ORDERS + shop * 1_000_000_000)
        self._first_customer = _CUSTOMERS + shop * 1_000_000_000
        self._customers = customers

    def customer_id(self, number: int) -> int:
        """Shopify's id of the customer of that number; numbers from `customers` on never order by themselves."""
        return self._first_customer + number

    def order(self, customer: int | None = None) -> Iterator[Webhook]:
        """One order's webhooks in the order in which Shopify tells them; the first two are create and paid."""
        templates = self._templates
        buyer = self.customer_id(self._random.randrange(self._customers) if customer is None else customer)
        changes = self._changes(buyer)
        placed = _filled(templates.order, changes, _AT)
        yield Webhook("orders/create", placed)
        yield Webhook("orders/paid", placed)
        yield Webhook("customers/update", _filled(templates.customer, changes, _AT))
        for days in (1, 2):
            yield Webhook("orders/updated", _filled(templates.order, changes, _AT + timedelta(days=days)))
        if self._random.random() < REFUNDED:
            later = _AT + timedelta(days=3)
            yield Webhook("refunds/create", _filled(templates.refund, changes, later))
            yield Webhook("orders/updated", _filled(templates.refunded, changes, later))

    def _changes(self, buyer: int) -> list[tuple[bytes, bytes]]:
        templates = self._templates
        numbers = [(templates.customer_id, buyer), (templates.order_id, next(self._numbers))]
        numbers += [(templates.line_id, next(self._numbers)), (templates.refund_id, next(self._numbers))]
        price = f"{self._random.randrange(1_000, 10_000) / 100:05.2f}".encode()
        address = f"b{buyer}@example.com".encode()
        ids = [(str(old).encode(), str(new).encode()) for old, new in numbers]
        return [*ids, (_PRICE, price), (b"template@example.com", address)]


def _filled(template: bytes, changes: Sequence[tuple[bytes, bytes]], at: datetime) -> bytes:
    for old, new in changes:
        template = template.replace(old, new)
    stamp = b'"updated_at":"'
    return template.replace(stamp + _AT.isoformat().encode(), stamp + at.isoformat().encode())


class Signer:
    """Turns webhooks into whole HTTP requests; instants of triggering rise strictly."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._nanoseconds = itertools.count(1)

    def request(self, domain: str, webhook: Webhook) -> bytes:
        """A request with an id that no other has."""
        return self._head(domain, webhook) + webhook.body

    def endless(self, domains: Sequence[str], webhooks: Sequence[Webhook]) -> Iterator[bytes]:
        """The same webhooks again and again under ids of their own: cheap, for doors that do not look inside."""
        kept = [(self._head(domain, webhook), webhook.body) for webhook in webhooks for domain in domains]
        marker = b"X-Shopify-Webhook-Id: "
        pieces = []
        for head, body in kept:
            before, _, after = head.partition(marker)
            pieces.append((before + marker, b"\r\n" + after.partition(b"\r\n")[2] + body))
        run = uuid.uuid4().hex.encode()
        for n in itertools.count():
            before, after = pieces[n % len(pieces)]
            yield b"%b%b-%d%b" % (before, run, n, after)

    def _head(self, domain: str, webhook: Webhook) -> bytes:
        signature = base64.b64encode(hmac.digest(self._secret, webhook.body, "sha256")).decode()
        at, nanoseconds = divmod(next(self._nanoseconds) * 1_009, 1_000_000_000)
        triggered = f"{_AT + timedelta(days=5, seconds=at):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
        lines = (
            "POST /webhooks HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/json",
            "Accept: */*",
            "User-Agent: Shopify-Captain-Hook",
            f"X-Shopify-Topic: {webhook.topic}",
            f"X-Shopify-Shop-Domain: {domain}",
            "X-Shopify-API-Version: 2026-10",
            f"X-Shopify-Webhook-Id: {uuid.uuid4()}",
            f"X-Shopify-Event-Id: {uuid.uuid4()}",
            f"X-Shopify-Triggered-At: {triggered}",
            f"X-Shopify-Hmac-Sha256: {signature}",
            f"Content-Length: {len(webhook.body)}",
        )
        return "\r\n".join([*lines, "\r\n"]).encode()


def mixed(signer: Signer, domains: Sequence[str], count: int) -> list[bytes]:
    """`count` requests of all shops in turn, every order's webhooks close together but not side by side."""
    shoppers = {domain: Shopper(n) for n, domain in enumerate(domains, 1)}
    streams = {domain: woven(shopper) for domain, shopper in shoppers.items()}
    found: list[bytes] = []
    for domain in itertools.cycle(domains):
        if len(found) >= count:
            return found
        found.append(signer.request(domain, next(streams[domain])))
    raise AssertionError("there is no shop")


def woven(shopper: Shopper, together: int = 8) -> Iterator[Webhook]:
    """Several orders live at the same time, as they do in a shop."""
    return (webhook for _, webhook in woven_across([shopper], together))


def woven_across(shoppers: Sequence[Shopper], together: int = 8) -> Iterator[tuple[int, Webhook]]:
    """Webhooks with the number of their shop; each new order is the next shop's, and so many live at the same time.

    How close an order's webhooks are to each other does not depend on the number of shops.
    """
    turns = itertools.cycle(range(len(shoppers)))
    lives: list[tuple[int, Iterator[Webhook]]] = [(0, iter(()))] * together
    for n in itertools.cycle(range(together)):
        shop, life = lives[n]
        webhook = next(life, None)
        if webhook is None:
            shop = next(turns)
            life = shoppers[shop].order()
            lives[n] = (shop, life)
            webhook = next(life)
        yield shop, webhook
