"""Which orders earn: other currencies, drafts, tills, companies, gift cards bought and used, store credit."""

from typing import Any

import pytest

from tests.products.conftest import Market, line

PER_UNIT = [{"kind": "per_unit", "points": 1}]


def earned(market: Market, *lines: Any, rules: dict[str, Any] | None = None, **order: Any) -> int:
    """Points of one order under one point for each unit, and these rules."""
    market.use_rules(earning=PER_UNIT, **(rules or {}))
    ann = market.customer()
    market.order(ann, *lines, **order)
    market.deliver()
    return market.points(ann)


def test_another_currency_counts_in_shop_money(market: Market) -> None:
    assert earned(market, line("20.00"), presentment_currency="JPY", presentment_rate="150") == 20


@pytest.mark.requirement(94)
@pytest.mark.parametrize(
    ("order", "rules", "points"),
    [
        ({"source_name": "pos"}, {}, 20),
        ({"source_name": "pos"}, {"channels": {"pos": False}}, 0),
        ({"source_name": "shopify_draft_order"}, {}, 20),
        ({"source_name": "shopify_draft_order"}, {"channels": {"drafts": False}}, 0),
        ({"company_id": 77}, {}, 0),
        ({"company_id": 77}, {"channels": {"b2b": True}}, 20),
        ({"company_id": 77, "source_name": "pos"}, {"channels": {"b2b": True, "pos": False}}, 0),
    ],
)
def test_channels_earn_as_the_rules_say(
    market: Market, order: dict[str, Any], rules: dict[str, Any], points: int
) -> None:
    assert earned(market, line("20.00"), rules=rules, **order) == points


@pytest.mark.parametrize(("rules", "points"), [({}, 20), ({"gift_cards": True}, 70)])
def test_a_gift_card_that_is_bought_earns_when_it_is_switched_on(
    market: Market, rules: dict[str, Any], points: int
) -> None:
    assert earned(market, line("20.00"), line("50.00", gift_card=True, taxable=False), rules=rules) == points


@pytest.mark.parametrize("gateway", ["gift_card", "shopify_store_credit"])
@pytest.mark.parametrize("refused", [False, True])
def test_orders_paid_wholly_with_what_was_earned_before_earn_as_the_rules_say(
    market: Market, gateway: str, refused: bool
) -> None:
    name = gateway.removeprefix("shopify_")
    rules = {"paid_with": {name: False}} if refused else {}
    assert earned(market, line("20.00"), rules=rules, paid_with={gateway: "20.00"}) == (0 if refused else 20)
