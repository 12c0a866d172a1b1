"""The set-up's verbs: keep an answer, work out what the program would have cost, launch it.

What must stay true: nothing is posted before the launch. A program that has not earned anything is put off when the
set-up begins; one that has is left running, and the launch gives it new rules from that moment on.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock
from app.admin.models import ShopProfile
from app.admin.setup import proposals
from app.audit.service import record
from app.errors import Unprocessable
from app.loyalty import program_changes, reward_changes
from app.loyalty.answers import ALL_ORDERS
from app.loyalty.models import Program, Reward
from app.loyalty.programs import default_program
from app.loyalty.questions import ask_about_rules, question
from app.loyalty.run_models import WhatIf
from app.money import to_decimal_string
from app.shops.models import Shop

# When a program begins that waits for its launch: so far ahead that nobody meets it.
PUT_OFF = datetime(2999, 1, 1, tzinfo=UTC)
LOOKED_BACK = timedelta(days=365)
SMALL = 20_000


def profile(session: Session, shop_id: int) -> ShopProfile:
    """The shop's profile; a new one is not stored until something is kept in it."""
    found = session.get(ShopProfile, shop_id)
    return found or ShopProfile(shop_id=shop_id, colour=None, languages=[], setup={}, launched_at=None)


def keep(session: Session, shop_id: int, answers: Mapping[str, Any]) -> ShopProfile:
    """Keep answers of the set-up beside those there are."""
    row = session.merge(profile(session, shop_id))
    row.setup = {**row.setup, **answers}
    row.updated_at = clock.now()
    return row


def put_off(session: Session, shop: Shop, actor: str) -> None:
    """Let the program wait for its launch, unless somebody has points from it already."""
    program = default_program(session, shop.id)
    if program.earns_from is not None or profile(session, shop.id).launched_at is not None:
        return
    try:
        with session.begin_nested():
            program_changes.change_program(session, shop.id, program.id, {"earns_from": PUT_OFF}, actor=actor)
    except Unprocessable:
        # It earns already; new rules will follow the old ones.
        session.refresh(program)


def is_waiting(program: Program) -> bool:
    """Whether the program waits for its launch."""
    return program.earns_from == PUT_OFF


def work_out(session: Session, shop: Shop, setup: Mapping[str, Any]) -> WhatIf:
    """Ask what the program would have given in the last year, had it run since before; the answer may take a moment.

    Raises Unprocessable while answers are missing.
    """
    until = clock.now()
    drafted, _chosen = _drafted(shop, setup)
    program = default_program(session, shop.id)
    return ask_about_rules(session, shop, program, drafted, until - LOOKED_BACK, until, ALL_ORDERS)


def worked_out(session: Session, shop: Shop, setup: Mapping[str, Any]) -> WhatIf | None:
    """The answer that was asked for last."""
    if "question" not in setup:
        return None
    return question(session, shop.id, default_program(session, shop.id).id, int(setup["question"]))


_SALES = text("""
select count(*) as orders, coalesce(sum(current_subtotal_minor), 0)::bigint as minor
from (
    select current_subtotal_minor from orders
    where shop_id = :shop_id and processed_at >= :since and paid and not test and deleted_at is null
    limit :most
) counted
""")


def sales(session: Session, shop_id: int, since: datetime) -> int | None:
    """What paid orders since an instant come to, in minor units; None where adding up would keep a page waiting."""
    row = session.execute(_SALES, {"shop_id": shop_id, "since": since, "most": SMALL + 1}).one()
    return int(row.minor) if row.orders <= SMALL else None


def launch(session: Session, shop: Shop, actor: str) -> None:
    """Make the set-up the shop's program, from now on. Raises Unprocessable when answers are missing."""
    row = profile(session, shop.id)
    drafted, chosen = _drafted(shop, row.setup)
    program = default_program(session, shop.id)
    _offer(session, shop, program, chosen, actor)
    version = program_changes.add_version(session, shop.id, program.id, drafted, None, actor=actor)
    changes: dict[str, Any] = {"name": row.setup.get("name") or program.name}
    if is_waiting(program):
        changes["earns_from"] = version.in_force_from
    program_changes.change_program(session, shop.id, program.id, changes, actor=actor)
    row = session.merge(row)
    row.launched_at = row.updated_at = clock.now()
    told = {"goal": row.setup.get("goal"), "template": row.setup["template"]}
    record(session, shop.id, actor=actor, what="program.launched", subject=f"program:{program.id}", after=told)


def _drafted(shop: Shop, setup: Mapping[str, Any]) -> tuple[dict[str, Any], proposals.Numbers]:
    """The rules of the answers, and their numbers; raises Unprocessable while answers are missing."""
    if "numbers" not in setup or "template" not in setup:
        raise Unprocessable("Answer the earlier questions first.", kind="set-up-incomplete")
    chosen = proposals.Numbers.of(setup["numbers"])
    return proposals.rules(setup["template"], chosen, shop.currency), chosen


def _offer(session: Session, shop: Shop, program: Program, chosen: proposals.Numbers, actor: str) -> None:
    """The reward of the set-up, instead of the one that every installation begins with."""
    offered = session.scalars(
        select(Reward).where(Reward.shop_id == shop.id, Reward.program_id == program.id, Reward.active)
    ).all()
    wanted = (chosen.reward_points, chosen.reward_minor, shop.currency)
    if wanted in [(one.points, one.value_minor, one.currency) for one in offered]:
        return
    title = f"{to_decimal_string(chosen.reward_minor, shop.currency)} {shop.currency} off"
    reward_changes.add_reward(
        session,
        shop,
        program.id,
        title=title,
        points=chosen.reward_points,
        value_minor=chosen.reward_minor,
        actor=actor,
    )
    for one in offered:
        reward_changes.change_reward(session, shop.id, one.id, {"active": False}, actor=actor)
