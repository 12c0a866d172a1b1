"""What-if questions as the API asks them: answered at once for a small shop, by a job for a larger one.

A question is a row (`WhatIf`). Its answer (`app.loyalty.answers`) is JSON of ids and sums, kept for a month. It follows
from what was asked alone, so that a job that was lost can be run again.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from app import clock, jobs
from app.errors import NotFound, Unprocessable
from app.jobs import job
from app.loyalty.answers import HISTORY, RULES, answer
from app.loyalty.models import Program
from app.loyalty.rules import parse
from app.loyalty.run_models import WhatIf
from app.runtime import Runtime
from app.shops.models import Shop

# About half a second of work.
SMALL = 3_000
KEPT_FOR = timedelta(days=30)


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
    """What imported orders from `since` on (None: all) would be worth.

    Asked again within ten minutes about a large shop it is the same row; about a small one no row is kept.
    """
    asked = {"from": since.isoformat() if since else None}
    if _is_small(session, shop.id):
        return _answered(session, shop, _question(shop, program, HISTORY, asked))
    earlier = session.scalars(
        select(WhatIf)
        .where(WhatIf.shop_id == shop.id, WhatIf.program_id == program.id, WhatIf.kind == HISTORY)
        .where(WhatIf.asked == asked, WhatIf.asked_at > clock.now() - timedelta(minutes=10))
        .order_by(WhatIf.id.desc())
        .limit(1)
    ).first()
    return earlier or _ask(session, shop, program, HISTORY, asked)


def question(session: Session, shop_id: int, program_id: int, question_id: int) -> WhatIf:
    """A question of this program about rules; raises NotFound."""
    found = session.get(WhatIf, (shop_id, question_id))
    if found is None or found.program_id != program_id or found.kind != RULES:
        raise NotFound(f"This program has no preview {question_id}.")
    return found


def _ask(session: Session, shop: Shop, program: Program, kind: str, asked: dict[str, Any]) -> WhatIf:
    row = _question(shop, program, kind, asked)
    small = _is_small(session, shop.id)
    session.add(_answered(session, shop, row) if small else row)
    session.flush()
    if not small:
        jobs.enqueue(session, "loyalty.answer_what_if", {"shop_id": shop.id, "what_if_id": row.id})
    return row


def _question(shop: Shop, program: Program, kind: str, asked: dict[str, Any]) -> WhatIf:
    return WhatIf(shop_id=shop.id, program_id=program.id, kind=kind, asked=asked, state="pending", asked_at=clock.now())


def _answered(session: Session, shop: Shop, row: WhatIf) -> WhatIf:
    row.answer, row.state, row.answered_at = answer(session, shop, row), "done", clock.now()
    return row


_MANY = text("""
select count(*) from (
    select from orders where shop_id = :shop_id union all select from actions where shop_id = :shop_id limit :most
) counted
""")


def _is_small(session: Session, shop_id: int) -> bool:
    return int(session.scalar(_MANY, {"shop_id": shop_id, "most": SMALL + 1}) or 0) <= SMALL


@job("loyalty.answer_what_if")
def answer_what_if(runtime: Runtime, *, shop_id: int, what_if_id: int) -> None:
    """Compute and keep an answer; asked twice it is computed twice, and is the same."""
    with runtime.database.shop(shop_id) as session:
        row = session.get(WhatIf, (shop_id, what_if_id))
        if row is not None and row.state == "pending":
            _answered(session, session.get_one(Shop, shop_id), row)


@job("loyalty.forget_answers", cron="23 3 * * * 0")
def forget_answers(runtime: Runtime) -> None:
    """Delete questions that are a month old, once a day."""
    with runtime.database.system() as session:
        session.execute(delete(WhatIf).where(WhatIf.asked_at < clock.now() - KEPT_FOR))
