"""An order as one delivery or re-read described it: the only form in which orders enter the projections."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

Version = tuple[datetime, datetime, bytes]


@dataclass(frozen=True, kw_only=True)
class LineSnapshot:
    """A line; money in minor units of the shop's currency, the price for one piece."""

    id: int
    product_id: int | None
    variant_id: int | None
    sku: str | None
    title: str | None
    quantity: int
    current_quantity: int
    price_minor: int
    discount_minor: int
    tax_minor: int = 0
    gift_card: bool

    @property
    def current_minor(self) -> int:
        """What the line's goods cost now, net of discounts: the pieces that are left, half up."""
        net = self.price_minor * self.quantity - self.discount_minor
        return (2 * net * self.current_quantity + self.quantity) // (2 * self.quantity) if self.quantity else 0


@dataclass(frozen=True, kw_only=True)
class CodeSnapshot:
    """A discount code of an order, upper-cased; kind is percentage, fixed_amount or shipping."""

    code: str
    amount_minor: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class RefundSnapshot:
    """A refund. `lines_minor`: goods by line, net of discounts. `loose_minor`: money back that names no line."""

    shop_id: int
    id: int
    order_id: int
    lines_minor: int
    loose_minor: int
    shipping_minor: int = 0
    # Pieces taken back, by line.
    lines: tuple[tuple[int, int], ...] = ()
    created_at: datetime | None
    processed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class OrderSnapshot:
    """An order at `updated_at`, as told at `triggered_at`; later telling wins between equal `updated_at`."""

    shop_id: int
    id: int
    customer_id: int | None
    email: str | None
    phone: str | None
    name: str | None
    source_name: str | None
    company_id: int | None
    location_id: int | None
    currency: str
    subtotal_minor: int
    current_subtotal_minor: int
    total_minor: int
    current_total_minor: int
    tax_minor: int
    shipping_minor: int
    tip_minor: int
    discounts_minor: int
    presentment_currency: str | None
    presentment_total_minor: int
    taxes_included: bool
    payment_gateways: tuple[str, ...] = ()
    test: bool
    financial_status: str | None
    landing_site: str | None
    # A friend's code out of the cart's attributes, and out of the address of the first page.
    cart_ref: str | None = None
    landing_ref: str | None = None
    # Of where the goods go; the address itself is kept nowhere.
    address_digest: str | None = None
    created_at: datetime | None
    processed_at: datetime | None
    cancelled_at: datetime | None
    updated_at: datetime
    triggered_at: datetime
    lines: tuple[LineSnapshot, ...] = ()
    codes: tuple[CodeSnapshot, ...] = ()
    refunds: tuple[RefundSnapshot, ...] = ()
    # Told by an import of history. What was first told so keeps the mark, whatever comes later.
    imported: bool = field(default=False, compare=False)
    # Read from Shopify on purpose: a difference to what we held is settled by it, not a reason to read again.
    reread: bool = field(default=False, compare=False)

    @property
    def paid(self) -> bool:
        """Whether the whole price was paid at some time up to this snapshot."""
        return self.financial_status in {"paid", "partially_refunded", "refunded"}

    @cached_property
    def digest(self) -> bytes:
        """Digest of the fields in use but its own times; two deliveries of one state have the same."""
        left_out = _NOT_CONTENT if self.processed_at or self.created_at else _NOT_CONTENT - {"updated_at"}
        content = {key: value for key, value in self.__dict__.items() if key not in left_out}
        return hashlib.sha256(orjson.dumps(content)).digest()[:16]

    @property
    def version(self) -> Version:
        """Newer is greater. The digest only makes the order total, so that every machine chooses alike."""
        return (self.updated_at, self.triggered_at, self.digest)

    @property
    def names_a_person(self) -> bool:
        """Whether it holds what erasure removes."""
        return bool(self.email or self.phone or self.landing_site or self.address_digest)

    def anonymous(self) -> "OrderSnapshot":
        """The same version of the same order, without what erasure removes."""
        bare = replace(self, email=None, phone=None, landing_site=None, address_digest=None)
        bare.__dict__["digest"] = self.digest
        return bare

    def row(self) -> dict[str, Any]:
        """The columns of `orders` that a snapshot fills."""
        columns = {key: value for key, value in self.__dict__.items() if key not in _NOT_COLUMNS}
        listed = sorted(refund.id for refund in self.refunds)
        gift_cards = sum(line.current_minor for line in self.lines if line.gift_card)
        derived = {"paid": self.paid, "listed_refunds": listed, "gift_card_minor": gift_cards}
        return columns | derived | {"digest": "\\x" + self.digest.hex()}


# An order without a business time of its own counts from its last change, which is then a part of what it says.
_NOT_CONTENT = {"updated_at", "triggered_at", "reread", "imported", "digest"}
_NOT_COLUMNS = {"lines", "codes", "refunds", "reread", "digest"}
