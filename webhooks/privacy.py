"""Erasure where only the inbox can look: in sealed webhook bodies; and of whole shops, while no event is in hand.

Two jobs, planned by `app.shops.privacy` in the transaction that recorded the request. Both may run again, and write the
receipt (counts only) when nothing is left to do. An event that is still waiting is needed for the ledger: its body is
erased after it was handled.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app import clock, jobs
from app.crypto import CannotOpen
from app.jobs import job
from app.payload import BadPayload
from app.runtime import Runtime
from app.shops import erased_addresses, queries, secrets
from app.shops.models import PrivacyRequest, Shop
from app.shops.privacy import Person
from webhooks.body import open_body
from webhooks.models import PARTITIONS, InboxEvent

log = structlog.get_logger()

# Bodies opened at a time; one may have megabytes.
_PAGE = 100
_LOOK_AGAIN = timedelta(minutes=1)
_GID = re.compile(r"gid://shopify/(customer|order)/(\d{1,19})", re.ASCII)
_ORDER_LISTS = frozenset({"orders_to_redact", "orders_requested"})
_ENDED = ("done", "ignored", "parked")


@dataclass(frozen=True)
class Traces:
    """How to recognise a person in a body: by customer id, by order id, by address."""

    customers: frozenset[int]
    orders: frozenset[int]
    words: tuple[str, ...]

    @classmethod
    def of(cls, person: Person) -> "Traces":
        """What a request names. Addresses are found inside longer texts too."""
        customers = frozenset({person.customer_id} if person.customer_id else ())
        words = tuple(word.lower() for word in (person.email, person.phone) if word)
        return cls(customers, frozenset(person.order_ids), words)

    def left_in(self, topic: str, raw: bytes) -> bool:
        """Whether a body mentions the person; one that is no JSON is searched as text."""
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            return self._in_text(raw.decode("utf-8", "replace"))
        # What a body is about is named by its topic alone: customers/update, customers_marketing_consent/update.
        return self._in(body, topic.partition("/")[0].partition("_")[0].removesuffix("s"))

    def _in(self, value: Any, about: str) -> bool:
        """`about` is the name of the object or list that the value is, as far as it tells whose id `id` is."""
        if isinstance(value, Mapping):
            return any(
                self._in(part, name) or (isinstance(part, int) and self._is_id(about, name, part))
                for name, part in value.items()
            )
        if isinstance(value, list):
            return any(self._in(part, about) for part in value)
        if isinstance(value, str):
            return self._in_text(value)
        return about in _ORDER_LISTS and value in self.orders

    def _is_id(self, about: str, name: str, number: int) -> bool:
        thing = about if name == "id" else name.removesuffix("_id")
        return number in {"customer": self.customers, "order": self.orders}.get(thing, frozenset())

    def _in_text(self, value: str) -> bool:
        lower = value.lower()
        if any(word in lower for word in self.words):
            return True
        known = {"customer": self.customers, "order": self.orders}
        return any(int(number) in known[kind] for kind, number in _GID.findall(lower))


@dataclass
class _Round:
    """What one pass over a shop's bodies found."""

    blanked: int = 0
    waiting: int = 0
    found: list[int] = field(default_factory=list)


@job("privacy.blank_bodies")
def blank_bodies(runtime: Runtime, *, shop_id: int, request_id: int) -> None:
    """Empty every body that mentions the person of a `customers/redact`, the request's own at the very end."""
    with runtime.database.shop(shop_id) as session:
        request = session.get(PrivacyRequest, (shop_id, request_id))
        if request is None:
            return
        shop = queries.shop(session, shop_id)
        domain = shop.domain
        person = _person(runtime, session, domain, request)
        if person.email or person.phone:
            key = secrets.code_key(runtime.keyring, shop)
            erased_addresses.remember(session, request, key, person.email, person.phone)
        traces = Traces.of(person)
    this = _Round()
    after: int | None = 0
    while after is not None:
        with runtime.database.shop(shop_id) as session:
            after = _blank_page(runtime, session, (shop_id, domain, request.webhook_id), traces, after, this)
    with runtime.database.shop(shop_id) as session:
        _finish(session, request, this)


def _person(runtime: Runtime, session: Session, domain: str, request: PrivacyRequest) -> Person:
    """From the request's own body while it is there; a later round goes by the ids of customer and orders."""
    own = session.scalar(_events(request.shop_id).where(*_own(request)))
    if own is not None and own.body is not None:
        try:
            body = json.loads(open_body(runtime.keyring, domain, own.topic, own.webhook_id, own.body))
            return Person.of(body)
        except (CannotOpen, ValueError, BadPayload):
            log.warning("the body of an erasure request cannot be read", shop=request.shop_id, request=request.id)
    return Person(request.customer_id, None, None, tuple(request.order_ids))


def _events(shop_id: int) -> Any:
    return select(InboxEvent).where(InboxEvent.shop_id == shop_id, InboxEvent.body.is_not(None))


def _own(request: PrivacyRequest) -> tuple[Any, ...]:
    return (InboxEvent.topic == "customers/redact", InboxEvent.webhook_id == request.webhook_id)


def _blank_page(
    runtime: Runtime, session: Session, where: tuple[int, str, str], traces: Traces, after: int, this: _Round
) -> int | None:
    """Look through the next bodies; returns the last id, None at the end."""
    shop_id, domain, own_webhook_id = where
    events = session.scalars(_events(shop_id).where(InboxEvent.id > after).order_by(InboxEvent.id).limit(_PAGE)).all()
    for event in events:
        if event.webhook_id == own_webhook_id or not _mentions(runtime, domain, event, traces):
            continue
        if event.state in _ENDED:
            this.found.append(event.id)
        else:
            this.waiting += 1
    if this.found:
        # Parked events cannot be replayed without a body; ended is ended.
        forget = update(InboxEvent).where(InboxEvent.shop_id == shop_id, InboxEvent.id.in_(this.found))
        session.execute(forget.values(body=None))
        this.blanked += len(this.found)
        this.found.clear()
    return events[-1].id if events else None


def _mentions(runtime: Runtime, domain: str, event: InboxEvent, traces: Traces) -> bool:
    assert event.body is not None
    try:
        raw = open_body(runtime.keyring, domain, event.topic, event.webhook_id, event.body)
    except CannotOpen:
        return False  # nobody can read it any more, which is erasure enough
    return traces.left_in(event.topic, raw)


def _finish(session: Session, request: PrivacyRequest, this: _Round) -> None:
    """Come back for events that still wait, else empty the request itself and write the receipt."""
    current = session.get_one(PrivacyRequest, (request.shop_id, request.id), with_for_update=True)
    receipt = json.loads(current.receipt or "{}")
    receipt["bodies"] = receipt.get("bodies", 0) + this.blanked
    current.receipt = json.dumps(receipt, sort_keys=True)
    if this.waiting:
        again: dict[str, int | str] = {"shop_id": request.shop_id, "request_id": request.id}
        jobs.enqueue(session, "privacy.blank_bodies", again, run_at=clock.wall_now() + _LOOK_AGAIN)
        return
    own = update(InboxEvent).where(InboxEvent.shop_id == request.shop_id, *_own(request))
    session.execute(own.values(body=None))
    current.done_at = current.done_at or clock.now()
    log.info("customer erased", shop=request.shop_id, request=request.id, **receipt)


_TABLES = text("""
select c.table_name from information_schema.columns c
join information_schema.tables t using (table_schema, table_name)
where c.column_name = 'shop_id' and c.table_schema = current_schema() and t.table_type = 'BASE TABLE'
order by c.table_name
""")
_LOCK_PARTITION = text("select id from inbox_partitions where id = :id for update")


@job("privacy.erase_shop")
def erase_shop(runtime: Runtime, *, shop_id: int, request_id: int) -> None:
    """Delete every row of a shop in every table, unless the app is installed again; the request stays as receipt."""
    with runtime.database.system() as session:
        # The loop writes projections under this lock, so nothing of the shop is in hand while we delete.
        session.execute(_LOCK_PARTITION, {"id": shop_id % PARTITIONS})
        shop = session.get(Shop, shop_id, with_for_update=True)
        request = session.get(PrivacyRequest, (shop_id, request_id))
        if shop is None or request is None or request.done_at is not None:
            return
        if shop.state == "installed":
            receipt: dict[str, int] = {"kept_because_reinstalled": 1}
        else:
            receipt = _delete_rows(session, shop_id, request_id)
            _blank_shop(shop)
        request.receipt = json.dumps(receipt, sort_keys=True)
        request.done_at = clock.now()
    log.info("shop erasure finished", shop=shop_id, **receipt)


def _delete_rows(session: Session, shop_id: int, request_id: int) -> dict[str, int]:
    """From the catalogue, not from a list of ours: a table that is added later is erased as well."""
    counts: dict[str, int] = {}
    for table in session.execute(_TABLES).scalars().all():
        but = " and id <> :request_id" if table == PrivacyRequest.__tablename__ else ""
        statement = text(f'delete from "{table}" where shop_id = :shop_id{but}')  # noqa: S608 - a name from the catalogue
        deleted = session.execute(statement, {"shop_id": shop_id, "request_id": request_id})
        counts[table] = deleted.rowcount  # type: ignore[attr-defined]  # a cursor result, since nothing is returned
    return {table: count for table, count in counts.items() if count}


def _blank_shop(shop: Shop) -> None:
    """The row itself stays for the receipt's sake: an id and a domain."""
    shop.shopify_id = shop.name = shop.email = shop.country = shop.plan = None
    shop.access_token = shop.refresh_token = None
    shop.code_key = b""
    shop.scopes = ""
