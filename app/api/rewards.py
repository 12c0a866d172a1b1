"""Rewards: what points buy. Offered, changed, stopped; what a reward takes off is final."""

from typing import Any

from app.api import pages, queries, values
from app.api.operation import Answer, Call
from app.api.words import money
from app.errors import Unprocessable
from app.loyalty import reward_changes
from app.loyalty.models import Reward
from app.loyalty.programs import default_program
from app.money import to_minor


def list_rewards(call: Call) -> Answer:
    """GET /rewards"""
    key = pages.after(call, pages.row_id)
    rows = queries.rewards(
        call.session,
        call.shop.id,
        state=call.query.get("state", "offered"),
        beyond=key[0] if key else None,
        limit=pages.limit_of(call) + 1,
    )
    return pages.page(call, rows, _reward, lambda reward: [reward.id])


def create_reward(call: Call) -> Answer:
    """POST /rewards"""
    given = call.body.get("program_id")
    program_id = int(given) if given else default_program(call.session, call.shop.id).id
    if program_id > queries.LARGEST_ID:
        raise Unprocessable(f"This shop has no program {program_id}.", kind="unknown-program")
    queries.program(call.session, call.shop.id, program_id)
    reward = reward_changes.add_reward(
        call.session,
        call.shop,
        program_id,
        title=call.body["title"],
        points=int(call.body["points"]),
        value_minor=to_minor(call.body["value"], call.shop.currency),
        code_days=call.body.get("code_days"),
        actor=call.actor,
    )
    return Answer(201, _reward(reward))


def change_reward(call: Call) -> Answer:
    """PATCH /rewards/{reward_id}"""
    changes = dict(call.body)
    if "points" in changes:
        changes["points"] = int(changes["points"])
    reward_id = values.path_id(call, "reward_id")
    reward = reward_changes.change_reward(call.session, call.shop.id, reward_id, changes, actor=call.actor)
    return Answer(200, _reward(reward))


def _reward(reward: Reward) -> dict[str, Any]:
    return {
        "id": str(reward.id),
        "title": reward.title,
        "kind": reward.kind,
        "points": reward.points,
        "value": money(reward.value_minor, reward.currency),
        "active": reward.active,
        "code_days": reward.code_days,
    }
