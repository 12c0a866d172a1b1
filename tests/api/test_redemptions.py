"""Rewards and redemptions, from the request to the code and back."""

import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update

from app import clock
from app.customers.accounts import accounts_of_customers
from app.customers.models import Account, Customer
from app.discounts import jobs as discount_jobs
from app.loyalty.ledger import Holder
from app.loyalty.models import Redemption, Reward
from app.runtime import Runtime
from app.shops.models import Shop
from app.shops.secrets import seal
from tests.api.conftest import CUSTOMER, Api
from tests.discounts.conftest import shopify
from tests.discounts.fake_shopify import FakeShopify

__all__ = ["shopify"]

REDEEM = f"/customers/{CUSTOMER}/redemptions"


@pytest.fixture
def work(runtime: Runtime, shop: Shop, shopify: FakeShopify) -> Callable[[], object]:
    """What a worker does with the shop's due codes."""
    with runtime.database.system() as session:
        token = seal(runtime.keyring, shop.id, "access_token", b"shpat_test")
        session.execute(update(Shop).where(Shop.id == shop.id).values(access_token=token))
    return lambda: discount_jobs.carry_out_due(runtime, shop_id=shop.id)


def test_rewards_say_what_points_buy(api: Api, shop: Shop) -> None:
    answer = api.get("/rewards").get_json()
    assert answer["next"] is None
    (reward,) = answer["data"]
    assert (reward["points"], reward["value"]) == (100, {"amount": "5.00", "currency": "USD"})


def test_rewards_are_walked_page_by_page_without_those_withdrawn(api: Api, runtime: Runtime, shop: Shop) -> None:
    with runtime.database.system() as session:
        first = session.scalars(select(Reward)).one()
        for points in range(1, 6):
            more = {"program_id": first.program_id, "title": "More", "kind": "amount_off", "currency": "USD"}
            session.add(Reward(shop_id=shop.id, points=points, value_minor=100, active=points != 3, **more))
    assert [row["points"] for row in api.walk("/rewards", limit=2)] == [100, 1, 2, 4, 5]


@pytest.mark.parametrize("reward_id", ["1", 1])
def test_a_redemption_holds_the_points_and_then_shows_its_code(
    api: Api, give: Callable[[int], None], work: Callable[[], object], reward_id: str | int
) -> None:
    give(250)
    held = api.post(REDEEM, {"reward_id": reward_id}, key="first")
    assert held.status_code == 202
    assert (held.get_json()["state"], held.get_json()["code"]) == ("held", None)
    assert api.get(f"/customers/{CUSTOMER}").get_json()["points"]["balance"] == 150
    work()
    issued = api.get(f"{REDEEM}/{held.get_json()['id']}").get_json()
    assert issued["state"] == "issued"
    assert issued["code"].startswith("POINTS-")
    assert issued["value"] == {"amount": "5.00", "currency": "USD"}


def test_an_unused_code_can_be_given_back(api: Api, give: Callable[[int], None], work: Callable[[], object]) -> None:
    give(100)
    one = f"{REDEEM}/{api.post(REDEEM, {'reward_id': '1'}).get_json()['id']}"
    early = api.delete(one, key="back")
    assert early.status_code == 409
    work()
    leaving = api.delete(one, key="back")
    assert leaving.status_code == 202
    assert (leaving.get_json()["state"], leaving.get_json()["code"]) == ("cancelling", None)
    work()
    assert api.get(one).get_json()["state"] == "cancelled"
    assert api.delete(one).status_code == 200
    assert api.get(f"/customers/{CUSTOMER}").get_json()["points"]["balance"] == 100
    reasons = [row["description"] for row in api.get(f"/customers/{CUSTOMER}/ledger").get_json()["data"]]
    assert reasons[:2] == ["Points returned from a reward that was not used", "Points exchanged for a reward"]


def test_too_few_points_are_refused(api: Api, give: Callable[[int], None]) -> None:
    give(99)
    assert api.post(REDEEM, {"reward_id": "1"}).status_code == 422


def test_a_reward_id_that_is_none_is_refused(api: Api, holder: Holder) -> None:
    for reward_id in (None, "", "x", 0, -1, 1.5, True, 2**63, 10**30, [1]):
        assert api.post(REDEEM, {"reward_id": reward_id}).status_code == 400, reward_id


def test_an_unknown_reward_is_not_found(api: Api, holder: Holder) -> None:
    for reward_id in ("4711", "9223372036854775807", "9999999999999999999"):
        assert api.post(REDEEM, {"reward_id": reward_id}).status_code == 404, reward_id


def test_redemptions_are_walked_newest_first_while_others_are_made(api: Api, give: Callable[[int], None]) -> None:
    give(1000)
    made = [api.post(REDEEM, {"reward_id": "1"}).get_json()["id"] for _ in range(5)]
    walked = api.walk(REDEEM, limit=2, between=lambda: api.post(REDEEM, {"reward_id": "1"}))
    assert [row["id"] for row in walked] == made[::-1]


def test_another_customers_redemption_is_not_found(api: Api, runtime: Runtime, give: Callable[[int], None]) -> None:
    give(100)
    mine = api.post(REDEEM, {"reward_id": "1"}).get_json()["id"]
    with runtime.database.system() as session:
        session.execute(update(Redemption).values(account_id=Redemption.account_id + 1))
    assert api.get(f"{REDEEM}/{mine}").status_code == 404
    assert api.delete(f"{REDEEM}/{mine}").status_code == 404
    assert api.get(f"{REDEEM}/{uuid.uuid4()}").status_code == 404
    assert api.get(f"{REDEEM}/7").status_code == 400
    assert api.get(REDEEM).get_json()["data"] == []


def test_a_customer_who_was_merged_redeems_as_the_one_who_was_kept(
    api: Api, runtime: Runtime, holder: Holder, give: Callable[[int], None], shopify: FakeShopify
) -> None:
    give(100)
    absorbed = CUSTOMER - 1
    with runtime.database.system() as session:
        other = accounts_of_customers(session, {(holder.shop_id, absorbed)})[holder.shop_id, absorbed]
        session.add(Customer(shop_id=holder.shop_id, id=absorbed, merged_into=CUSTOMER))
        session.execute(update(Account).where(Account.id == other).values(merged_into=holder.account_id))
    assert api.post(f"/customers/{absorbed}/redemptions", {"reward_id": "1"}).status_code == 202
    assert len(api.get(REDEEM).get_json()["data"]) == 1


def test_a_deleted_customer_cannot_redeem(api: Api, runtime: Runtime, give: Callable[[int], None]) -> None:
    give(100)
    with runtime.database.system() as session:
        session.execute(update(Customer).values(deleted_at=clock.now()))
    assert api.post(REDEEM, {"reward_id": "1"}).status_code == 404
    with runtime.database.system() as session:
        assert session.scalar(select(func.count()).select_from(Redemption)) == 0
