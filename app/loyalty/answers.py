"""Answers to what-if questions, as the API gives them: sums, costs in money, and the accounts with most at stake.

Computed from the row of the question (`app.loyalty.questions`) by the fold itself (`app.loyalty.what_if`). Nothing of a
person but Shopify's id of the customer.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import AccountIdentity
from app.loyalty import what_if
from app.loyalty.models import Reward
from app.loyalty.programs import ProgramRules, program_rules
from app.loyalty.rules import parse
from app.loyalty.run_models import WhatIf
from app.loyalty.standing import PointValue
from app.loyalty.what_if import Comparison, Difference, Side
from app.loyalty.wording import in_words
from app.money import to_decimal_string
from app.shops.models import Shop

RULES, HISTORY = "rules", "history"
AS_POSTED, ALL_ORDERS = "as_posted", "all_orders"
Cost = Callable[[int], dict[str, str]]


def answer(session: Session, shop: Shop, row: WhatIf) -> dict[str, Any]:
    """The answer to a question."""
    live = program_rules(session, [shop.id])[shop.id]
    cost = _priced(session, shop, live.program_id)
    if row.kind == HISTORY:
        since = datetime.fromisoformat(row.asked["from"]) if row.asked["from"] else None
        counted = replace(live, history_chosen=True, history_from=since)
        found = what_if.compare(session, replace(live, history_chosen=False), counted, only_imported=True)
        return _history(found, cost) | {"gainers": _at_stake(session, shop, found.top(found.gainers))}
    since, until = (datetime.fromisoformat(row.asked[name]) for name in ("from", "until"))
    if row.asked["counting"] == ALL_ORDERS:
        live = replace(live, earns_from=None, ends_at=None, history_chosen=True, history_from=None)
    drafted = _drafted(live, row.asked["rules"], since)
    found = what_if.compare(session, live, drafted, since=since, until=until)
    return {
        "in_words": in_words(drafted.versions[-1], shop.currency, drafted.zone),
        **_rules(found, cost),
        "gainers": _at_stake(session, shop, found.top(found.gainers)),
        "losers": _at_stake(session, shop, found.top(found.losers)),
    }


def _drafted(live: ProgramRules, rules: Any, since: datetime) -> ProgramRules:
    """The program as it would have been with these rules in force from an instant on."""
    earlier = [one for one in live.versions if one.in_force_from is None or one.in_force_from < since]
    return replace(live, versions=(*earlier, parse(rules, in_force_from=since)))


def _priced(session: Session, shop: Shop, program_id: int) -> Cost:
    """What points cost if all of them buy the reward that gives most for them, as the liability has it."""
    offered = select(Reward).where(
        Reward.shop_id == shop.id, Reward.program_id == program_id, Reward.active, Reward.currency == shop.currency
    )
    values = [PointValue(one.value_minor, one.points, one.currency, one.id) for one in session.scalars(offered)]
    dearest = max(values, key=lambda value: (value.minor / value.points, -value.reward_id), default=None)

    def cost(points: int) -> dict[str, str]:
        minor = dearest.of(points) if dearest else 0
        return {"amount": to_decimal_string(minor, shop.currency), "currency": shop.currency}

    return cost


def _rules(found: Comparison, cost: Cost) -> dict[str, Any]:
    points = found.draft.points - found.live.points
    return {
        "accounts": found.accounts,
        "orders": found.orders,
        "draft": _side(found.draft, cost),
        "live": _side(found.live, cost),
        "gained": {"accounts": found.gained.accounts, "points": found.gained.points},
        "lost": {"accounts": found.lost.accounts, "points": found.lost.points},
        "difference": {"points": points, "cost": cost(points)},
        "spread": _spread(found),
    }


def _history(found: Comparison, cost: Cost) -> dict[str, Any]:
    points = found.draft.points - found.live.points
    return {
        "points": points,
        "cost": cost(points),
        "accounts": found.gained.accounts,
        "orders": found.orders,
        "years": [
            {"year": year, "points": found.years[year], "cost": cost(found.years[year])}
            for year in sorted(found.years)
            if found.years[year]
        ],
    }


def _side(side: Side, cost: Cost) -> dict[str, Any]:
    return {"points": side.points, "accounts": side.accounts, "sources": side.sources, "cost": cost(side.points)}


def _spread(found: Comparison) -> list[dict[str, int | None]]:
    lower = (None, *(bound + 1 for bound in what_if.BOUNDS))
    upper = (*what_if.BOUNDS, None)
    return [
        {"from": low, "to": high, "accounts": found.spread[number]}
        for number, (low, high) in enumerate(zip(lower, upper, strict=True))
    ]


def _at_stake(session: Session, shop: Shop, top: list[Difference]) -> list[dict[str, Any]]:
    own = select(AccountIdentity.account_id, AccountIdentity.value).where(
        AccountIdentity.shop_id == shop.id,
        AccountIdentity.kind == "customer",
        AccountIdentity.account_id.in_([one.account_id for one in top]),
    )
    customer_of = {row.account_id: row.value for row in session.execute(own)}
    return [
        {
            "account": str(one.account_id),
            "customer": customer_of.get(one.account_id),
            "draft": one.draft,
            "live": one.live,
        }
        for one in top
    ]
