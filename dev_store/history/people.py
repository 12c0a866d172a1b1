"""The people of the seeded shop: members who join, buy, leave or registered twice, and guests. Called by `year`.

What must stay true: a customer who is merged away or deleted has no orders as a guest, because Shopify does not say
which of two people an e-mail address belongs to after that.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from unicodedata import normalize

from dev_store.history.catalogue import FIRST_NAMES, LAST_NAMES

FOREVER = timedelta(days=100_000)
TWINS = 6  # members who registered a second time and were merged
LATE_MEMBERS = 24  # members who also order without logging in, some before they register
UNVERIFIED = 2  # of those, how many never confirmed their address: their guest orders stay apart
GUESTS = 150


@dataclass(slots=True)
class Person:
    """A member of the shop; `weight` says how often they buy relative to others."""

    name: str
    first_name: str
    last_name: str
    email: str
    joined: datetime
    left: datetime
    weight: float
    subscribes: bool
    verified: bool = True
    twin_of: str | None = None


@dataclass(slots=True)
class People:
    members: list[Person]
    guests: list[str]
    late: list[Person] = field(default_factory=list)


def make_people(rng: Random, *, count: int, start: datetime, days: int) -> People:
    """`count` members, some of them twice, and the guests' e-mail addresses."""
    twins = min(TWINS, count // 10)
    members = [_member(rng, number, start, days) for number in range(count - twins)]
    settled = [person for person in members if person.left - start > timedelta(days=days)]
    chosen = rng.sample(settled, min(len(settled), twins + LATE_MEMBERS))
    doubled, late = chosen[:twins], chosen[twins:]
    for person in late[:UNVERIFIED]:
        person.verified = False
    members += [_twin(rng, person, count - twins + n, start, days) for n, person in enumerate(doubled)]
    return People(members, [f"guest{number}@example.net" for number in range(min(GUESTS, count))], late)


def _member(rng: Random, number: int, start: datetime, days: int) -> Person:
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    joined = start + timedelta(
        seconds=rng.randrange(7200) if number % 3 == 0 else rng.randrange(days * 86400 * 9 // 10)
    )
    leaves = rng.random() < 0.25
    return Person(
        name=f"c{number}",
        first_name=first,
        last_name=last,
        email=f"{_ascii(first)}.{_ascii(last)}{number}@example.com",
        joined=joined,
        left=joined + (timedelta(days=rng.randint(20, 150)) if leaves else FOREVER),
        weight=min(rng.paretovariate(1.3), 12.0),
        subscribes=rng.random() < 0.6,
    )


def _twin(rng: Random, person: Person, number: int, start: datetime, days: int) -> Person:
    end = start + timedelta(days=days)
    joined = person.joined + (end - person.joined) * rng.uniform(0.2, 0.5)
    return Person(
        name=f"c{number}",
        first_name=person.first_name,
        last_name=person.last_name,
        email=f"{_ascii(person.first_name)}{number}@example.org",
        joined=joined.replace(microsecond=0),
        left=(joined + (end - joined) * rng.uniform(0.4, 0.9)).replace(microsecond=0),
        weight=person.weight + 3,
        subscribes=False,
        twin_of=person.name,
    )


def _ascii(name: str) -> str:
    return "".join(c for c in normalize("NFKD", name).lower() if c.isascii() and c.isalnum())


def as_typed(rng: Random, email: str) -> str:
    """The address as a hurried guest types it: the same mailbox, other letters."""
    return rng.choice((email, email, email, email.upper(), email.capitalize(), f" {email}", f"{email} "))
