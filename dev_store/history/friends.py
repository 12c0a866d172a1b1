"""Members of the seeded shop who pass their link on, and friends whose first order comes through it. Called by `year`.

Only plain cases: a friend who was never here before, and whose first order is paid and stands. What is refused, and
what falls with a refund, belongs to the tests of referrals.
"""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

from dev_store.history.steps import BROUGHT_BY, WITH_CODE, Step

SHARE = 0.25  # of the first orders that could have come through a link
KNOWN = timedelta(days=30)  # since when the advocate is a member
RIPE = timedelta(days=30)  # longer than the points wait, so that they are available when the year is over


def with_friends(rng: Random, steps: list[Step], *, end: datetime) -> list[Step]:
    """The steps, some first orders of members among them brought by another one."""
    people = _People(steps)
    made: list[Step] = []
    for step in steps:
        brought: dict[str, Any] = {}
        if step.verb == "place_order" and people.is_first(step) and step.at < end - RIPE and rng.random() < SHARE:
            advocates = sorted(people.buyers_before(step.at - KNOWN))
            brought = {BROUGHT_BY: rng.choice(advocates)} if advocates else {}
        people.see(step)
        made.append(Step(step.at, step.verb, {**step.args, **brought}, step.makes) if brought else step)
    return made


class _People:
    """Who was here when, among those of whom nothing odd is told: no second account, no number that two may share."""

    def __init__(self, steps: list[Step]) -> None:
        odd = {"merge_customers", "delete_customer", "update_customer"}
        left_out = {
            step.args.get(name) for step in steps if step.verb in odd for name in ("customer", "kept", "deleted")
        }
        guests = {_mailbox(step.args["email"]) for step in steps if step.verb == "place_order" and "email" in step.args}
        self._joined = {
            step.makes: step.at
            for step in steps
            if step.verb == "create_customer"
            and step.makes not in left_out
            and step.args["verified_email"]
            and _mailbox(step.args["email"]) not in guests
        }
        self._told = Counter(step.args.get("order") for step in steps)
        self._bought: dict[str, datetime] = {}

    def is_first(self, order: Step) -> bool:
        """Whether nobody will have a doubt about it, now or later."""
        args, name = order.args, order.args.get("customer")
        plain = args["financial_status"] == "paid" and args["source_name"] == "web" and not args["test"]
        return plain and name in self._joined and name not in self._bought and not self._is_odd(order)

    def _is_odd(self, order: Step) -> bool:
        return WITH_CODE in order.args or self._told[order.makes] > 0

    def buyers_before(self, at: datetime) -> set[str]:
        """Members who had bought by then."""
        return {name for name, bought in self._bought.items() if bought < at and name in self._joined}

    def see(self, step: Step) -> None:
        if step.verb == "place_order" and step.args.get("customer"):
            self._bought.setdefault(step.args["customer"], step.at)


def _mailbox(email: str) -> str:
    return email.strip().lower()
