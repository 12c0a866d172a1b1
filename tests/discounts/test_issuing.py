"""A planned code becomes one discount at Shopify, whatever happens on the way, or its points come back."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from app.discounts import jobs as discount_jobs
from app.discounts import service, settling
from app.discounts.codes import derive
from app.discounts.issuing import Issued, Later, Refused
from app.discounts.models import DiscountCode
from app.jobs import drain
from app.loyalty import redemption_outcomes
from app.runtime import Runtime
from app.shops.models import Shop
from tests.discounts.conftest import CUSTOMER, Member
from tests.discounts.fake_shopify import FakeShopify


def test_a_redemption_holds_points_and_its_code_is_issued_for_that_customer_only(
    member: Member, shopify: FakeShopify
) -> None:
    redemption = member.redeem()
    assert (redemption.state, member.balance()) == ("held", 150)
    drain(member.runtime)

    [discount] = shopify.discounts.values()
    assert discount.input["code"] == redemption.code
    assert discount.input["context"] == {"customers": {"add": [f"gid://shopify/Customer/{CUSTOMER}"]}}
    assert discount.input["customerGets"] == {
        "value": {"discountAmount": {"amount": "5.00", "appliesOnEachItem": False}},
        "items": {"all": True},
    }
    assert (discount.input["usageLimit"], discount.input["appliesOncePerCustomer"]) == (1, True)
    assert redemption.id in discount.input["title"]
    assert (member.state(redemption), member.code(redemption).discount_id) == ("issued", discount.id)
    assert member.posted(redemption) == [(-100, "redeemed")]


def test_the_code_is_planned_in_the_transaction_that_holds_the_points(member: Member, shopify: FakeShopify) -> None:
    with member.runtime.database.shop(member.shop.id) as session:
        member.redeem_in(session)
        session.rollback()
    assert drain(member.runtime) == 0
    assert member.balance() == 250
    assert shopify.calls == []


@pytest.mark.parametrize("fault", ["lost_after", "500_after"])
def test_a_creation_whose_answer_was_lost_is_found_and_adopted(
    member: Member, shopify: FakeShopify, fault: str
) -> None:
    shopify.faults = [fault]
    redemption = member.redeem()
    member.work()
    assert member.state(redemption) == "issued"
    assert shopify.calls == ["DiscountCodeBasicCreate", "CodeDiscountNodeByCode"]
    assert shopify.created == [redemption.code]


@pytest.mark.parametrize("fault", ["lost_before", "500_before"])
def test_a_creation_that_was_lost_on_the_way_is_repeated_after_a_look(
    member: Member, shopify: FakeShopify, fault: str
) -> None:
    shopify.faults = [fault]
    redemption = member.redeem()
    member.work()
    assert member.state(redemption) == "held"
    member.wait_until_due()
    member.work()
    assert member.state(redemption) == "issued"
    assert shopify.calls[2:] == ["CodeDiscountNodeByCode", "DiscountCodeBasicCreate"]
    assert shopify.created == [redemption.code]


def test_a_code_that_is_taken_by_another_discount_fails_and_gives_the_points_back_once(
    member: Member, shopify: FakeShopify
) -> None:
    redemption = member.redeem()
    shopify.take(redemption.code)
    member.work()
    assert member.state(redemption) == "failed"
    assert member.code(redemption).last_error == "code-taken"
    member.wait_until_due()
    member.work()
    assert member.posted(redemption) == [(-100, "redeemed"), (100, "returned")]
    assert member.balance() == 250


def test_throttling_postpones_without_counting_as_an_attempt(member: Member, shopify: FakeShopify) -> None:
    shopify.faults = ["throttled"] * 4  # as often as the client itself tries
    redemption = member.redeem()
    member.work()
    row = member.code(redemption)
    assert (row.state, row.attempts, row.last_error) == ("planned", 0, "throttled")
    assert row.due_at is not None
    member.wait_until_due()
    member.work()
    assert member.state(redemption) == "issued"


def test_codes_of_a_frozen_shop_wait_until_it_is_back(member: Member, shopify: FakeShopify) -> None:
    shopify.faults = ["frozen"]
    redemption = member.redeem()
    member.work()
    member.work()
    assert (member.state(redemption), member.balance(), len(shopify.calls)) == ("held", 150, 1)
    member.wait_until_due()
    member.work()
    assert (member.state(redemption), member.balance()) == ("issued", 150)


def test_what_shopify_will_never_do_gives_the_points_back(member: Member, shopify: FakeShopify) -> None:
    shopify.faults = ["refused"]
    redemption = member.redeem()
    member.work()
    assert member.state(redemption) == "failed"
    assert member.balance() == 250
    assert member.code(redemption).due_at is None


def test_an_outage_that_lasts_too_long_gives_the_points_back(member: Member, shopify: FakeShopify) -> None:
    shopify.faults = ["lost_before"] * 1000
    redemption = member.redeem()
    for _ in range(40):
        member.wait_until_due()
        member.work()
    assert member.state(redemption) == "failed"
    assert member.posted(redemption) == [(-100, "redeemed"), (100, "returned")]


def test_what_a_killed_worker_had_claimed_is_found_by_the_sweep(member: Member, shopify: FakeShopify) -> None:
    redemption = member.redeem()
    with member.runtime.database.shop(member.shop.id) as session:
        assert service.claim(session, member.shop.id) is not None  # and then it was killed
    drain(member.runtime)
    assert shopify.calls == [], "the lease keeps others away"
    member.wait_until_due()
    discount_jobs.sweep(member.runtime)
    drain(member.runtime)
    assert member.state(redemption) == "issued"
    assert shopify.created == [redemption.code]


def test_a_worker_killed_between_call_and_settlement_leaves_one_discount(member: Member, shopify: FakeShopify) -> None:
    redemption = member.redeem()
    with member.runtime.database.shop(member.shop.id) as session:
        claimed = service.claim(session, member.shop.id)
    assert claimed is not None
    discount_jobs._carry_out(member.runtime, claimed)
    member.wait_until_due()
    member.work()
    assert member.state(redemption) == "issued"
    assert shopify.created == [redemption.code]
    assert shopify.calls == ["DiscountCodeBasicCreate", "CodeDiscountNodeByCode"]


def test_two_workers_do_not_take_the_same_code(member: Member, shopify: FakeShopify) -> None:
    member.redeem()
    database, shop_id = member.runtime.database, member.shop.id
    with database.shop(shop_id) as one, database.shop(shop_id) as other:
        assert service.claim(one, shop_id) is not None
        assert service.claim(other, shop_id) is None, "the row is locked"
    with database.shop(shop_id) as later:
        assert service.claim(later, shop_id) is None, "the lease runs"


def test_one_job_issues_every_due_code_of_the_shop(member: Member, shopify: FakeShopify) -> None:
    redemptions = [member.redeem(), member.redeem()]
    assert drain(member.runtime) == 1
    assert [member.state(redemption) for redemption in redemptions] == ["issued", "issued"]


def test_workers_side_by_side_call_once_for_each_code(runtime: Runtime, shop: Shop, shopify: FakeShopify) -> None:
    member = Member(runtime, shop, 2000)
    redemptions = [member.redeem() for _ in range(20)]
    with ThreadPoolExecutor(4) as workers:
        for done in [workers.submit(member.work) for _ in range(4)]:
            done.result()
    assert shopify.calls == ["DiscountCodeBasicCreate"] * 20
    assert sorted(shopify.created) == sorted(redemption.code for redemption in redemptions)
    assert {member.state(redemption) for redemption in redemptions} == {"issued"}


def test_a_long_queue_is_carried_out_in_turns(
    member: Member, shopify: FakeShopify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discount_jobs, "BATCH", 1)
    redemptions = [member.redeem(), member.redeem()]
    assert drain(member.runtime) == 3, "one a turn, and a last look"
    assert {member.state(redemption) for redemption in redemptions} == {"issued"}
    assert len(shopify.created) == 2


def test_codes_of_another_shop_are_left_alone(member: Member, shopify: FakeShopify) -> None:
    member.redeem()
    with member.runtime.database.system() as session:
        assert service.claim(session, member.shop.id + 1) is None
        assert session.scalar(select(func.count()).select_from(DiscountCode)) == 1


def test_the_same_intent_always_has_the_same_code_and_another_shop_another() -> None:
    assert derive(b"k" * 32, "POINTS-", "redemption", "a") == derive(b"k" * 32, "POINTS-", "redemption", "a")
    others = {derive(key, "POINTS-", purpose, i) for key in (b"k" * 32, b"l" * 32) for purpose in "ab" for i in "cd"}
    assert len(others) == 8
    assert all(len(code) == len("POINTS-") + 12 and code == code.upper() for code in others)


def test_a_worker_that_was_silent_too_long_may_report_success_but_not_failure(
    member: Member, shopify: FakeShopify
) -> None:
    redemption = member.redeem()
    claims = []
    for _ in range(2):
        member.wait_until_due()
        with member.runtime.database.shop(member.shop.id) as session:
            claims.append(service.claim(session, member.shop.id))
    silent, current = claims
    assert silent is not None
    assert current is not None
    with member.runtime.database.shop(member.shop.id) as session:
        settling.settle(session, silent, Refused("shop-gone"))
        settling.settle(session, silent, Later("outcome-unknown"))
    assert (member.state(redemption), member.code(redemption).due_at) == ("held", current.due_at)
    with member.runtime.database.shop(member.shop.id) as session:
        settling.settle(session, current, Refused("shop-gone"))
        settling.settle(session, silent, Issued("gid://shopify/DiscountCodeNode/1"))
    assert (member.state(redemption), member.code(redemption).state) == ("failed", "revoking")
    member.work()
    assert (member.state(redemption), member.code(redemption).state) == ("failed", "revoked")
    assert member.posted(redemption) == [(-100, "redeemed"), (100, "returned")]
    assert shopify.calls == ["DiscountCodeDeactivate", "CodeDiscountNodeByCode"]


def test_news_of_a_code_that_comes_twice_or_too_late_changes_nothing(member: Member) -> None:
    redemption, news = member.redeem(), redemption_outcomes
    with member.runtime.database.shop(member.shop.id) as session:
        key = (session, member.shop.id, redemption.id)
        news.failed(*key, "refused")
        news.failed(*key, "refused")
        news.issued(*key)
        news.revoked(*key)
    assert member.state(redemption) == "failed"
    assert member.posted(redemption) == [(-100, "redeemed"), (100, "returned")]
