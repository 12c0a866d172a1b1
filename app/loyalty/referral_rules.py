"""What a referral is worth: the part `referral` of a rule version, and the points of one side of one order.

Pure. A friend's first order earns a fixed number of points for whoever brought the friend, and for the friend; it
counts like any other order (channel, payment, gift cards), and what was given back counts no more.
"""

from dataclasses import dataclass
from decimal import Decimal

from app.merchant_json import Reader

ADVOCATE, FRIEND = "advocate", "friend"


@dataclass(frozen=True, slots=True)
class ReferralRule:
    """Points for both sides of a friend's first order; `waiting_days` None is as for all other points.

    `minimum`: goods of the order in units of the shop's currency, after refunds.
    """

    advocate: int
    friend: int
    minimum: Decimal = Decimal(0)
    waiting_days: int | None = None

    def points(self, side: str) -> int:
        """What one side gets."""
        return self.advocate if side == ADVOCATE else self.friend


def read(part: Reader) -> ReferralRule | None:
    """The rule in its JSON; None where there is none."""
    if part.absent:
        return None
    rule = ReferralRule(
        advocate=part.whole("advocate", default=0, most=1_000_000),
        friend=part.whole("friend", default=0, most=1_000_000),
        minimum=part.amount("minimum"),
        waiting_days=part.whole("waiting_days", most=3650) if part.has("waiting_days") else None,
    )
    if not rule.advocate and not rule.friend:
        part.wrong("advocate", "or `friend` must be greater than 0")
    return rule
