"""What the fold is about: an account's orders, actions and referrals, as plain values.

Loaded by `app.loyalty.fact_loading`, made up by tests and by what-if questions. Money is minor units of the shop's
currency. Named tuples: what-if questions make millions of them, and frozen dataclasses take three times as long.
"""

from datetime import datetime
from typing import NamedTuple


class LineFacts(NamedTuple):
    """A line as it stands now, after refunds: its goods net of discounts, the tax on them, the pieces.

    `labels` are those of its product when the order was placed, such as `tag:summer`; `product:1` is always among them.
    """

    amount_minor: int
    tax_minor: int
    quantity: int
    gift_card: bool
    labels: frozenset[str]


class OrderFacts(NamedTuple):
    """An order as far as points go; money after refunds, never below 0.

    `base_minor` is the goods after discounts, `gift_card_minor` what of it are gift cards. `loose_minor` was given back
    for goods without naming a line; it has lowered `base_minor` and no line. `lines` are empty where no rule asks.
    """

    id: int
    business_at: datetime
    changed_at: datetime
    currency: str
    base_minor: int
    gift_card_minor: int = 0
    loose_minor: int = 0
    shipping_minor: int = 0
    taxes_included: bool = False
    lines: tuple[LineFacts, ...] = ()
    channels: frozenset[str] = frozenset()
    payments: frozenset[str] = frozenset()
    imported: bool = False
    refunded: bool = False
    paid: bool = True
    test: bool = False
    cancelled: bool = False
    deleted: bool = False


class ActionFacts(NamedTuple):
    """Something else an account did: its kind is the name of an action rule, its key is unique within the kind."""

    kind: str
    key: str
    business_at: datetime


class ReferralFacts(NamedTuple):
    """An order that somebody was brought for, seen by one side: `advocate` or `friend`. A refused one earns nothing."""

    side: str
    order: OrderFacts
    refused: bool


class AccountFacts(NamedTuple):
    """All of an account. `earlier_orders` were placed before the first order here; None is unknown."""

    orders: tuple[OrderFacts, ...] = ()
    actions: tuple[ActionFacts, ...] = ()
    earlier_orders: int | None = 0
    referrals: tuple[ReferralFacts, ...] = ()
