"""Codes with an end: unused they are withdrawn when it comes, and what was paid for them returns."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app import clock
from app.discounts import jobs as discount_jobs
from app.jobs import drain
from app.loyalty.models import Redemption, Reward
from app.loyalty.redemption import visible_code
from tests.discounts.conftest import Member
from tests.discounts.fake_shopify import FakeShopify

SPENT = [(-100, "redeemed")]


@pytest.fixture
def hasty(member: Member) -> Member:
    """The member of a shop whose codes work for three days."""
    with member.runtime.database.system() as session:
        session.execute(update(Reward).values(code_days=3))
    return member


def let_pass(member: Member, **time: float) -> None:
    """Business time goes on; workers do what is due then."""
    moved = clock.now() - clock.wall_now() + timedelta(**time)
    clock.set_offset(member.runtime.settings.home, moved)
    clock.use_offset_of(member.runtime.settings.home)
    discount_jobs.sweep(member.runtime)
    drain(member.runtime)


def read(member: Member, redemption: Redemption) -> Redemption:
    with member.runtime.database.shop(member.shop.id) as session:
        return session.get_one(Redemption, (member.shop.id, redemption.id))


def test_shopify_is_told_the_same_end_as_the_shopper(hasty: Member, shopify: FakeShopify) -> None:
    redemption = hasty.redeem()
    hasty.work()
    assert redemption.expires_at is not None
    assert redemption.expires_at - redemption.created_at > timedelta(days=3), "the third day is a whole one"
    assert shopify.discounts[redemption.code].input["endsAt"] == redemption.expires_at.isoformat()


def test_a_code_without_an_end_lasts(member: Member, shopify: FakeShopify) -> None:
    redemption = member.redeem()
    let_pass(member, days=4000)
    assert "endsAt" not in shopify.discounts[redemption.code].input
    assert (redemption.expires_at, member.state(redemption)) == (None, "issued")


@pytest.mark.requirement(15, partly=True)
def test_an_unused_code_is_withdrawn_when_its_time_is_over_and_not_before(hasty: Member, shopify: FakeShopify) -> None:
    redemption = hasty.redeem()
    hasty.work()
    assert redemption.expires_at is not None
    let_pass(hasty, seconds=(redemption.expires_at - clock.now()).total_seconds() - 60)
    assert (hasty.state(redemption), hasty.balance()) == ("issued", 150)
    let_pass(hasty, seconds=61)
    ended = read(hasty, redemption)
    assert (ended.state, ended.failure, visible_code(ended)) == ("cancelled", "code-ended", None)
    assert not shopify.discounts[redemption.code].active
    assert hasty.posted(redemption) == [*SPENT, (100, "returned")]
    assert hasty.balance() == 250


def test_a_used_code_does_not_end(hasty: Member, shopify: FakeShopify) -> None:
    redemption = hasty.redeem()
    hasty.work()
    hasty.order_with(redemption.code)
    let_pass(hasty, days=5)
    assert (hasty.state(redemption), hasty.posted(redemption)) == ("used", SPENT)
    assert shopify.calls == ["DiscountCodeBasicCreate"]


def test_a_code_used_at_the_last_moment_keeps_its_points_spent(hasty: Member, shopify: FakeShopify) -> None:
    redemption = hasty.redeem()
    hasty.work()
    shopify.discounts[redemption.code].uses = 1
    let_pass(hasty, days=5)
    assert (hasty.state(redemption), hasty.posted(redemption)) == ("used", SPENT)


def test_an_order_that_is_told_after_the_end_takes_the_points_again(hasty: Member, shopify: FakeShopify) -> None:
    redemption = hasty.redeem()
    hasty.work()
    let_pass(hasty, days=5)
    hasty.order_with(redemption.code)
    assert (hasty.state(redemption), hasty.balance()) == ("used", 150)


def test_an_ended_code_that_shopify_will_not_withdraw_is_dead_all_the_same(hasty: Member, shopify: FakeShopify) -> None:
    redemption = hasty.redeem()
    hasty.work()
    shopify.faults = ["refused"]
    let_pass(hasty, days=5)
    assert (hasty.state(redemption), hasty.balance()) == ("cancelled", 250)
    asked = len(shopify.calls)
    let_pass(hasty, days=1)
    assert len(shopify.calls) == asked, "it is asked once"
