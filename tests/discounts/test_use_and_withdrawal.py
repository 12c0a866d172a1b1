"""What becomes of an issued code: used on an order, or withdrawn and its points back. A use wins over everything."""

import pytest

from app.errors import Conflict
from app.loyalty.redemption import visible_code
from tests.discounts.conftest import Member
from tests.discounts.fake_shopify import FakeShopify

SPENT = [(-100, "redeemed")]
BACK = [*SPENT, (100, "returned")]


@pytest.mark.usefixtures("shopify")
def test_the_first_order_that_carries_a_code_has_used_it(member: Member) -> None:
    redemption = member.redeem()
    member.work()
    member.order_with(redemption.code, "SUMMER", order_id=5_000_000_000_001)
    member.order_with(redemption.code, order_id=5_000_000_000_002)
    row = member.code(redemption)
    assert (member.state(redemption), row.state, row.used_order_id) == ("used", "used", 5_000_000_000_001)
    assert member.posted(redemption) == SPENT


def test_a_cancelled_code_dies_at_shopify_before_its_points_come_back(member: Member, shopify: FakeShopify) -> None:
    redemption = member.redeem()
    member.work()
    assert visible_code(member.cancel(redemption)) is None
    assert (member.state(redemption), member.balance()) == ("cancelling", 150)
    member.work()
    assert not shopify.discounts[redemption.code].active
    assert (member.state(redemption), member.balance()) == ("cancelled", 250)
    assert member.cancel(redemption).state == "cancelled"
    assert member.posted(redemption) == BACK


@pytest.mark.parametrize("fault", ["lost_after", "lost_before", "500_after", "throttled"])
def test_a_withdrawal_without_an_answer_is_repeated(member: Member, shopify: FakeShopify, fault: str) -> None:
    redemption = member.redeem()
    member.work()
    member.cancel(redemption)
    shopify.faults = [fault] * 4
    for _ in range(6):
        member.wait_until_due()
        member.work()
    assert member.state(redemption) == "cancelled"
    assert member.posted(redemption) == BACK


def test_a_code_used_meanwhile_keeps_its_points_spent(member: Member, shopify: FakeShopify) -> None:
    redemption = member.redeem()
    member.work()
    shopify.discounts[redemption.code].uses = 1
    member.cancel(redemption)
    member.work()
    assert (member.state(redemption), member.balance()) == ("used", 150)
    with pytest.raises(Conflict, match="has been used on an order"):
        member.cancel(redemption)
    member.order_with(redemption.code)
    assert member.code(redemption).used_order_id == 5_000_000_000_001
    assert member.posted(redemption) == SPENT


@pytest.mark.usefixtures("shopify")
def test_an_order_that_comes_after_the_points_were_returned_takes_them_again(member: Member) -> None:
    redemption = member.redeem()
    member.work()
    member.cancel(redemption)
    member.work()
    member.order_with(redemption.code)
    assert (member.state(redemption), member.balance()) == ("used", 150)
    assert member.posted(redemption) == [*BACK, (-100, "redeemed")]


def test_an_order_seen_before_the_issuing_was_settled_counts(member: Member, shopify: FakeShopify) -> None:
    redemption = member.redeem()
    member.order_with(redemption.code)
    assert member.state(redemption) == "used"
    member.wait_until_due()
    member.work()
    assert (member.state(redemption), shopify.calls) == ("used", [])


def test_a_discount_deleted_in_shopifys_admin_counts_as_withdrawn(member: Member, shopify: FakeShopify) -> None:
    redemption = member.redeem()
    member.work()
    shopify.discounts.clear()
    member.cancel(redemption)
    member.work()
    assert member.state(redemption) == "cancelled"


def test_a_withdrawal_shopify_refuses_leaves_the_code_as_it_was(member: Member, shopify: FakeShopify) -> None:
    redemption = member.redeem()
    member.work()
    member.cancel(redemption)
    shopify.faults = ["refused"]
    member.work()
    assert (member.state(redemption), member.balance()) == ("issued", 150)
    assert member.code(redemption).last_error == "refused-by-shopify:INVALID"


@pytest.mark.usefixtures("shopify")
def test_a_code_that_is_still_being_issued_cannot_be_cancelled(member: Member) -> None:
    redemption = member.redeem()
    with pytest.raises(Conflict, match="still being issued"):
        member.cancel(redemption)


def test_a_failed_redemption_cannot_be_cancelled_a_second_time(member: Member, shopify: FakeShopify) -> None:
    shopify.faults = ["refused"]
    redemption = member.redeem()
    member.work()
    with pytest.raises(Conflict, match="back already"):
        member.cancel(redemption)
    assert member.posted(redemption) == BACK
