"""Rules in plain words, made from the rules themselves, so that what is said cannot differ from what is done (R132).

Used by the API, by previews and by the admin's home. A rule version becomes sentences with gaps (`Sentence`); `say`
fills them in. Texts are whole phrases with named gaps and forms for one and for several, so that a catalogue (Babel)
can translate them: another language replaces `say`, never this order of things. Two rule versions that differ have
different sentences: every field is said, also where it has its default. A property test holds that.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Union
from zoneinfo import ZoneInfo

from app.loyalty.models import Program
from app.loyalty.referral_rules import ReferralRule
from app.loyalty.rules import ActionRule, Expiry, Goods, Multiplier, OrderRule, Rules

Value = Union[int, Decimal, str, datetime, "Sentence", "tuple[Sentence, ...]"]


class Sentence(NamedTuple):
    """A text with gaps and what fills them. Where `several` is given, the gap `n` chooses the form."""

    one: str
    gaps: Mapping[str, Value] = {}
    several: str = ""


def say(sentence: Sentence) -> str:
    """A sentence in English."""
    form = sentence.several if sentence.several and sentence.gaps["n"] != 1 else sentence.one
    return form.format(**{name: _shown(value) for name, value in sentence.gaps.items()})


def _shown(value: Value) -> str:
    if isinstance(value, Sentence):
        return say(value)
    if isinstance(value, tuple):
        *most, last = [say(part) for part in value]
        return f"{', '.join(most)} and {last}" if most else last
    if isinstance(value, datetime):
        seconds = ":%S.%f" if value.microsecond else ":%S" if value.second else ""
        return f"{value.day} {value.strftime(f'%B %Y, %H:%M{seconds} (%Z, UTC%z)')}"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return f"{value:,}" if isinstance(value, int) else value


def in_words(rules: Rules, currency: str, zone: ZoneInfo) -> list[str]:
    """A rule version as a shopper would be told; money in the shop's currency, instants in its zone."""
    return [say(sentence) for sentence in sentences(rules, currency, zone)]


def sentences(rules: Rules, currency: str, zone: ZoneInfo) -> Iterator[Sentence]:
    """The same with open gaps."""
    yield from (_order_rule(rule, currency) for rule in rules.earning)
    if not rules.earning:
        yield Sentence("Orders earn no points.")
    yield from (_action(name, rule) for name, rule in sorted(rules.actions.items()))
    if rules.referral:
        yield from _referral(rules.referral, currency)
    yield from _what_counts(rules)
    yield from _which_orders(rules)
    yield from (_multiplier(part, zone) for part in rules.multipliers)
    if len(rules.multipliers) > 1:
        yield Sentence("Where several of these times overlap, the greatest number counts.")
    yield from _limits(rules)
    yield Sentence("When goods are given back, their points are taken back.")
    yield from _life_of_points(rules)
    yield _since(rules.in_force_from, zone)


class Terms(NamedTuple):
    """What of a program stands beside its rules."""

    earns_from: datetime | None
    ends_at: datetime | None
    forgives_debts: bool
    returns_spent: bool
    return_days: int

    @classmethod
    def of(cls, program: Program) -> "Terms":
        """Those of a stored program."""
        return cls(*(getattr(program, name) for name in cls._fields))


class Offer(NamedTuple):
    """A reward: its title, its price in points, what it takes off."""

    title: str
    points: int
    value: Decimal
    currency: str


def terms_in_words(terms: Terms, offers: Iterable[Offer], zone: ZoneInfo) -> list[str]:
    """What points buy, when the program runs, and what becomes of points when rewards are given back."""
    return [say(sentence) for sentence in sentences_of_terms(terms, offers, zone)]


def sentences_of_terms(terms: Terms, offers: Iterable[Offer], zone: ZoneInfo) -> Iterator[Sentence]:
    """The same as sentences with gaps, for whoever says them in another language; instants are shown in `zone`."""
    for offer in offers:
        gaps: dict[str, Value] = {"points": points(offer.points), "title": offer.title}
        gaps["value"] = _money(offer.value, offer.currency)
        yield Sentence("{points} buy “{title}”: {value} off an order.", gaps)
    if terms.earns_from:
        yield Sentence("What happens from {since} on counts.", {"since": terms.earns_from.astimezone(zone)})
    if terms.ends_at:
        yield Sentence(
            "What happens from {until} on does not count any more.", {"until": terms.ends_at.astimezone(zone)}
        )
    if terms.returns_spent:
        yield Sentence(
            "When an order paid with a reward is refunded, the reward's points come back in proportion "
            "and can be spent for {n} more day at least.",
            {"n": terms.return_days},
            "When an order paid with a reward is refunded, the reward's points come back in proportion "
            "and can be spent for {n} more days at least.",
        )
    else:
        yield Sentence("When an order paid with a reward is refunded, the reward's points stay spent.")
    if terms.forgives_debts:
        yield Sentence("Who has spent points that are taken back later owes nothing.")
    else:
        yield Sentence("Who has spent points that are taken back later owes them.")


def points(number: int) -> Sentence:
    """Some points."""
    return Sentence("{n} point", {"n": number}, "{n} points")


def _order_rule(rule: OrderRule, currency: str) -> Sentence:
    gaps: dict[str, Value] = {"points": points(rule.points), "goods": _goods_of(rule)}
    if rule.kind == "per_item":
        return Sentence("{points} for each piece of {goods}.", gaps)
    if rule.kind == "per_unit":
        gaps["unit"] = currency if rule.per == 1 else _money(rule.per, currency)
        if rule.exact:
            return Sentence("{points} for each {unit} of {goods}, and for parts of it in proportion.", gaps)
        return Sentence("{points} for each whole {unit} of {goods}.", gaps)
    gaps["order"] = _which_order(rule)
    if rule.minimum:
        gaps["minimum"] = _money(rule.minimum, currency)
        return Sentence("{points} for {order} with at least {minimum} of {goods}.", gaps)
    if rule.only is None and not rule.exclude.labels:
        return Sentence("{points} for {order}.", gaps)
    return Sentence("{points} for {order} with {goods}.", gaps)


def _which_order(rule: OrderRule) -> Sentence:
    if rule.kind == "per_order":
        return Sentence("each order")
    numbers = tuple(Sentence("{number}", {"number": number}) for number in sorted(rule.orders))
    every = {"every": rule.every}
    if rule.every and numbers:
        form = "a member's order number {numbers}, and number {every}, twice {every} and so on"
        return Sentence(form, {"numbers": numbers, **every})
    if rule.every:
        return Sentence("a member's orders number {every}, twice {every} and so on", every)
    return Sentence("a member's order number {numbers}", {"numbers": numbers})


def _goods_of(rule: OrderRule) -> Sentence:
    chosen = Sentence("all goods") if rule.only is None else _goods(rule.only)
    if not rule.exclude.labels:
        return chosen
    return Sentence("{goods} except {others}", {"goods": chosen, "others": _goods(rule.exclude)})


_LABELS = {"tag": "goods tagged “{label}”", "collection": "goods of collection {label}", "product": "product {label}"}


def _goods(goods: Goods) -> Sentence:
    if not goods.labels:
        return Sentence("no goods")
    named = (label.partition(":") for label in sorted(goods.labels))
    return Sentence("{goods}", {"goods": tuple(Sentence(_LABELS[kind], {"label": label}) for kind, _, label in named)})


_ACTIONS = {
    "sign_up": "signing up",
    "newsletter": "subscribing to the newsletter",
    "review": "a review",
    "social_share": "sharing us with friends",
    "birthday": "a birthday",
}


def action_name(kind: str) -> Sentence:
    """What somebody did, as a noun; names that merchants chose speak for themselves."""
    if kind in _ACTIONS:
        return Sentence(_ACTIONS[kind])
    return Sentence("“{kind}”", {"kind": kind})


def _action(kind: str, rule: ActionRule) -> Sentence:
    limits = [
        ("once a day", "{n} times a day", rule.per_day),
        ("once a year", "{n} times a year", rule.per_year),
        ("once in all", "{n} times in all", rule.per_account),
    ]
    said = tuple(Sentence(one, {"n": most}, several) for one, several, most in limits if most is not None)
    gaps: dict[str, Value] = {"points": points(rule.points), "action": action_name(kind)}
    if not said:
        return Sentence("{points} for {action}.", gaps)
    return Sentence("{points} for {action}, at most {limits}.", {**gaps, "limits": said})


def _referral(rule: ReferralRule, currency: str) -> Iterator[Sentence]:
    order = Sentence("a friend's first order")
    if rule.minimum:
        goods = {"order": order, "minimum": _money(rule.minimum, currency)}
        order = Sentence("{order} with at least {minimum} of goods", goods)
    if rule.advocate:
        gaps: dict[str, Value] = {"points": points(rule.advocate), "order": order}
        yield Sentence("{points} for whoever brings a friend, for {order}.", gaps)
    if rule.friend:
        yield Sentence("{points} for the friend, for {order}.", {"points": points(rule.friend), "order": order})
    if rule.waiting_days is not None:
        yield Sentence(
            "Points of referrals can be spent after {n} whole day of waiting.",
            {"n": rule.waiting_days},
            "Points of referrals can be spent after {n} whole days of waiting.",
        )


_TAX = {
    "as_priced": "Goods count at the price shown, after discounts: with tax where prices include it.",
    "with": "Goods count at their price with tax, after discounts.",
    "without": "Goods count at their price without tax, after discounts.",
}
_ROUNDING = {
    "down": "Parts of a point are left out.",
    "nearest": "Parts of a point are rounded, half a point counts as one.",
    "up": "A part of a point counts as a whole one.",
}


def _what_counts(rules: Rules) -> Iterator[Sentence]:
    if rules.exclude.labels:
        yield Sentence("Never counted: {goods}.", {"goods": _goods(rules.exclude)})
    yield Sentence(_TAX[rules.tax])
    yield Sentence("Shipping counts, too." if rules.shipping else "Shipping does not count.")
    yield Sentence("Buying gift cards counts, too." if rules.gift_cards else "Buying gift cards does not count.")
    yield Sentence(_ROUNDING[rules.rounding])


_CHANNELS = {
    "pos": ("Orders at the till earn, too.", "Orders at the till earn nothing."),
    "drafts": ("Orders that the shop enters itself earn, too.", "Orders that the shop enters itself earn nothing."),
    "b2b": ("Orders of companies earn, too.", "Orders of companies earn nothing."),
}
_PAYMENTS = {
    "gift_card": ("Orders paid with a gift card earn, too.", "Orders paid with a gift card earn nothing."),
    "store_credit": ("Orders paid with store credit earn, too.", "Orders paid with store credit earn nothing."),
}


def _which_orders(rules: Rules) -> Iterator[Sentence]:
    yield from (Sentence(said[name in rules.closed_channels]) for name, said in _CHANNELS.items())
    yield from (Sentence(said[name in rules.refused_payments]) for name, said in _PAYMENTS.items())


def _multiplier(part: Multiplier, zone: ZoneInfo) -> Sentence:
    gaps: dict[str, Value] = {"factor": _plain(Decimal(part.factor.numerator) / Decimal(part.factor.denominator))}
    if part.since:
        gaps["since"] = part.since.astimezone(zone)
    if part.until:
        gaps["until"] = part.until.astimezone(zone)
    if part.since and part.until:
        return Sentence("Orders from {since} until {until} earn {factor} times as much.", gaps)
    if part.since:
        return Sentence("Orders from {since} on earn {factor} times as much.", gaps)
    if part.until:
        return Sentence("Orders before {until} earn {factor} times as much.", gaps)
    return Sentence("All orders earn {factor} times as much.", gaps)


def _limits(rules: Rules) -> Iterator[Sentence]:
    limits = (
        ("An order earns at most {points}.", rules.caps.order),
        ("A member earns at most {points} a day.", rules.caps.day),
        ("A member earns at most {points} in all.", rules.caps.account),
    )
    yield from (Sentence(text, {"points": points(most)}) for text, most in limits if most is not None)


def _life_of_points(rules: Rules) -> Iterator[Sentence]:
    if rules.waiting_days:
        one = "Points can be spent after {n} whole day of waiting."
        yield Sentence(one, {"n": rules.waiting_days}, "Points can be spent after {n} whole days of waiting.")
    else:
        yield Sentence("Points can be spent at once.")
    yield _expiry(rules.expiry)


def _expiry(expiry: Expiry | None) -> Sentence:
    if expiry is None:
        return Sentence("Points do not expire.")
    time = (
        Sentence("{n} month", {"n": expiry.months}, "{n} months")
        if expiry.months
        else Sentence("{n} day", {"n": expiry.days}, "{n} days")
    )
    if expiry.kind == "after":
        return Sentence("Points expire {time} after the day from which they can be spent.", {"time": time})
    return Sentence("Points expire when a member has done nothing for {time}.", {"time": time})


def _since(instant: datetime | None, zone: ZoneInfo) -> Sentence:
    if instant is None:
        return Sentence("These rules hold since the beginning.")
    return Sentence("These rules hold from {since} on.", {"since": instant.astimezone(zone)})


def _money(amount: Decimal, currency: str) -> Sentence:
    return Sentence("{amount} {currency}", {"amount": _plain(amount), "currency": currency})


def _plain(number: Decimal) -> Decimal:
    """Without trailing zeros."""
    return number.normalize()
