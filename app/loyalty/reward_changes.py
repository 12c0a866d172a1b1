"""Rewards: offering, changing and stopping them. What a reward takes off is final, because codes were made with it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.audit.service import record
from app.errors import NotFound, Unprocessable
from app.loyalty.models import Reward
from app.loyalty.program_changes import locked_program
from app.money import to_decimal_string
from app.shops.models import Shop

CHANGEABLE = ("title", "points", "active", "code_days")


def add_reward(
    session: Session,
    shop: Shop,
    program_id: int,
    *,
    title: str,
    points: int,
    value_minor: int,
    actor: str,
    code_days: int | None = None,
) -> Reward:
    """Offer an amount off for points, in the shop's currency; raises NotFound, Unprocessable for no amount.

    A code works for `code_days` whole days of the shop, without them for ever.
    """
    locked_program(session, shop.id, program_id)
    if value_minor <= 0:
        raise Unprocessable("A reward has to take something off.", kind="reward-value")
    reward = Reward(
        shop_id=shop.id,
        program_id=program_id,
        title=title,
        kind="amount_off",
        points=points,
        value_minor=value_minor,
        currency=shop.currency,
        active=True,
        code_days=code_days,
    )
    session.add(reward)
    session.flush()
    after = {"value": f"{to_decimal_string(value_minor, shop.currency)} {shop.currency}", **_of(reward, CHANGEABLE)}
    record(session, shop.id, actor=actor, what="reward.added", subject=f"reward:{reward.id}", after=after)
    return reward


def change_reward(session: Session, shop_id: int, reward_id: int, changes: Mapping[str, Any], *, actor: str) -> Reward:
    """Set what is CHANGEABLE. Codes issued before keep their price and their end; raises NotFound."""
    reward = session.get(Reward, (shop_id, reward_id), with_for_update=True)
    if reward is None:
        raise NotFound(f"This shop has no reward {reward_id}.")
    changed = [name for name in CHANGEABLE if name in changes and changes[name] != getattr(reward, name)]
    if changed:
        before = _of(reward, changed)
        for name in changed:
            setattr(reward, name, changes[name])
        after = _of(reward, changed)
        record(
            session,
            shop_id,
            actor=actor,
            what="reward.changed",
            subject=f"reward:{reward_id}",
            before=before,
            after=after,
        )
    return reward


def _of(reward: Reward, names: Any) -> dict[str, Any]:
    return {name: getattr(reward, name) for name in names}
