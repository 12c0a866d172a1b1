"""Histories of small shops: what happened, and what Shopify tells of it, in which version, when.

A `History` is drawn once and told to as many shops as a law compares: `tell` plays it and gives the deliveries.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from app.customers.payload import CustomerSnapshot, Merge
from app.products.payload import Statement
from tests.loyalty.law_orders import ADDRESSES, CUSTOMERS, PlayedOrder, Purchase, Told, joined, purchase
from tests.loyalty.law_rules import ACTIONS, COLLECTIONS, PRODUCTS, START, TAGS, WINDOWS, at

_CURRENCIES = ("USD", "USD", "JPY", "KWD")


@dataclass(frozen=True)
class Fact:
    """Points that a person gave, took or spent, posted as they are."""

    shop_id: int
    customer: int
    kind: str
    key: str
    points: int
    at: datetime


@dataclass(frozen=True)
class Deed:
    """An action of a customer."""

    shop_id: int
    customer: int
    kind: str
    key: str
    at: datetime


@dataclass(frozen=True)
class History:
    """What happened in a shop, apart from its rules."""

    purchases: tuple[Purchase, ...]
    people: tuple[Told, ...]
    catalogue: tuple[Told, ...]
    deeds: tuple[Told, ...]
    facts: tuple[Told, ...]

    def tell(self, shop_id: int) -> list[Told]:
        """Everything that is told, in the order in which it happened."""
        others = (*self.catalogue, *self.people, *self.deeds, *self.facts)
        told = [Told(one.window, replace(one.item, shop_id=shop_id)) for one in others]
        told += [one for purchase in self.purchases for one in PlayedOrder(shop_id, purchase).tell()]
        return sorted(told, key=lambda one: one.window)

    def with_purchase(self, purchase: Purchase) -> "History":
        """The same, and one more order."""
        return replace(self, purchases=(*self.purchases, purchase))

    def refunded_at_once(self) -> "History":
        """The same, but all refunds of an order are one, at the time of the last."""
        return replace(self, purchases=tuple(replace(p, changes=joined(p.changes)) for p in self.purchases))


def history(rng: Random, *, facts: bool) -> History:
    """A small shop's life. `facts`: whether points are given, taken and spent by hand."""
    currency = rng.choice(_CURRENCIES)
    purchases = tuple(purchase(rng, number, currency) for number in range(1, rng.choice((1, 2, 2, 3, 4)) + 1))
    return History(
        purchases=purchases,
        people=tuple(_people(rng)),
        catalogue=tuple(_catalogue(rng)),
        deeds=tuple(_deeds(rng)),
        facts=tuple(_facts(rng)) if facts else (),
    )


def _people(rng: Random) -> Iterator[Told]:
    for customer in CUSTOMERS:
        for version in range(rng.choice((0, 1, 1, 2))):
            window = rng.randrange(WINDOWS)
            moment = at(window, rng)
            email = ADDRESSES[1] if customer == CUSTOMERS[1] and rng.random() < 0.7 else None
            yield Told(window, _customer(customer, email, moment, version, rng))
    if rng.random() < 0.25:
        kept, absorbed = rng.sample(CUSTOMERS, 2)
        yield Told(rng.randrange(WINDOWS), Merge(shop_id=0, kept=kept, absorbed=absorbed))


def _customer(number: int, email: str | None, moment: datetime, version: int, rng: Random) -> CustomerSnapshot:
    # Created before or after our record of orders begins, and the same in every version.
    created = START + timedelta(days=-1 if number % 2 else 1)
    return CustomerSnapshot(
        shop_id=0,
        id=number,
        email=email,
        phone=None,
        verified_email=rng.random() < 0.7,
        first_name=None,
        last_name=None,
        country=None,
        province=None,
        city=None,
        language=None,
        state=None,
        created_at=created,
        updated_at=moment,
        triggered_at=moment + timedelta(milliseconds=version),
    )


def _catalogue(rng: Random) -> Iterator[Told]:
    for product in PRODUCTS:
        for _ in range(rng.choice((0, 1, 1, 2))):
            window = rng.randrange(WINDOWS)
            moment = at(window, rng)
            tags = rng.sample(TAGS, rng.choice((0, 1, 2)))
            held = rng.sample(COLLECTIONS, rng.choice((0, 1)))
            for source, labels in (
                ("tags", [f"tag:{tag.casefold()}" for tag in tags]),
                ("collections", [f"collection:{number}" for number in held]),
            ):
                yield Told(
                    window,
                    Statement(
                        shop_id=0, product_id=product, source=source, at=moment, told_at=moment,
                        labels=tuple(sorted(labels)),
                    ),
                )  # fmt: skip


def _deeds(rng: Random) -> Iterator[Told]:
    for number in range(rng.choice((0, 0, 1, 3))):
        window = rng.randrange(WINDOWS)
        yield Told(window, Deed(0, rng.choice(CUSTOMERS), rng.choice(ACTIONS), f"k{number}", at(window, rng)))


def _facts(rng: Random) -> Iterator[Told]:
    for number in range(rng.choice((1, 2, 3))):
        window = rng.randrange(1, WINDOWS)
        kind, points = rng.choice((("adjustment", 40), ("adjustment", -25), ("redemption", -30), ("redemption", -100)))
        yield Told(window, Fact(0, rng.choice(CUSTOMERS), kind, str(number), points, at(window, rng)))
