"""Which purchase a cancelled line belongs to, where the file does not say.

The rule: same customer and stock code, the newest earlier invoice that still has a quantity left, and when that is not
enough the next newest, and so on. "Earlier" compares instants and is strict; of two invoices of one instant the higher
number is newer. An invoice with several lines of one code gives them up in their order. Called by `invoices`.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Bought:
    """One line of a purchase and how much of it has not come back yet."""

    index: int
    left: int


@dataclass(slots=True)
class Purchase:
    invoice: str
    at: datetime
    lines: list[Bought] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Returned:
    """`quantity` pieces of line `index` of an invoice."""

    invoice: str
    index: int
    quantity: int


class Shelf:
    """Everything customers bought so far, found by customer and stock code. Fill and ask it in time order."""

    def __init__(self) -> None:
        self._purchases: dict[tuple[int, str], list[Purchase]] = defaultdict(list)

    def bought(self, customer: int, code: str, *, invoice: str, at: datetime, line: Bought) -> None:
        known = self._purchases[customer, code]
        if not known or known[-1].invoice != invoice:
            known.append(Purchase(invoice, at))
        known[-1].lines.append(line)

    def returned(self, customer: int, code: str, at: datetime, quantity: int) -> tuple[list[Returned], int]:
        """What the pieces are taken from, newest purchase first, and how many found no purchase."""
        taken: list[Returned] = []
        for purchase in reversed(self._purchases.get((customer, code), [])):
            if purchase.at >= at:
                continue
            for line in purchase.lines:
                pieces = min(line.left, quantity)
                if pieces:
                    line.left -= pieces
                    quantity -= pieces
                    taken.append(Returned(purchase.invoice, line.index, pieces))
            if not quantity:
                break
        return taken, quantity
