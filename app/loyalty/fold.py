"""What an account should hold: a pure function of orders, actions, referrals and the rules in force (decision 5).

Nothing here knows what was posted before. The ledger posts the difference between these targets and what each source
holds, which is why duplicates, reordering, partial refunds and cancellations need no cases of their own.

Everything happens in business order: an order's number, and what limits of a day and of the account still leave to it,
follow from what comes before it. Limits count all that is earned together.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from app.loyalty.dates import after_days, after_months, day_of
from app.loyalty.facts import AccountFacts, ActionFacts, OrderFacts, ReferralFacts
from app.loyalty.lots import LotDates, Source
from app.loyalty.order_points import order_points, referral_points
from app.loyalty.programs import ProgramRules
from app.loyalty.rules import Caps, Rules


class Target(NamedTuple):
    """Points that a source should have granted, under which rule version, when they count, and why it is not more."""

    points: int
    rule_version: int | None
    reason: str
    business_at: datetime
    changed_at: datetime
    dates: LotDates | None = None


def fold(program: ProgramRules, facts: AccountFacts, *, dated: bool = True) -> dict[Source, Target]:
    """The target of all that an account did and was brought for; without dates when only points are asked for."""
    targets: dict[Source, Target] = {}
    so_far = _SoFar(facts.earlier_orders, dated)
    for fact in _in_business_order(facts):
        if isinstance(fact, OrderFacts):
            targets[Source("order", str(fact.id))] = _order(program, fact, so_far)
        elif isinstance(fact, ReferralFacts):
            targets[Source("referral", f"{fact.order.id}:{fact.side}")] = _referral(program, fact, so_far)
        else:
            targets[Source("action", f"{fact.kind}:{fact.key}")] = _action(program, fact, so_far)
    return targets


Fact = OrderFacts | ActionFacts | ReferralFacts


def _in_business_order(facts: AccountFacts) -> Iterator[Fact]:
    """By business time; of one instant orders first, by id, so that every machine chooses alike."""
    if not facts.actions and not facts.referrals:
        yield from sorted(facts.orders, key=lambda order: (order.business_at, order.id))
        return
    keyed: list[tuple[datetime, int, int, str, Fact]]
    keyed = [(order.business_at, 0, order.id, "", order) for order in facts.orders]
    keyed += [(action.business_at, 1, 0, f"{action.kind}:{action.key}", action) for action in facts.actions]
    keyed += [(one.order.business_at, 2, one.order.id, one.side, one) for one in facts.referrals]
    for *_, fact in sorted(keyed, key=lambda item: item[:4]):
        yield fact


@dataclass(slots=True)
class _SoFar:
    """What has happened to an account up to an instant of business time."""

    ordinal: int | None
    dated: bool = True
    total: int = 0
    days: defaultdict[object, int] = field(default_factory=lambda: defaultdict(int))
    actions: defaultdict[tuple[object, ...], int] = field(default_factory=lambda: defaultdict(int))

    def grant(self, points: int, caps: Caps, day: object) -> int:
        """What limits leave of some points, noted as earned."""
        if caps.day is not None:
            points = min(points, max(caps.day - self.days[day], 0))
        if caps.account is not None:
            points = min(points, max(caps.account - self.total, 0))
        self.total += points
        if day is not None:
            self.days[day] += points
        return points


def _order(program: ProgramRules, order: OrderFacts, so_far: _SoFar) -> Target:
    """Test orders earn nothing. Orders earn once they are paid, and lose everything when cancelled or deleted."""
    if order.paid and not order.test and so_far.ordinal is not None:
        # Whatever becomes of it later: an order once paid keeps its number.
        so_far.ordinal += 1
    rules = program.at(order.business_at)
    reason = _why_less(order)
    if rules is None or reason in {"order_deleted", "order_cancelled"} or not _counts(program, order):
        return Target(0, rules.version if rules else None, reason, order.business_at, order.changed_at)
    points = order_points(order, rules, so_far.ordinal)
    points = so_far.grant(points, rules.caps, _day(program, order.business_at))
    dates = lot_dates(program, rules, order.business_at) if points and so_far.dated else None
    return Target(points, rules.version, reason, order.business_at, order.changed_at, dates)


def _why_less(order: OrderFacts) -> str:
    if order.deleted:
        return "order_deleted"
    if order.cancelled:
        return "order_cancelled"
    return "order_refunded" if order.refunded else "order_corrected"


def _counts(program: ProgramRules, order: OrderFacts) -> bool:
    return order.paid and not order.test and (not order.imported or program.counts_imported(order.business_at))


def _action(program: ProgramRules, action: ActionFacts, so_far: _SoFar) -> Target:
    rules = program.at(action.business_at)
    rule = rules.actions.get(action.kind) if rules else None
    if rules is None or rule is None:
        return Target(0, rules.version if rules else None, "action_refused", action.business_at, action.business_at)
    day = day_of(action.business_at, program.zone)
    counted = {
        (action.kind,): rule.per_account,
        (action.kind, day.year): rule.per_year,
        (action.kind, day): rule.per_day,
    }
    points = 0
    if all(limit is None or so_far.actions[key] < limit for key, limit in counted.items()):
        for key in counted:
            so_far.actions[key] += 1
        points = so_far.grant(rule.points, rules.caps, day)
    dates = lot_dates(program, rules, action.business_at) if points and so_far.dated else None
    return Target(points, rules.version, "action_refused", action.business_at, action.business_at, dates)


def _referral(program: ProgramRules, referral: ReferralFacts, so_far: _SoFar) -> Target:
    """Rewarded is what a friend's order is worth now: a refund, a cancellation, another first order take it back."""
    order = referral.order
    rules = program.at(order.business_at)
    gone = order.deleted or order.cancelled or not _counts(program, order)
    points = 0 if rules is None or referral.refused or gone else referral_points(order, rules, referral.side)
    points = so_far.grant(points, rules.caps if rules else Caps(), _day(program, order.business_at))
    dates = None
    if points and so_far.dated and rules and rules.referral:
        dates = lot_dates(program, rules, order.business_at, rules.referral.waiting_days)
    reason = "referral_refused" if referral.refused else "referral_reversed"
    return Target(points, rules.version if rules else None, reason, order.business_at, order.changed_at, dates)


def _day(program: ProgramRules, instant: datetime) -> object:
    """The shop's day of an instant; None where no rule of the program asks, because zones cost time."""
    return day_of(instant, program.zone) if program.counts_days else None


def lot_dates(program: ProgramRules, rules: Rules, business_at: datetime, waiting_days: int | None = None) -> LotDates:
    """From when points of an instant can be spent, and when they expire (None: not by themselves)."""
    waiting_days = rules.waiting_days if waiting_days is None else waiting_days
    available_at = after_days(business_at, waiting_days, program.zone) if waiting_days else business_at
    expiry = rules.expiry
    if expiry is None or expiry.kind != "after":
        return LotDates(available_at, None)
    # Waiting does not eat into the time for spending.
    if expiry.months:
        return LotDates(available_at, after_months(available_at, expiry.months, program.zone))
    return LotDates(available_at, after_days(available_at, expiry.days, program.zone))


_GRANTED = {
    "order": ("order_earned", "order_corrected"),
    "action": ("action_earned", "action_corrected"),
    "referral": ("referral_earned", "referral_corrected"),
}


def reason_for(source: Source, target: Target, held: int) -> str:
    """Why an entry is written that brings a source from `held` to its target."""
    if target.points > held:
        first, later = _GRANTED[source.kind]
        return first if held == 0 else later
    return target.reason


def worth(targets: Mapping[Source, Target]) -> int:
    """All points of an account's targets."""
    return sum(target.points for target in targets.values())
