"""Visitors of the seeded shop who are about to leave, sign up at the popup, and buy with its code. Called by `year`.

Whether there is a code for them the application decides; without one the order is placed as it is.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from dev_store.history.steps import SIGN_UP, WITH_CODE, Step, in_time_order

EVERY = timedelta(days=14)
AT_A_TIME = 3
BUYS = 0.7  # share of those who sign up and then do buy with the code
LEAST_GOODS = Decimal(15)
_SETTLED = timedelta(days=1)  # since a member joined


def with_sign_ups(rng: Random, steps: list[Step], *, start: datetime) -> list[Step]:
    """The steps with sign-ups among them, each some minutes before an order that enters its code or does not."""
    addresses = _Addresses(steps)
    rounds: dict[int, list[tuple[int, str]]] = {}
    for place, step in enumerate(steps):
        if step.verb == "place_order" and (email := addresses.of(step)) and _is_worth_it(step):
            rounds.setdefault((step.at - start) // EVERY, []).append((place, email))
    made, taken = list(steps), set[str]()
    for _, orders in sorted(rounds.items()):
        fresh = [(place, email) for place, email in orders if email not in taken]
        for place, email in sorted(rng.sample(fresh, min(AT_A_TIME, len(fresh)))):
            if email in taken:
                continue
            taken.add(email)
            order = steps[place]
            made.append(Step(order.at - timedelta(minutes=rng.randint(4, 40)), SIGN_UP, {"email": email}))
            if rng.random() < BUYS:
                made[place] = Step(order.at, order.verb, {**order.args, WITH_CODE: email}, order.makes)
    return in_time_order(made)


class _Addresses:
    """Under which address an order's buyer would sign up; none for people whose account comes later, or goes."""

    def __init__(self, steps: list[Step]) -> None:
        self._members: dict[str, Step] = {
            str(step.makes): step for step in steps if step.verb == "create_customer" and step.args["verified_email"]
        }
        self._emails = {step.args["email"].strip().lower() for step in steps if step.verb == "create_customer"}
        names = ("customer", "kept", "deleted")
        left = [step.args for step in steps if step.verb in {"merge_customers", "delete_customer"}]
        self._gone = {args.get(name) for args in left for name in names}

    def of(self, order: Step) -> str | None:
        name = order.args.get("customer")
        if name is None:
            email = str(order.args["email"]).strip().lower()
            return None if email in self._emails else email
        joined = self._members.get(name)
        if joined is None or name in self._gone or order.at - joined.at < _SETTLED:
            return None
        return str(joined.args["email"]).strip().lower()


def _is_worth_it(order: Step) -> bool:
    args = order.args
    return not args["test"] and args["source_name"] == "web" and WITH_CODE not in args and _goods(args) >= LEAST_GOODS


def _goods(args: Mapping[str, Any]) -> Decimal:
    return sum((Decimal(line["price"]) * line["quantity"] for line in args["lines"]), Decimal(0))
