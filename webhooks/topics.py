"""The topic table: what we listen to, in which lane it travels, and who handles it.

`shopify.app.toml` declares the same topics (a test keeps both equal). A handler reads one body into a fact (`read`) and
applies all facts of a batch together (`apply`); what a fact is stays between the two.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.changes import Changes, Key
from app.payload import Body

# Lanes, in the order in which they are drained within a shop.
COMPLIANCE, LIVE, BULK = 0, 1, 2


@dataclass(frozen=True)
class Event:
    """An inbox event, opened and parsed."""

    shop_id: int
    shop_domain: str
    shop_currency: str
    id: int
    topic: str
    webhook_id: str
    triggered_at: datetime
    received_at: datetime
    body: Body


@dataclass
class Effects:
    """What a handler changed. `absorbed` are accounts that were taken over by others."""

    changes: Changes = field(default_factory=Changes)
    absorbed: set[Key] = field(default_factory=set)


Apply = Callable[[Session, Sequence[Any]], Effects]


@dataclass(frozen=True)
class Topic:
    """A line of the table. `read` may return None: a body that asks for nothing. Topics may share an `apply`."""

    name: str
    read: Callable[[Event], Any]
    apply: Apply
    lane: int = LIVE


def lane_of(topic: str) -> int:
    """The lane of a topic; unknown ones travel with the live ones until the loop sets them aside.

    A merchant who edits ten thousand products delays no order.
    """
    if topic in _COMPLIANCE:
        return COMPLIANCE
    return BULK if topic.startswith(("products/", "collections/")) else LIVE


_COMPLIANCE = frozenset({"customers/data_request", "customers/redact", "shop/redact"})


def table() -> dict[str, Topic]:
    """All topics by name."""
    from webhooks.handlers import app as installation
    from webhooks.handlers import bulk, compliance, customers, orders, products

    modules = (orders, customers, installation, compliance, products, bulk)
    return {topic.name: topic for module in modules for topic in module.TOPICS}
