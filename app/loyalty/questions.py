"""What-if questions as the API asks them: answered at once for a small shop, by a job for a larger one.

A question is a row (`WhatIf`). Its answer is JSON of ids and sums, kept for a month; `answer` computes it from `asked`
alone, so that a job that was lost can be run again.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from app import clock, jobs
from app.errors import NotFound, Unprocessable
from app.jobs import job
from app.loyalty import what_if
from app.loyalty.models import Program, Reward
from app.loyalty.programs import ProgramRules, program_rules
from app.loyalty.rules import parse
from app.loyalty.run_models import WhatIf
from app.loyalty.what_if import Comparison, Difference, Side
from app.loyalty.wording import in_words
from app.money import to_decimal_string
from app.runtime import Runtime
from app.shops.models import Shop

# About half a second of work.
SMALL = 3_000
KEPT_FOR = timedelta(days=30)
RULES, HISTORY = "rules", "history"
AS_POSTED, ALL_ORDERS = "as_posted", "all_orders"


def ask_about_rules(
    session: Session, shop: Shop, program: Program, rules: Any, since: datetime, until: datetime, counting: str
) -> WhatIf:
    """What draft rules would have given in [since, until); raises Invalid for rules that cannot be used.

    `counting` as_posted: start, end and the choice about history hold for both sides; all_orders: for neither.
    """
    parse(rules)
    if since >= until:
        raise Unprocessable("The period has to end later than it begins.", kind="empty-period")
    asked = {"rules": rules, "from": since.isoformat(), "until": until.isoformat(), "counting": counting}
    return _ask(session, shop, program, RULES, asked)


def ask_about_history(session: Session, shop: Shop, program: Program, since: datetime | None) -> WhatIf:
    """What imported orders from `since` on (None: all) would be worth. The same question again is the same row."""
    asked = {"from": since.isoformat() if since else None}
    earlier = session.scalars(
        select(WhatIf)
        .where(WhatIf.shop_id == shop.id, WhatIf.program_id == program.id, WhatIf.kind == HISTORY)
        .where(WhatIf.asked == asked, WhatIf.asked_at > clock.now() - timedelta(minutes=10))
        .order_by(WhatIf.id.desc())
        .limit(1)
    ).first()
    # Small ones are counted anew: cheaper than being told what was true ten minutes ago.
    return earlier if earlier and not _is_small(session, shop.id) else _ask(session, shop, program, HISTORY, asked)


def question(session: Session, shop_id: int, program_id: int, question_id: int) -> WhatIf:
    """A question of this program about rules; raises NotFound."""
    found = session.get(WhatIf, (shop_id, question_id))
    if found is None or found.program_id != program_id or found.kind != RULES:
        raise NotFound(f"This program has no preview {question_id}.")
    return found


def _ask(session: Session, shop: Shop, program: Program, kind: str, asked: dict[str, Any]) -> WhatIf:
    row = WhatIf(shop_id=shop.id, program_id=program.id, kind=kind, asked=asked, state="pending", asked_at=clock.now())
    session.add(row)
    session.flush()
    if _is_small(session, shop.id):
        _settle_with(row, answer(session, shop, row))
    else:
        jobs.enqueue(session, "loyalty.answer_what_if", {"shop_id": shop.id, "what_if_id": row.id})
    session.flush()
    return row


_MANY = text("select count(*) from (select from orders where shop_id = :shop_id limit :most) counted")


def _is_small(session: Session, shop_id: int) -> bool:
    return int(session.scalar(_MANY, {"shop_id": shop_id, "most": SMALL + 1}) or 0) <= SMALL


def _settle_with(row: WhatIf, found: dict[str, Any]) -> None:
    row.answer, row.state, row.answered_at = found, "done", clock.now()


@job("loyalty.answer_what_if")
def answer_what_if(runtime: Runtime, *, shop_id: int, what_if_id: int) -> None:
    """Compute and keep an answer; asked twice it is computed twice, and is the same."""
    with runtime.database.shop(shop_id) as session:
        row = session.get(WhatIf, (shop_id, what_if_id))
        if row is not None and row.state == "pending":
            _settle_with(row, answer(session, session.get_one(Shop, shop_id), row))


@job("loyalty.forget_answers", cron="23 3 * * * 0")
def forget_answers(runtime: Runtime) -> None:
    """Delete questions that are a month old, once a day."""
    with runtime.database.system() as session:
        session.execute(delete(WhatIf).where(WhatIf.asked_at < clock.now() - KEPT_FOR))


def answer(session: Session, shop: Shop, row: WhatIf) -> dict[str, Any]:
    """The answer to a question, as the API gives it."""
    live = program_rules(session, [shop.id])[shop.id]
    price = _most_for_a_point(session, shop, live.program_id)
    if row.kind == HISTORY:
        since = datetime.fromisoformat(row.asked["from"]) if row.asked["from"] else None
        counted = replace(live, history_chosen=True, history_from=since)
        found = what_if.compare(session, replace(live, history_chosen=False), counted, only_imported=True)
        return _history(found, shop, price)
    since, until = (datetime.fromisoformat(row.asked[name]) for name in ("from", "until"))
    if row.asked["counting"] == ALL_ORDERS:
        live = replace(live, earns_from=None, ends_at=None, history_chosen=True, history_from=None)
    drafted = _drafted(live, row.asked["rules"], since)
    words = in_words(drafted.versions[-1], shop.currency, drafted.zone)
    return {"in_words": words} | _rules(what_if.compare(session, live, drafted, since=since, until=until), shop, price)


def _drafted(live: ProgramRules, rules: Any, since: datetime) -> ProgramRules:
    """The program as it would have been with these rules in force from an instant on."""
    earlier = [one for one in live.versions if one.in_force_from is None or one.in_force_from < since]
    return replace(live, versions=(*earlier, parse(rules, in_force_from=since)))


def _most_for_a_point(session: Session, shop: Shop, program_id: int) -> tuple[int, int]:
    """The reward that gives most for a point, as (minor units, points); (0, 1) without one."""
    offered = select(Reward.value_minor, Reward.points).where(
        Reward.shop_id == shop.id, Reward.program_id == program_id, Reward.active, Reward.currency == shop.currency
    )
    best = session.execute(offered.order_by((Reward.value_minor * 1.0 / Reward.points).desc(), func.abs(Reward.id)))
    return next(((row.value_minor, row.points) for row in best), (0, 1))


def _rules(found: Comparison, shop: Shop, price: tuple[int, int]) -> dict[str, Any]:
    return {
        "accounts": found.accounts,
        "orders": found.orders,
        "draft": _side(found.draft, shop, price),
        "live": _side(found.live, shop, price),
        "gained": {"accounts": found.gained.accounts, "points": found.gained.points},
        "lost": {"accounts": found.lost.accounts, "points": found.lost.points},
        "difference": {
            "points": found.draft.points - found.live.points,
            "cost": _cost(found.draft.points - found.live.points, shop, price),
        },
        "spread": _spread(found),
        "gainers": [_one(one) for one in found.top(found.gainers)],
        "losers": [_one(one) for one in found.top(found.losers)],
    }


def _history(found: Comparison, shop: Shop, price: tuple[int, int]) -> dict[str, Any]:
    points = found.draft.points - found.live.points
    return {
        "points": points,
        "cost": _cost(points, shop, price),
        "accounts": found.gained.accounts,
        "orders": found.orders,
        "years": [
            {"year": year, "points": found.years[year], "cost": _cost(found.years[year], shop, price)}
            for year in sorted(found.years)
            if found.years[year]
        ],
        "gainers": [_one(one) for one in found.top(found.gainers)],
    }


def _side(side: Side, shop: Shop, price: tuple[int, int]) -> dict[str, Any]:
    return {
        "points": side.points,
        "accounts": side.accounts,
        "sources": side.sources,
        "cost": _cost(side.points, shop, price),
    }


def _cost(points: int, shop: Shop, price: tuple[int, int]) -> dict[str, str]:
    """What points would cost if all of them bought the reward that gives most for them."""
    value, each = price
    return {"amount": to_decimal_string(points * value // each, shop.currency), "currency": shop.currency}


def _spread(found: Comparison) -> list[dict[str, int | None]]:
    lower = (None, *(bound + 1 for bound in what_if.BOUNDS))
    upper = (*what_if.BOUNDS, None)
    return [
        {"from": low, "to": high, "accounts": found.spread[number]}
        for number, (low, high) in enumerate(zip(lower, upper, strict=True))
    ]


def _one(one: Difference) -> dict[str, Any]:
    return {"account": str(one.account_id), "draft": one.draft, "live": one.live}
