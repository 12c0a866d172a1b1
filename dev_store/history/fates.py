"""What becomes of an order of the seeded shop after it was placed: paid late, refunded, cancelled, edited, deleted.

Each fate returns steps later than the order. It keeps count of what is left of the order, so that the shop is never
asked to refund goods or money twice; a reward code of a few pounds, unknown here, always fits into what is left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from dev_store.history.catalogue import PRODUCTS, line_of
from dev_store.history.steps import Step

LOOSE_SHARE = Decimal("0.25")  # goodwill money never exceeds this share of what is left
LOOSE_FROM = Decimal(24)  # below this an order gets no goodwill money: a 5.00 code must still fit


@dataclass(slots=True)
class Placed:
    """An order as this module sees it: `left` is the quantity left of each line, in the order of the lines."""

    name: str
    at: datetime
    left: list[int]
    prices: list[Decimal]
    shipping: Decimal

    @property
    def worth(self) -> Decimal:
        return sum((price * count for price, count in zip(self.prices, self.left, strict=True)), Decimal(0))


def fate(rng: Random, order: Placed, *, pending: bool) -> list[Step]:
    """The steps that follow an order, in time order; for most orders none."""
    if pending:
        return _paid_late(rng, order)
    chosen = rng.choices(_FATES, weights=_WEIGHTS)[0]
    return chosen(rng, order)


def _nothing(_rng: Random, _order: Placed) -> list[Step]:
    return []


def _paid_late(rng: Random, order: Placed) -> list[Step]:
    when = order.at + timedelta(hours=rng.randint(8, 150), seconds=rng.randrange(3600))
    if rng.random() < 0.12:
        return [Step(when, "cancel", {"order": order.name, "refund": False})]
    paid = Step(when, "mark_paid", {"order": order.name})
    order.at = when
    return [paid, *(_returned(rng, order) if rng.random() < 0.1 else [])]


def _returned(rng: Random, order: Placed) -> list[Step]:
    """Goods come back, sometimes in several parcels, sometimes with the postage."""
    steps, at = [], order.at
    for part in range(rng.choices((1, 2, 3), weights=(70, 22, 8))[0]):
        at += timedelta(days=rng.randint(2, 20), seconds=rng.randrange(40_000))
        lines = _some_lines(rng, order)
        if not lines:
            break
        shipping = str(order.shipping) if part == 0 and order.shipping and rng.random() < 0.15 else "0.00"
        steps.append(Step(at, "refund", {"order": order.name, "lines": lines, "shipping": shipping}))
    return steps


def _some_lines(rng: Random, order: Placed) -> dict[int, int]:
    available = [index for index, count in enumerate(order.left) if count]
    chosen = rng.sample(available, min(len(available), rng.choice((1, 1, 1, 2))))
    taken = {index: rng.randint(1, order.left[index]) for index in sorted(chosen)}
    for index, count in taken.items():
        order.left[index] -= count
    return taken


def _goodwill(rng: Random, order: Placed) -> list[Step]:
    """Money back that is tied to no line, sometimes after goods came back too."""
    steps = _returned(rng, order)[:1] if len(order.left) > 1 and rng.random() < 0.4 else []
    if order.worth < LOOSE_FROM:
        return steps
    at = (steps[-1].at if steps else order.at) + timedelta(days=rng.randint(1, 10), seconds=rng.randrange(30_000))
    amount = (order.worth * LOOSE_SHARE * Decimal(rng.randint(20, 100)) / 100).quantize(Decimal("0.01"))
    return [*steps, Step(at, "refund", {"order": order.name, "amount": str(amount)})]


def _cancelled(rng: Random, order: Placed) -> list[Step]:
    at = order.at + timedelta(minutes=rng.randint(3, 1500))
    cancelled = Step(at, "cancel", {"order": order.name, "refund": rng.random() < 0.9})
    if rng.random() < 0.15:
        return [cancelled, Step(at + timedelta(days=rng.randint(1, 30)), "delete_order", {"order": order.name})]
    return [cancelled]


def _edited(rng: Random, order: Placed) -> list[Step]:
    """A line more, a piece less, or both; then the shop carries on with the changed order."""
    at = order.at + timedelta(minutes=rng.randint(5, 1200))
    product = rng.choice(PRODUCTS)
    add = [line_of(product, 1)] if rng.random() < 0.7 else []
    remove = _some_lines(rng, order) if not add or rng.random() < 0.3 else {}
    edited = Step(at, "edit_order", {"order": order.name, "add": add, "remove": remove})
    if add:
        order.left.append(1)
        order.prices.append(product.price)
    order.at, order.shipping = at, Decimal(0)  # what was added is not paid yet: no postage on top of it
    return [edited, *(_returned(rng, order) if rng.random() < 0.15 else [])]


def _deleted(rng: Random, order: Placed) -> list[Step]:
    return [Step(order.at + timedelta(days=rng.randint(1, 60)), "delete_order", {"order": order.name})]


_CHANCES: dict[Callable[[Random, Placed], list[Step]], float] = {
    _nothing: 82.2,
    _returned: 10.0,
    _goodwill: 2.5,
    _cancelled: 3.0,
    _edited: 2.0,
    _deleted: 0.3,
}
_FATES, _WEIGHTS = tuple(_CHANCES), tuple(_CHANCES.values())
