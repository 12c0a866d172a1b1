"""Redemptions: exchanging points for a reward, looking at what became of it, giving an unused code back."""

from typing import Any

from app.api import pages, queries
from app.api.operation import Answer, Call
from app.api.words import instant, instant_or_none, money
from app.errors import NotFound
from app.loyalty import redemption as service
from app.loyalty.models import Redemption, Reward

# What is still to be carried out at Shopify is answered with 202: look again.
_UNDER_WAY = {"held", "cancelling"}


def create_redemption(call: Call) -> Answer:
    """POST /customers/{customer_id}/redemptions"""
    account = _account(call)
    # At hand for the answer, and loaded once: the session forgets what nobody holds.
    reward = service.get_reward(call.session, call.shop.id, _reward_id(call))
    redemption = service.redeem(
        call.session,
        call.shop,
        call.keyring,
        account_id=account,
        customer_id=int(call.path["customer_id"]),
        reward_id=reward.id,
        request_id=call.request_id,
        actor=call.actor,
    )
    return Answer(202 if redemption.state in _UNDER_WAY else 201, _redemption(redemption, reward))


def list_redemptions(call: Call) -> Answer:
    """GET /customers/{customer_id}/redemptions"""
    account = _account(call)
    key = pages.after(call, pages.instant_key, pages.uuid_key)
    before = (key[0], key[1]) if key else None
    rows = queries.redemptions(call.session, call.shop.id, account, before=before, limit=pages.limit_of(call) + 1)
    return pages.page(call, rows, lambda row: _redemption(*row), lambda row: [row[0].created_at.isoformat(), row[0].id])


def get_redemption(call: Call) -> Answer:
    """GET /customers/{customer_id}/redemptions/{redemption_id}"""
    return Answer(200, _shown(call, _own(call)))


def cancel_redemption(call: Call) -> Answer:
    """DELETE /customers/{customer_id}/redemptions/{redemption_id}"""
    redemption = service.cancel(call.session, call.shop, _own(call).id)
    return Answer(202 if redemption.state in _UNDER_WAY else 200, _shown(call, redemption))


def _account(call: Call) -> int:
    return queries.account_id(call.session, call.shop.id, call.path["customer_id"])


def _reward_id(call: Call) -> int:
    number = int(call.body["reward_id"])
    if number > queries.LARGEST_ID:
        raise NotFound(f"There is no reward {number}.")
    return number


def _own(call: Call) -> Redemption:
    return queries.redemption(call.session, call.shop.id, _account(call), call.path["redemption_id"])


def _shown(call: Call, redemption: Redemption) -> dict[str, Any]:
    return _redemption(redemption, queries.reward(call.session, call.shop.id, redemption.reward_id))


def _redemption(redemption: Redemption, reward: Reward) -> dict[str, Any]:
    return {
        "id": redemption.id,
        "state": redemption.state,
        "code": service.visible_code(redemption),
        "reward_id": str(redemption.reward_id),
        "points": redemption.points,
        "value": money(reward.value_minor, reward.currency),
        "failure": redemption.failure,
        "returned": redemption.returned,
        "created_at": instant(redemption.created_at),
        "expires_at": instant_or_none(redemption.expires_at),
        "settled_at": instant_or_none(redemption.settled_at),
    }
