"""A seeded year of a small shop, as steps: the story of `make demo` and the traffic of the crash tests.

Pure and repeatable: the same seed, start and sizes give the same steps on every machine. Members and guests, one-off
buyers and regulars, seasons, late payers, returns in several parcels, goodwill money, cancellations, edits, test
orders, a few deleted orders, people who registered twice, people who leave. Called by `app.demo` and the tests.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from dev_store.history.catalogue import basket
from dev_store.history.fates import Placed, fate
from dev_store.history.friends import with_friends
from dev_store.history.members import with_redemptions
from dev_store.history.people import People, Person, as_typed, make_people
from dev_store.history.seasons import moments
from dev_store.history.steps import Step, in_time_order
from dev_store.history.visitors import with_sign_ups

GUEST_SHARE = 0.12
LATE_MEMBER_SHARE = 0.2  # of the guest orders: placed under a member's own address
FREE_SHIPPING_FROM = Decimal(40)
SHIPPING = Decimal("4.50")


def generate(
    seed: int,
    *,
    start: datetime,
    customers: int = 400,
    orders: int = 3000,
    days: int = 365,
    redeem: bool = True,
    visitors: bool = False,
) -> list[Step]:
    """The steps of the year that begins at `start` (aware, UTC), in time order; none lies after its end.

    With `redeem`, members' redemptions are among them, and orders that enter a code; with `visitors`, people who get
    one at a popup, and friends who come through a member's link.
    """
    rng = Random(seed)
    start = start.replace(hour=0, minute=0, second=0, microsecond=0)
    people = make_people(rng, count=customers, start=start, days=days)
    steps = [step for person in people.members for step in _membership(rng, person)]
    bought: set[str] = set()
    for number, at in enumerate(moments(rng, count=orders, start=start, days=days)):
        steps += _order(rng, f"o{number}", at, people, bought)
    steps += _departures(people, bought)
    steps = in_time_order([step for step in steps if step.at < start + timedelta(days=days)])
    steps = with_redemptions(rng, steps, start=start, days=days) if redeem else steps
    if not visitors:
        return steps
    return with_friends(rng, with_sign_ups(rng, steps, start=start), end=start + timedelta(days=days))


def _membership(rng: Random, person: Person) -> list[Step]:
    """Joining, consent, a changed name or telephone number, leaving."""
    who = {"customer": person.name}
    details: dict[str, Any] = {"first_name": person.first_name, "last_name": person.last_name, "email": person.email}
    details |= {"verified_email": person.verified, "accepts_marketing": person.subscribes and rng.random() < 0.8}
    steps = [Step(person.joined, "create_customer", details, makes=person.name)]
    if person.subscribes and not details["accepts_marketing"]:
        at = person.joined + timedelta(seconds=rng.randrange(90))
        steps.append(Step(at, "set_email_consent", {**who, "state": "subscribed"}))
    if rng.random() < 0.12:
        at = person.joined + timedelta(days=rng.randint(1, 15), seconds=rng.randrange(80_000))
        steps.append(Step(at, "update_customer", {**who, "phone": f"+44770090{rng.randrange(10_000):04}"}))
    if person.subscribes and not person.twin_of and rng.random() < 0.25:
        at = min(person.left, person.joined + timedelta(days=rng.randint(20, 300)))
        steps.append(Step(at, "set_email_consent", {**who, "state": "unsubscribed"}))
    if person.twin_of:
        steps = [step for step in steps if step.at < person.left]
        steps.append(Step(person.left, "merge_customers", {"kept": person.twin_of, "deleted": person.name}))
    return steps


def _departures(people: People, bought: set[str]) -> list[Step]:
    """Leavers who never ordered ask to be deleted; Shopify deletes nobody who has orders."""
    leavers = [p for p in people.members if p.name not in bought and not p.twin_of and p not in people.late]
    kept = {person.twin_of for person in people.members}
    gone = [person for person in leavers if person.name not in kept][:5]
    return [Step(p.joined + timedelta(days=30), "delete_customer", {"customer": p.name}) for p in gone]


def _order(rng: Random, name: str, at: datetime, people: People, bought: set[str]) -> list[Step]:
    lines = basket(rng)
    prices = [Decimal(str(line["price"])) for line in lines]
    counts = [int(str(line["quantity"])) for line in lines]
    till = rng.random() < 0.08
    placed = Placed(name, at, counts, prices, Decimal(0))
    placed.shipping = Decimal(0) if till or placed.worth >= FREE_SHIPPING_FROM else SHIPPING
    pending = not till and rng.random() < 0.04
    args: dict[str, Any] = {
        **_buyer(rng, at, people, bought),
        "lines": lines,
        "shipping": str(placed.shipping),
        "tip": "2.00" if rng.random() < 0.03 else "0.00",
        "financial_status": "pending" if pending else "paid",
        "source_name": "pos" if till else "web",
        "test": rng.random() < 0.01,
    }
    return [Step(at, "place_order", args, makes=name), *fate(rng, placed, pending=pending)]


def _buyer(rng: Random, at: datetime, people: People, bought: set[str]) -> dict[str, Any]:
    """A guest's address, or one of the members who are there at that instant."""
    there = [person for person in people.members if person.joined < at < person.left]
    if rng.random() < GUEST_SHARE or not there:
        guest = rng.choice(people.guests)
        if people.late and rng.random() < LATE_MEMBER_SHARE:
            guest = rng.choice(people.late).email
        return {"email": as_typed(rng, guest)}
    person = rng.choices(there, weights=[one.weight for one in there])[0]
    bought.add(person.name)
    return {"customer": person.name}
