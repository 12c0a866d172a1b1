"""What an account should hold: a pure function of its orders and the rule versions in force (design decision 5).

Nothing here knows what was posted before. The ledger posts the difference between these targets and what each source
holds, which is why duplicates, reordering, partial refunds and cancellations need no cases of their own.
"""

from dataclasses import dataclass
from datetime import datetime

from app.loyalty.programs import ProgramRules
from app.money import major_units


@dataclass(frozen=True, kw_only=True)
class OrderFacts:
    """An order as far as points go; `base_minor` is goods after discounts and refunds, in shop money, never below 0."""

    id: int
    business_at: datetime
    changed_at: datetime
    currency: str
    base_minor: int
    refunded: bool
    paid: bool
    test: bool
    cancelled: bool
    deleted: bool


@dataclass(frozen=True)
class Target:
    """Points that an order should have granted, under which rule version, and why it is not more."""

    points: int
    rule_version: int | None
    reason: str


def order_target(order: OrderFacts, program: ProgramRules) -> Target:
    """The points of one order.

    Test orders earn nothing. Orders earn once they are paid and lose everything when they are cancelled or deleted.
    """
    if order.deleted:
        return Target(0, None, "order_deleted")
    if order.cancelled:
        return Target(0, None, "order_cancelled")
    rules = program.at(order.business_at)
    if order.test or not order.paid or rules is None:
        return Target(0, rules.version if rules else None, "order_corrected")
    points = rules.points_per_unit * major_units(order.base_minor, order.currency)
    return Target(points, rules.version, "order_refunded" if order.refunded else "order_corrected")


def reason_for(target: Target, held: int) -> str:
    """Why an entry is written that brings a source from `held` to its target."""
    if target.points > held:
        return "order_earned" if held == 0 else "order_corrected"
    return target.reason
