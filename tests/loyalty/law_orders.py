"""Orders of the laws: what became of them, and how Shopify tells it, version by version.

`PlayedOrder` keeps an order as Shopify does: pieces leave lines, each refund is worth the difference. Money is minor
units. Drawn with a `Random`, as `law_rules`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from app.orders.snapshot import LineSnapshot, OrderSnapshot, RefundSnapshot
from tests.loyalty.law_rules import PRODUCTS, WINDOWS, at

CUSTOMERS = (101, 102, 103)
ADDRESSES = ("guest@example.com", "c102@example.com")


@dataclass(frozen=True)
class Told:
    """Something that comes in at the end of a window: a snapshot, or what a person did here (`Fact`, `Deed`)."""

    window: int
    item: Any


@dataclass(frozen=True)
class Deletion:
    """Shopify deleted an order."""

    shop_id: int
    order_id: int
    at: datetime


@dataclass(frozen=True)
class Change:
    """What happens to an order: paid, refund (pieces by line, loose money, all the postage), cancelled, deleted."""

    window: int
    kind: str
    pieces: tuple[int, ...] = ()
    loose: int = 0
    postage: bool = False


@dataclass(frozen=True)
class Purchase:
    """An order and what became of it. `lines`: product, pieces, price, discount, tax, gift card."""

    id: int
    at: datetime
    window: int
    customer: int | None
    email: str | None
    lines: tuple[tuple[int | None, int, int, int, int, bool], ...]
    shipping: int
    paid: bool
    traits: dict[str, Any] = field(hash=False)
    changes: tuple[Change, ...] = ()


def joined(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """All refunds as one, at the time of the last."""
    refunds = [change for change in changes if change.kind == "refund"]
    if len(refunds) < 2:
        return changes
    one = Change(
        refunds[-1].window,
        "refund",
        tuple(map(sum, zip(*(refund.pieces for refund in refunds), strict=True))),
        sum(refund.loose for refund in refunds),
        any(refund.postage for refund in refunds),
    )
    others = [change for change in changes if change.kind != "refund"]
    return tuple(sorted([*others, one], key=lambda change: change.window))


class PlayedOrder:
    """An order at Shopify, playing what becomes of it."""

    def __init__(self, shop_id: int, purchase: Purchase) -> None:
        self.shop_id, self.purchase = shop_id, purchase
        self.left = [pieces for _, pieces, *_ in purchase.lines]
        self.refunds: list[RefundSnapshot] = []
        self.status = "paid" if purchase.paid else "pending"
        self.cancelled_at: datetime | None = None
        self.told = 0

    def tell(self) -> Iterator[Told]:
        """The deliveries of an order."""
        yield Told(self.purchase.window, self.snapshot(self.purchase.at))
        for change in self.purchase.changes:
            yield from self._tell_change(change)

    def _tell_change(self, change: Change) -> Iterator[Told]:
        # Several things of an order can fall into one second.
        moment = max(at(change.window), self.purchase.at)
        if change.kind == "deleted":
            yield Told(change.window, Deletion(self.shop_id, self.purchase.id, moment))
            return
        if change.kind == "refund":
            refund = self._refund(change, moment)
            yield Told(change.window, refund)
        if change.kind == "paid":
            self.status = "paid"
        if change.kind == "cancelled":
            self.cancelled_at = moment
        yield Told(change.window, self.snapshot(moment))

    def _refund(self, change: Change, moment: datetime) -> RefundSnapshot:
        before = sum(line.current_minor for line in self._lines())
        pieces = [min(wanted, left) for wanted, left in zip(change.pieces, self.left, strict=True)]
        self.left = [left - back for left, back in zip(self.left, pieces, strict=True)]
        refunded = sum(refund.shipping_minor for refund in self.refunds)
        refund = RefundSnapshot(
            shop_id=self.shop_id,
            id=self.purchase.id * 100 + change.window,
            order_id=self.purchase.id,
            lines_minor=before - sum(line.current_minor for line in self._lines()),
            loose_minor=change.loose,
            shipping_minor=self.purchase.shipping - refunded if change.postage else 0,
            lines=tuple((self.purchase.id * 10 + n, back) for n, back in enumerate(pieces) if back),
            created_at=moment,
            processed_at=moment,
        )
        self.refunds.append(refund)
        if self.status == "paid":
            self.status = "partially_refunded"
        return refund

    def _lines(self) -> tuple[LineSnapshot, ...]:
        return tuple(
            LineSnapshot(
                id=self.purchase.id * 10 + n,
                product_id=product,
                variant_id=None,
                sku=None,
                title=None,
                quantity=pieces,
                current_quantity=self.left[n],
                price_minor=price,
                discount_minor=discount,
                tax_minor=tax,
                gift_card=gift_card,
            )
            for n, (product, pieces, price, discount, tax, gift_card) in enumerate(self.purchase.lines)
        )

    def snapshot(self, moment: datetime) -> OrderSnapshot:
        """The order as it is told now; each telling is triggered later than the one before."""
        self.told += 1
        lines = self._lines()
        goods = sum(line.price_minor * line.quantity - line.discount_minor for line in lines)
        rest = sum(line.current_minor for line in lines)
        known: dict[str, Any] = {"currency": "USD", "taxes_included": False, "test": False} | self.purchase.traits
        return OrderSnapshot(
            shop_id=self.shop_id,
            id=self.purchase.id,
            customer_id=self.purchase.customer,
            email=self.purchase.email,
            phone=None,
            name=None,
            location_id=None,
            subtotal_minor=goods,
            current_subtotal_minor=rest,
            total_minor=goods + self.purchase.shipping,
            current_total_minor=rest + self.purchase.shipping,
            tax_minor=sum(line.tax_minor for line in lines),
            shipping_minor=self.purchase.shipping,
            tip_minor=0,
            discounts_minor=0,
            presentment_currency=None,
            presentment_total_minor=0,
            financial_status=self.status,
            landing_site=None,
            created_at=self.purchase.at,
            processed_at=self.purchase.at,
            cancelled_at=self.cancelled_at,
            updated_at=moment,
            triggered_at=moment + timedelta(milliseconds=self.told),
            lines=lines,
            refunds=tuple(self.refunds),
            **{"source_name": "web", "company_id": None, **known},
        )


def purchase(rng: Random, number: int, currency: str) -> Purchase:
    """An order with what becomes of it in later windows."""
    window = rng.randrange(WINDOWS - 1)
    lines = tuple(_line(rng) for _ in range(rng.choice((1, 1, 2, 3))))
    customer = rng.choice((*CUSTOMERS, CUSTOMERS[0], None))
    traits: dict[str, Any] = {
        "currency": currency,
        "taxes_included": rng.random() < 0.5,
        "test": rng.random() < 0.05,
        "source_name": rng.choice(("web", "web", "pos", "shopify_draft_order", None)),
        "company_id": 9 if rng.random() < 0.1 else None,
        "imported": rng.random() < 0.15,
        "payment_gateways": tuple(rng.choice(((), (), ("gift_card",), ("bogus", "shopify_store_credit")))),
    }
    return Purchase(
        id=number,
        at=at(window, rng),
        window=window,
        customer=customer,
        email=None if customer else rng.choice(ADDRESSES),
        lines=lines,
        shipping=rng.choice((0, 0, 499, 1200)),
        paid=rng.random() < 0.7,
        traits=traits,
        changes=tuple(_changes(rng, window, len(lines))),
    )


def fully_refunded(rng: Random, number: int, currency: str) -> Purchase:
    """An order that is given back wholly, in one of the ways in which that happens."""
    drawn = purchase(rng, number, currency)
    way = rng.choice(("refund", "refunds", "cancelled", "deleted"))
    everything = tuple(pieces for _, pieces, *_ in drawn.lines)
    last = WINDOWS - 1
    changes = [Change(last, way)] if way in ("cancelled", "deleted") else [Change(last, "refund", everything, 0, True)]
    if way == "refunds" and drawn.window < last - 1:
        first = tuple(rng.randint(0, pieces) for pieces in everything)
        changes.insert(0, Change(rng.randrange(drawn.window, last), "refund", first))
    return replace(drawn, paid=True, changes=tuple(changes))


def _line(rng: Random) -> tuple[int | None, int, int, int, int, bool]:
    pieces, price = rng.choice((1, 1, 2, 3, 5)), rng.choice((1, 99, 333, 1050, 4999))
    discount = rng.choice((0, 0, pieces * price // 3, pieces * price))
    net = pieces * price - discount
    return rng.choice((*PRODUCTS, None)), pieces, price, discount, net // 11, rng.random() < 0.1


def _changes(rng: Random, window: int, lines: int) -> Iterator[Change]:
    """In windows of their own, so that refunds can be told apart; the first may fall into that of the order."""
    later = sorted(rng.sample(range(window, WINDOWS), min(rng.choice((0, 1, 1, 2, 3)), WINDOWS - window)))
    for number, when in enumerate(later):
        is_last = number == len(later) - 1
        kind = rng.choice(("paid", "refund", "refund", "refund", *(("cancelled", "deleted") if is_last else ())))
        if kind == "refund":
            pieces = tuple(rng.choice((0, 1, 1, 2)) for _ in range(lines))
            yield Change(when, "refund", pieces, rng.choice((0, 0, 0, 57)), rng.random() < 0.3)
        else:
            yield Change(when, kind)
