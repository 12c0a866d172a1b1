"""Who may redeem what: points, rewards, customers, and the request id that makes a repeat harmless."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from app import clock
from app.customers.models import Customer
from app.errors import Conflict, Invalid, NotFound, Problem, Unprocessable
from app.loyalty import redemption as redemptions
from app.loyalty import service
from app.loyalty.models import LedgerEntry, Redemption, Reward
from app.runtime import Runtime
from app.shops.models import Shop
from tests.discounts.conftest import CUSTOMER, Member

ID = "0b0e2e7e-6f38-4b02-8d6f-5c1f9f2d8a11"


@pytest.fixture
def member(runtime: Runtime, shop: Shop) -> Member:
    """A member with 250 points; a reward costs 100."""
    return Member(runtime, shop, 250)


def test_the_same_request_again_is_the_same_redemption(member: Member) -> None:
    first, second = member.redeem(ID), member.redeem(ID.upper())
    assert (first.id, first.code) == (second.id, second.code)
    assert member.balance() == 150


def test_a_request_id_cannot_be_used_for_something_else(member: Member) -> None:
    member.redeem(ID)
    with member.runtime.database.system() as session:
        other = Reward(
            shop_id=member.shop.id,
            program_id=member.holder.program_id,
            title="10 USD off",
            kind="amount_off",
            points=50,
            value_minor=1000,
            currency="USD",
        )
        session.add(other)
        session.flush()
        member.reward = other.id
    with pytest.raises(Conflict, match="another redemption"):
        member.redeem(ID)
    assert member.balance() == 150


def test_more_than_there_is_cannot_be_spent(member: Member) -> None:
    member.redeem()
    member.redeem()
    with pytest.raises(Unprocessable) as refused:
        member.redeem()
    assert (refused.value.kind, refused.value.extra) == (
        "not-enough-points",
        {"available": 50, "pending": 0, "needed": 100},
    )


def test_an_account_that_owes_points_has_nothing_to_spend(member: Member) -> None:
    with member.runtime.database.system() as session:
        service.adjust(
            session, member.holder, -400, request_id=ID, note="goodwill undone", actor="key:1", allow_negative=True
        )
    with pytest.raises(Unprocessable) as refused:
        member.redeem()
    assert refused.value.extra["available"] == 0


def test_sixteen_at_once_never_overspend(member: Member) -> None:
    def try_it(_: int) -> str:
        try:
            return member.redeem().state
        except Problem as problem:
            return problem.kind

    with ThreadPoolExecutor(16) as threads:
        answers = sorted(threads.map(try_it, range(16)))
    assert answers == ["held"] * 2 + ["not-enough-points"] * 14
    assert member.balance() == 50
    with member.runtime.database.system() as session:
        assert session.scalar(select(func.sum(LedgerEntry.points))) == 50


def test_sixteen_at_once_with_one_request_id_are_one_redemption(member: Member) -> None:
    with ThreadPoolExecutor(16) as threads:
        codes = {redemption.code for redemption in threads.map(lambda _: member.redeem(ID), range(16))}
    assert len(codes) == 1
    assert member.balance() == 150


def test_a_reward_that_is_not_offered_is_refused_but_earlier_requests_keep_their_answer(member: Member) -> None:
    first = member.redeem(ID)
    with member.runtime.database.system() as session:
        session.execute(update(Reward).values(active=False))
    assert member.redeem(ID).id == first.id
    with pytest.raises(Unprocessable, match="not offered"):
        member.redeem()
    member.reward = 4711
    with pytest.raises(NotFound, match="no reward 4711"):
        member.redeem()


@pytest.mark.parametrize("fate", ["deleted_at", "redacted_at"])
def test_a_customer_who_is_gone_cannot_redeem(member: Member, fate: str) -> None:
    with member.runtime.database.system() as session:
        session.execute(update(Customer).values({fate: clock.now()}))
    with pytest.raises(NotFound, match=f"no customer {CUSTOMER}"):
        member.redeem()


def test_somebody_elses_account_cannot_be_redeemed_from(member: Member) -> None:
    member.account += 1
    with pytest.raises(NotFound):
        member.redeem()


def test_a_shop_that_left_issues_nothing(member: Member) -> None:
    with member.runtime.database.system() as session:
        session.merge(member.shop).state = "uninstalled"
    member.shop.state = "uninstalled"
    with pytest.raises(Conflict, match="uninstalled"):
        member.redeem()


@pytest.mark.parametrize("request_id", ["", "7", "not-a-uuid", "0b0e2e7e-6f38-4b02-8d6f-5c1f9f2d8a1"])
def test_an_id_that_is_not_a_uuid_is_refused(member: Member, request_id: str) -> None:
    with member.runtime.database.shop(member.shop.id) as session, pytest.raises(Invalid):
        redemptions.get(session, member.shop.id, request_id)


def test_another_shops_redemption_is_not_found(member: Member) -> None:
    redemption: Redemption = member.redeem(str(uuid.uuid4()))
    with member.runtime.database.shop(member.shop.id + 1) as session, pytest.raises(NotFound):
        redemptions.get(session, member.shop.id + 1, redemption.id)
