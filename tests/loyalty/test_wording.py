"""Rules in plain words: nothing in the rules goes unsaid, and what is said reads well."""

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.loyalty.referral_rules import ReferralRule
from app.loyalty.rules import ActionRule, Caps, Expiry, Goods, Multiplier, OrderRule, Rules, parse
from app.loyalty.wording import Offer, Terms, in_words, terms_in_words

BERLIN = ZoneInfo("Europe/Berlin")
RULES: dict[str, Any] = {
    "earning": [
        {"kind": "per_unit", "points": 2, "per": "2.50", "count": "exact", "only": {"tags": ["Tea"]},
         "exclude": {"collections": [4], "products": [9]}},
        {"kind": "per_unit", "points": 1},
        {"kind": "nth_order", "points": 50, "orders": [1, 5], "every": 10, "minimum": "20"},
        {"kind": "per_order", "points": 5},
        {"kind": "per_item", "points": 1, "only": {"tags": ["new"]}},
    ],
    "exclude": {"tags": ["sale"]},
    "rounding": "nearest",
    "multipliers": [
        {"factor": "2", "from": "2026-12-01T00:00:00+01:00", "until": "2026-12-24T00:00:00+01:00"},
        {"factor": "1.5", "until": "2027-01-01T00:00:00Z"},
    ],
    "caps": {"order": 1000, "day": 100, "account": 10000},
    "waiting_days": 14,
    "expiry": {"kind": "after", "days": 90},
    "actions": {"sign_up": {"points": 20, "per_account": 1}, "unboxing": {"points": 3, "per_day": 2, "per_year": 9}},
}  # fmt: skip


@pytest.mark.requirement(132, partly=True)
def test_rules_read_as_a_shopper_would_be_told() -> None:
    assert in_words(parse(RULES), "EUR", BERLIN) == [
        "2 points for each 2.5 EUR of goods tagged “tea” except goods of collection 4 and product 9, "
        "and for parts of it in proportion.",
        "1 point for each whole EUR of all goods.",
        "50 points for a member's order number 1 and 5, and number 10, twice 10 and so on "
        "with at least 20 EUR of all goods.",
        "5 points for each order.",
        "1 point for each piece of goods tagged “new”.",
        "20 points for signing up, at most once in all.",
        "3 points for “unboxing”, at most 2 times a day and 9 times a year.",
        "Never counted: goods tagged “sale”.",
        "Goods count at the price shown, after discounts: with tax where prices include it.",
        "Shipping does not count.",
        "Buying gift cards does not count.",
        "Parts of a point are rounded, half a point counts as one.",
        "Orders at the till earn, too.",
        "Orders that the shop enters itself earn, too.",
        "Orders of companies earn nothing.",
        "Orders paid with a gift card earn, too.",
        "Orders paid with store credit earn, too.",
        "Orders from 1 December 2026, 00:00 (CET, UTC+0100) until 24 December 2026, 00:00 (CET, UTC+0100) "
        "earn 2 times as much.",
        "Orders before 1 January 2027, 01:00 (CET, UTC+0100) earn 1.5 times as much.",
        "Where several of these times overlap, the greatest number counts.",
        "An order earns at most 1,000 points.",
        "A member earns at most 100 points a day.",
        "A member earns at most 10,000 points in all.",
        "When goods are given back, their points are taken back.",
        "Points can be spent after 14 whole days of waiting.",
        "Points expire 90 days after the day from which they can be spent.",
        "These rules hold since the beginning.",
    ]


TERMS = Terms(None, None, forgives_debts=False, returns_spent=True, return_days=1)
OTHER_TERMS: dict[str, Any] = {
    "earns_from": datetime(2026, 1, 1, tzinfo=UTC), "ends_at": datetime(2027, 1, 1, tzinfo=UTC),
    "forgives_debts": True, "returns_spent": False, "return_days": 14,
}  # fmt: skip


def test_terms_read_as_a_shopper_would_be_told() -> None:
    offers = [Offer("Five off", 100, Decimal("5.00"), "EUR")]
    assert terms_in_words(TERMS._replace(earns_from=OTHER_TERMS["earns_from"]), offers, BERLIN) == [
        "100 points buy “Five off”: 5 EUR off an order.",
        "What happens from 1 January 2026, 01:00 (CET, UTC+0100) on counts.",
        "When an order paid with a reward is refunded, the reward's points come back in proportion "
        "and can be spent for 1 more day at least.",
        "Who has spent points that are taken back later owes them.",
    ]


@pytest.mark.requirement(132, partly=True)
def test_every_term_of_a_program_is_said() -> None:
    assert set(OTHER_TERMS) == set(Terms._fields)
    said = [terms_in_words(TERMS._replace(**{name: value}), [], BERLIN) for name, value in OTHER_TERMS.items()]
    assert terms_in_words(TERMS, [], BERLIN) not in said
    assert len({tuple(sentences) for sentences in said}) == len(said)


def test_rules_without_earning_say_so() -> None:
    assert in_words(parse({"earning": []}), "EUR", BERLIN)[0] == "Orders earn no points."


WHOLE = st.integers(1, 10**6)
AMOUNT = st.decimals("0.01", 10**6, places=2, allow_nan=False)
INSTANT = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
LABEL = st.sampled_from(["tag", "collection", "product"]).flatmap(
    lambda kind: (st.text("abcxyz-", min_size=1) if kind == "tag" else WHOLE).map(lambda value: f"{kind}:{value}")
)
GOODS = st.frozensets(LABEL, max_size=4).map(Goods)
SOME: dict[type, dict[str, st.SearchStrategy[Any]]] = {
    OrderRule: {
        "points": WHOLE, "per": AMOUNT, "exact": st.booleans(), "minimum": AMOUNT, "every": WHOLE,
        "orders": st.frozensets(WHOLE, min_size=1, max_size=3), "only": st.none() | GOODS, "exclude": GOODS,
        "kind": st.sampled_from(["per_unit", "per_order", "per_item", "nth_order"]),
    },
    Multiplier: {"factor": st.fractions(1, 9, max_denominator=1).map(lambda n: n / 4), "since": st.none() | INSTANT,
                 "until": st.none() | INSTANT},
    Caps: dict.fromkeys(("order", "day", "account"), st.none() | WHOLE),
    Expiry: {"kind": st.sampled_from(["after", "inactivity"]), "days": WHOLE, "months": st.just(0) | WHOLE},
    ActionRule: {"points": WHOLE} | dict.fromkeys(("per_day", "per_year", "per_account"), st.none() | WHOLE),
    ReferralRule: {"advocate": WHOLE, "friend": WHOLE, "minimum": AMOUNT, "waiting_days": st.none() | WHOLE},
}  # fmt: skip
# What a kind of order rule does not read is no part of it.
READ = {
    "per_unit": {"points", "per", "exact", "only", "exclude"},
    "per_order": {"points", "minimum", "only", "exclude"},
    "per_item": {"points", "only", "exclude"},
    "nth_order": {"points", "minimum", "orders", "every", "only", "exclude"},
}


def a(of: type) -> st.SearchStrategy[Any]:
    """Any value of a part of the rules, with nothing in it that its kind does not read."""
    if of is not OrderRule:
        made = st.builds(of, **SOME[of])
        return made.map(lambda e: dataclasses.replace(e, days=0) if e.months else e) if of is Expiry else made
    kinds = [
        st.builds(of, kind=st.just(kind), **{name: SOME[of][name] for name in sorted(names)})
        for kind, names in READ.items()
    ]
    return st.one_of(kinds)


SOME[Rules] = {
    "earning": st.lists(a(OrderRule), max_size=3).map(tuple),
    "exclude": GOODS,
    "gift_cards": st.booleans(),
    "tax": st.sampled_from(["as_priced", "with", "without"]),
    "shipping": st.booleans(),
    "rounding": st.sampled_from(["down", "nearest", "up"]),
    "multipliers": st.lists(a(Multiplier), max_size=2).map(tuple),
    "caps": a(Caps),
    "closed_channels": st.frozensets(st.sampled_from(["pos", "drafts", "b2b"])),
    "refused_payments": st.frozensets(st.sampled_from(["gift_card", "store_credit"])),
    "waiting_days": st.integers(0, 3650),
    "expiry": st.none() | a(Expiry),
    "actions": st.dictionaries(st.sampled_from(["sign_up", "review", "unboxing"]), a(ActionRule), max_size=2),
    "referral": st.none() | a(ReferralRule),
    "in_force_from": st.none() | INSTANT,
}


def test_every_field_of_the_rules_is_tried() -> None:
    for kind, strategies in SOME.items():
        assert set(strategies) | ({"version"} if kind is Rules else set()) == {
            field.name for field in dataclasses.fields(kind)
        }
    assert {"kind"}.union(*READ.values()) == set(SOME[OrderRule])


@pytest.mark.requirement(132, partly=True)
@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_rules_that_differ_in_any_field_are_worded_differently(data: st.DataObject) -> None:
    rules = data.draw(_rules())
    name = data.draw(st.sampled_from(sorted(SOME[Rules])))
    other = dataclasses.replace(rules, **{name: data.draw(SOME[Rules][name])})
    same = other == rules
    assert (in_words(rules, "EUR", BERLIN) == in_words(other, "EUR", BERLIN)) is same


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_parts_that_differ_in_any_field_are_worded_differently(data: st.DataObject) -> None:
    of = data.draw(st.sampled_from([OrderRule, Multiplier, Caps, Expiry, ActionRule, ReferralRule]))
    part = data.draw(a(of))
    read = READ[part.kind] if of is OrderRule else set(SOME[of])
    name = data.draw(st.sampled_from(sorted(read)))
    other = dataclasses.replace(part, **{name: data.draw(SOME[of][name])})
    if of is Expiry and bool(other.days) == bool(other.months):
        other = dataclasses.replace(other, days=0)
    assert (_worded(part) == _worded(other)) is (part == other)


def _rules() -> st.SearchStrategy[Rules]:
    return st.builds(Rules, version=st.just(1), **SOME[Rules])


def _worded(part: object) -> list[str]:
    places: dict[type, dict[str, Any]] = {
        OrderRule: {"earning": (part,)}, Multiplier: {"multipliers": (part,)}, Caps: {"caps": part},
        Expiry: {"expiry": part}, ActionRule: {"actions": {"review": part}}, ReferralRule: {"referral": part},
    }  # fmt: skip
    return in_words(Rules(version=1, in_force_from=None, **{"earning": (), **places[type(part)]}), "EUR", BERLIN)
