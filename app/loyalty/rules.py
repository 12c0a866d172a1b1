"""A rule version as the fold uses it: what earns how many points, read from its JSON and checked once.

The JSON is what merchants send and what `rule_versions.rules` keeps; `parse` says what is wrong with it by name. All of
it is optional but `earning`. A rule version is immutable: everything here is frozen.

- `earning`: order rules, whose points add up. Each has a `kind`:
  `per_unit` (`points` for each `per` units of money of the goods, `count` whole_units or exact),
  `per_order` (`points` for an order, from `minimum` on), `per_item` (`points` for each piece),
  `nth_order` (`points` for the orders numbered `orders`, or for `every` so many).
  `only` and `exclude` narrow a rule to goods: `products`, `collections` (ids), `tags`.
- `exclude`: goods that never earn. `gift_cards`: whether buying gift cards earns (no).
- `tax`: as_priced, with, without. `shipping`: whether shipping earns (no). `rounding`: down, nearest, up.
- `multipliers`: `factor` for orders in [`from`, `until`); where several hold, the greatest counts.
- `caps`: most points of one `order`, one `day` of the shop, one `account` in all.
- `channels`: `pos` (yes), `drafts` (yes), `b2b` (no). `paid_with`: whether orders paid with `gift_card` or
  `store_credit` earn (yes).
- `waiting_days`: until points can be spent. `expiry`: {`kind`: after, `days` or `months`} for each award,
  {`kind`: inactivity, `days` or `months`} since the account's last activity; absent is never.
- `actions`: by name, `points` and the most times `per_day`, `per_year` and `per_account`.
- `referral`: points of the `advocate` and of the `friend` for a friend's first order, from `minimum` on, spendable
  after `waiting_days` of its own; absent: nobody is rewarded for bringing friends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from app.loyalty import referral_rules
from app.loyalty.referral_rules import ReferralRule
from app.merchant_json import Reader


@dataclass(frozen=True, slots=True)
class Goods:
    """A choice of goods by labels: `product:1`, `collection:2`, `tag:summer`. Empty chooses nothing."""

    labels: frozenset[str] = frozenset()

    def has(self, labels: frozenset[str]) -> bool:
        """Whether a line with these labels is chosen."""
        return not self.labels.isdisjoint(labels)


@dataclass(frozen=True, slots=True)
class OrderRule:
    """One way in which an order earns. `only` None: all goods that are not excluded."""

    kind: str
    points: int
    per: Decimal = Decimal(1)
    exact: bool = False
    minimum: Decimal = Decimal(0)
    orders: frozenset[int] = frozenset()
    every: int = 0
    only: Goods | None = None
    exclude: Goods = Goods()

    def counts(self, ordinal: int | None) -> bool:
        """Whether an `nth_order` rule is about the order with this number; an unknown number is never meant."""
        if ordinal is None:
            return False
        return ordinal in self.orders or (self.every > 0 and ordinal % self.every == 0)


@dataclass(frozen=True, slots=True)
class Multiplier:
    """A factor for orders of a time; `until` is not part of it."""

    factor: Fraction
    since: datetime | None
    until: datetime | None

    def holds(self, instant: datetime) -> bool:
        """Whether an order of this instant is meant."""
        return (self.since is None or self.since <= instant) and (self.until is None or instant < self.until)


@dataclass(frozen=True, slots=True)
class Caps:
    """The most points of an order, of a day and of an account; None is no limit."""

    order: int | None = None
    day: int | None = None
    account: int | None = None


@dataclass(frozen=True, slots=True)
class Expiry:
    """Kind `after` counts from each award, `inactivity` from the account's last activity."""

    kind: str
    days: int = 0
    months: int = 0


@dataclass(frozen=True, slots=True)
class ActionRule:
    """Points of an action and how often it may earn them; None is no limit."""

    points: int
    per_day: int | None = None
    per_year: int | None = None
    per_account: int | None = None


@dataclass(frozen=True, kw_only=True)
class Rules:
    """One rule version; `in_force_from` None is since the beginning of history."""

    version: int
    in_force_from: datetime | None
    earning: tuple[OrderRule, ...]
    exclude: Goods = Goods()
    gift_cards: bool = False
    tax: str = "as_priced"
    shipping: bool = False
    rounding: str = "down"
    multipliers: tuple[Multiplier, ...] = ()
    caps: Caps = Caps()
    closed_channels: frozenset[str] = frozenset({"b2b"})
    refused_payments: frozenset[str] = frozenset()
    waiting_days: int = 0
    expiry: Expiry | None = None
    actions: Mapping[str, ActionRule] = field(default_factory=dict)
    referral: ReferralRule | None = None

    @cached_property
    def needs_lines(self) -> bool:
        """Whether the goods of an order have to be told apart. Gift cards among them always have to."""
        narrowed = any(rule.only or rule.exclude.labels or rule.kind == "per_item" for rule in self.earning)
        return narrowed or bool(self.exclude.labels) or self.tax != "as_priced"

    @property
    def needs_labels(self) -> bool:
        """Whether products have to be known: their tags and collections."""
        goods = [self.exclude] + [part for rule in self.earning for part in (rule.only, rule.exclude) if part]
        return any(not label.startswith("product:") for part in goods for label in part.labels)

    @property
    def needs_ordinals(self) -> bool:
        """Whether orders have to be counted, those before us too."""
        return any(rule.kind == "nth_order" for rule in self.earning)

    def factor(self, instant: datetime) -> Fraction:
        """What an order's points are multiplied by."""
        return max((part.factor for part in self.multipliers if part.holds(instant)), default=Fraction(1))


_KINDS = {
    "per_unit": {"points", "per", "count"},
    "per_order": {"points", "minimum"},
    "per_item": {"points"},
    "nth_order": {"points", "orders", "every", "minimum"},
}
_CHANNELS = {"pos": True, "drafts": True, "b2b": False}
_PAYMENTS = {"gift_card": True, "store_credit": True}


def parse(rules: Any, *, version: int = 0, in_force_from: datetime | None = None) -> Rules:
    """Read a rule version; raises `Invalid` naming every field that cannot be right."""
    reader = Reader(rules, "rules")
    channels, payments = reader.part("channels"), reader.part("paid_with")
    parsed = Rules(
        version=version,
        in_force_from=in_force_from,
        earning=tuple(_order_rule(part) for part in reader.parts("earning", needed=True)),
        exclude=_goods(reader.part("exclude")),
        gift_cards=reader.flag("gift_cards", default=False),
        tax=reader.choice("tax", ("as_priced", "with", "without")),
        shipping=reader.flag("shipping", default=False),
        rounding=reader.choice("rounding", ("down", "nearest", "up")),
        multipliers=tuple(_multiplier(part) for part in reader.parts("multipliers")),
        caps=_caps(reader.part("caps")),
        closed_channels=frozenset(name for name, on in _CHANNELS.items() if not channels.flag(name, default=on)),
        refused_payments=frozenset(name for name, on in _PAYMENTS.items() if not payments.flag(name, default=on)),
        waiting_days=reader.whole("waiting_days", default=0, most=3650),
        expiry=_expiry(reader.part("expiry")),
        actions={name: _action(part) for name, part in reader.named_parts("actions")},
        referral=referral_rules.read(reader.part("referral")),
    )
    reader.finish()
    return parsed


def _order_rule(part: Reader) -> OrderRule:
    kind = part.choice("kind", tuple(_KINDS))
    part.only_fields(_KINDS[kind] | {"kind", "only", "exclude"})
    rule = OrderRule(
        kind=kind,
        points=part.whole("points", least=1, most=1_000_000),
        per=part.amount("per", default=Decimal(1)) if "per" in _KINDS[kind] else Decimal(1),
        exact=kind == "per_unit" and part.choice("count", ("whole_units", "exact")) == "exact",
        minimum=part.amount("minimum", default=Decimal(0)) if "minimum" in _KINDS[kind] else Decimal(0),
        orders=frozenset(part.wholes("orders")) if kind == "nth_order" else frozenset(),
        every=part.whole("every", default=0, most=100_000) if kind == "nth_order" else 0,
        only=_goods(part.part("only")) if part.has("only") else None,
        exclude=_goods(part.part("exclude")),
    )
    if kind == "per_unit" and not rule.per:
        part.wrong("per", "must be greater than 0")
    if kind == "nth_order" and not rule.orders and not rule.every:
        part.wrong("orders", "or `every` must say which orders are meant")
    return rule


def _goods(part: Reader) -> Goods:
    labels = {f"product:{number}" for number in part.wholes("products")}
    labels |= {f"collection:{number}" for number in part.wholes("collections")}
    # Shopify compares tags without regard to case.
    labels |= {f"tag:{tag.casefold()}" for tag in part.texts("tags")}
    return Goods(frozenset(labels))


def _multiplier(part: Reader) -> Multiplier:
    factor = part.amount("factor", needed=True)
    since, until = part.instant("from"), part.instant("until")
    if not 0 < factor <= 100:
        part.wrong("factor", "must be greater than 0 and at most 100")
    if since and until and since >= until:
        part.wrong("until", "must be later than `from`")
    return Multiplier(Fraction(factor), since, until)


def _caps(part: Reader) -> Caps:
    names = ("order", "day", "account")
    return Caps(*(part.whole(name, least=1, most=10**12) if part.has(name) else None for name in names))


def _expiry(part: Reader) -> Expiry | None:
    if part.absent:
        return None
    expiry = Expiry(
        part.choice("kind", ("after", "inactivity")),
        part.whole("days", default=0, most=36_500),
        part.whole("months", default=0, most=1_200),
    )
    if bool(expiry.days) == bool(expiry.months):
        part.wrong("days", "or `months` must be given, and only one of them")
    return expiry


def _action(part: Reader) -> ActionRule:
    names = ("per_day", "per_year", "per_account")
    limits = [part.whole(name, least=1, most=1_000_000) if part.has(name) else None for name in names]
    return ActionRule(part.whole("points", least=1, most=1_000_000), *limits)
