"""Members of the seeded shop turn points into codes and use them at a later checkout. Called by `year`.

What a member holds is only estimated here, from what they paid: whether a redemption is granted the application
decides, and an order whose member got no code is simply placed without one.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from dev_store.history.steps import REDEEM, WITH_CODE, Step, in_time_order

EVERY = timedelta(days=15)
AT_A_TIME = 14
REWARD_POINTS = 100
MARGIN = 20  # a member tries when the estimate is this much above the price: refunds are not estimated
USED = 0.75  # share of codes that are entered at the member's next order
LEAST_GOODS = Decimal(12)  # a 5.00 code is entered on orders of at least this much


def with_redemptions(rng: Random, steps: list[Step], *, start: datetime, days: int) -> list[Step]:
    """The steps with rounds of redemptions among them, and orders that enter the codes."""
    # Whoever will be merged away redeems nothing: Shopify does not say whose a merged customer's codes become.
    wallets = _Wallets(rng, {step.args["deleted"] for step in steps if step.verb == "merge_customers"})
    round_at, made = start + EVERY, []
    for step in steps:
        while step.at >= round_at and round_at < start + timedelta(days=days):
            made += wallets.redeem(round_at)
            round_at += EVERY
        made.append(wallets.see(step))
    return in_time_order(made)


class _Wallets:
    def __init__(self, rng: Random, gone: set[str]) -> None:
        self._rng = rng
        self._points: dict[str, int] = defaultdict(int)
        self._orders: dict[str, tuple[str, int]] = {}
        self._holding: set[str] = set()
        self._gone = gone

    def redeem(self, at: datetime) -> list[Step]:
        rich = sorted(name for name, points in self._points.items() if points >= REWARD_POINTS + MARGIN)
        ready = [name for name in rich if name not in self._holding and name not in self._gone]
        chosen = self._rng.sample(ready, min(AT_A_TIME, len(ready)))
        for name in chosen:
            self._points[name] -= REWARD_POINTS
            if self._rng.random() < USED:
                self._holding.add(name)
        return [Step(at, REDEEM, {"customers": chosen})] if chosen else []

    def see(self, step: Step) -> Step:
        if step.verb == "place_order":
            return self._order(step)
        if step.verb == "mark_paid" and (earned := self._orders.pop(step.args["order"], None)):
            self._points[earned[0]] += earned[1]
        return step

    def _order(self, step: Step) -> Step:
        args, who = step.args, step.args.get("customer")
        if who is None or args["test"]:
            return step
        goods = _goods(args["lines"])
        if args["financial_status"] == "paid":
            self._points[who] += int(goods)
        elif step.makes:
            self._orders[step.makes] = (who, int(goods))
        if who not in self._holding or goods < LEAST_GOODS:
            return step
        self._holding.discard(who)
        return Step(step.at, step.verb, {**args, WITH_CODE: who}, step.makes)


def _goods(lines: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(line["price"]) * line["quantity"] for line in lines), Decimal(0))
