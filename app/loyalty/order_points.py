"""The points of one order under one rule version: pure arithmetic, exact until the one rounding at the end.

Called by the fold, which knows the order's number and applies the limits of day and account.
"""

from decimal import Decimal
from fractions import Fraction
from functools import cache

from app.loyalty.facts import LineFacts, OrderFacts
from app.loyalty.rules import OrderRule, Rules
from app.money import exponent


def order_points(order: OrderFacts, rules: Rules, ordinal: int | None) -> int:
    """Points of an order that earns; `ordinal` 1 is the account's first order, None an unknown number."""
    if not is_open(order, rules):
        return 0
    unit = _unit(order.currency)
    earned: int | Fraction = 0
    for rule in rules.earning:
        earned += _points(order, rules, rule, ordinal, unit)
    points = _rounded(earned * rules.factor(order.business_at) if rules.multipliers else earned, rules.rounding)
    return min(points, rules.caps.order) if rules.caps.order is not None else points


def is_open(order: OrderFacts, rules: Rules) -> bool:
    """Whether orders of this channel, paid in this way, earn anything."""
    return rules.closed_channels.isdisjoint(order.channels) and rules.refused_payments.isdisjoint(order.payments)


def referral_points(order: OrderFacts, rules: Rules, side: str) -> int:
    """Points of one side for a friend's order: all of them while enough of its goods is left, else none."""
    rule = rules.referral
    if rule is None or not is_open(order, rules):
        return 0
    goods = _without_gift_cards(order, rules)
    enough = goods > 0 and Decimal(goods) >= rule.minimum * _unit(order.currency)
    return rule.points(side) if enough else 0


@cache
def _unit(currency: str) -> int:
    """Minor units of one of a currency."""
    return int(10 ** exponent(currency))


def _points(order: OrderFacts, rules: Rules, rule: OrderRule, ordinal: int | None, unit: int) -> int | Fraction:
    if rule.kind == "per_item":
        return rule.points * sum(line.quantity for line in order.lines if _earns(line, rules, rule))
    amount = _amount(order, rules, rule)
    if rule.kind == "per_unit":
        return _per_unit(amount, rule, unit)
    # Of an order that was given back wholly nothing is left to reward.
    if amount <= 0 or Decimal(amount) < rule.minimum * unit:
        return 0
    if rule.kind == "nth_order" and not rule.counts(ordinal):
        return 0
    return rule.points


def _per_unit(amount: int, rule: OrderRule, unit: int) -> int | Fraction:
    if rule.per == 1 and not rule.exact:
        return rule.points * (amount // unit)
    units = Fraction(amount) / (Fraction(rule.per) * unit)
    return rule.points * (units if rule.exact else units.__floor__())


def _amount(order: OrderFacts, rules: Rules, rule: OrderRule) -> int:
    """The money of the goods that a rule is about, in minor units, never below 0."""
    shipping = order.shipping_minor if rules.shipping and rule.only is None else 0
    if not rules.needs_lines:
        return _without_gift_cards(order, rules) + shipping
    chosen = [line for line in order.lines if _earns(line, rules, rule)]
    if len(chosen) == len(order.lines):
        # Shopify's own figure, which no sum of rounded lines can be more right than.
        goods = order.base_minor
    else:
        whole = sum(line.amount_minor for line in order.lines)
        goods = _less_loose_money(order, sum(line.amount_minor for line in chosen), whole)
    return max(goods + _tax(order, rules, chosen), 0) + shipping


def _without_gift_cards(order: OrderFacts, rules: Rules) -> int:
    """The goods of an order whose lines need not be told apart: what its lines would come to."""
    if rules.gift_cards or not order.gift_card_minor:
        return order.base_minor
    whole = order.base_minor + order.loose_minor
    return max(_less_loose_money(order, whole - order.gift_card_minor, whole), 0)


def _less_loose_money(order: OrderFacts, amount: int, whole: int) -> int:
    """Money given back without naming a line belongs to all lines alike."""
    if not order.loose_minor or not whole:
        return amount
    return amount * max(whole - order.loose_minor, 0) // whole


def _tax(order: OrderFacts, rules: Rules, lines: list[LineFacts]) -> int:
    if rules.tax == "with" and not order.taxes_included:
        return sum(line.tax_minor for line in lines)
    if rules.tax == "without" and order.taxes_included:
        return -sum(line.tax_minor for line in lines)
    return 0


def _earns(line: LineFacts, rules: Rules, rule: OrderRule) -> bool:
    if line.gift_card and not rules.gift_cards:
        return False
    if rules.exclude.has(line.labels) or rule.exclude.has(line.labels):
        return False
    return rule.only is None or rule.only.has(line.labels)


def _rounded(points: int | Fraction, how: str) -> int:
    if isinstance(points, int):
        return points
    whole = points.__floor__()
    rest = points - whole
    if how == "up":
        return whole + (rest > 0)
    # Half up: what people learn at school, and it never favours the shop.
    return whole + (how == "nearest" and rest >= Fraction(1, 2))
