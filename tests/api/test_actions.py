"""Actions by API: recorded once, worth what the rules of their instant say, with the reason why not more."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app import clock
from app.customers.accounts import accounts_of_customers
from app.customers.models import Account, Customer
from app.loyalty.ledger import Holder
from app.loyalty.models import Action, RuleVersion
from app.runtime import Runtime
from app.shops.models import Shop
from tests.api.conftest import CUSTOMER, Api

ACTIONS = f"/customers/{CUSTOMER}/actions"
OTHER = 42
RULES = {
    "earning": [],
    "caps": {"account": 100},
    "actions": {
        "sign_up": {"points": 20, "per_account": 1},
        "review": {"points": 10, "per_day": 1, "per_year": 3},
        "share": {"points": 90},
    },
}


@pytest.fixture
def ruled(runtime: Runtime, shop: Shop, holder: Holder) -> Holder:
    """CUSTOMER under RULES, which have held since 2020."""
    since = datetime(2020, 1, 1, tzinfo=UTC)
    with runtime.database.system() as session:
        session.add(
            RuleVersion(shop_id=shop.id, program_id=1, version=2, in_force_from=since, rules=RULES, created_at=since)
        )
    return holder


def balance(api: Api, customer: int = CUSTOMER) -> int:
    return int(api.get(f"/customers/{customer}").get_json()["points"]["balance"])


@pytest.mark.parametrize("answers", [1, 2])
def test_an_action_brings_points_once(api: Api, ruled: Holder, answers: int) -> None:
    for status in (201, 200)[:answers]:
        told = api.post(ACTIONS, {"kind": "sign_up", "key": "s-1"})
        assert told.status_code == status
        assert (told.get_json()["points"], told.get_json()["why"], told.get_json()["limits"]) == (20, None, [])
    assert balance(api) == 20
    (entry,) = api.get(f"/customers/{CUSTOMER}/ledger").get_json()["data"]
    assert (entry["reason"], entry["description"]) == ("action_earned", "Points for signing up")
    assert entry["source"] == {"kind": "action", "id": "sign_up:s-1"}


def test_a_kind_without_a_rule_is_kept_and_worth_nothing(api: Api, ruled: Holder, runtime: Runtime) -> None:
    told = api.post(ACTIONS, {"kind": "unboxing", "key": "1"})
    assert told.status_code == 201
    assert (told.get_json()["points"], told.get_json()["why"]) == (0, "no_rule")
    with runtime.database.system() as session:
        assert session.scalars(select(Action.kind)).all() == ["unboxing"]
    assert balance(api) == 0


def test_limits_say_why_it_is_not_more(api: Api, ruled: Holder) -> None:
    def told(kind: str, key: str, **more: Any) -> tuple[int, str | None, list[str]]:
        answer = api.post(ACTIONS, {"kind": kind, "key": key, **more}).get_json()
        return answer["points"], answer["why"], answer["limits"]

    day = datetime(2025, 3, 1, 12, tzinfo=UTC)
    assert told("review", "1", at=day.isoformat()) == (10, None, [])
    assert told("review", "2", at=day.isoformat()) == (0, "limit", ["per_day"])
    for number in (3, 4):
        assert told("review", str(number), at=(day + timedelta(days=number)).isoformat())[0] == 10
    assert told("review", "5", at=(day + timedelta(days=9)).isoformat()) == (0, "limit", ["per_year"])
    assert told("sign_up", "1")[0] == 20
    assert told("sign_up", "2") == (0, "limit", ["per_account"])
    assert told("share", "1") == (50, "limit", ["account"])
    assert balance(api) == 100
    explained = api.post(ACTIONS, {"kind": "share", "key": "1"}).get_json()["explanation"]
    assert explained == "Limited by what a member earns in all."


def test_the_far_past_counts_by_its_own_rules_and_the_future_is_refused(api: Api, ruled: Holder) -> None:
    old = api.post(ACTIONS, {"kind": "review", "key": "1", "at": "2019-12-31T23:59:59Z"}).get_json()
    assert (old["points"], old["why"], old["at"]) == (0, "no_rule", "2019-12-31T23:59:59Z")
    at = (clock.now() + timedelta(minutes=1)).isoformat()
    refused = api.post(ACTIONS, {"kind": "review", "key": "2", "at": at})
    assert refused.get_json()["type"] == "urn:perennial:problem:future-instant"
    assert balance(api) == 0


def test_outside_of_the_programs_time_nothing_counts(api: Api, ruled: Holder) -> None:
    api.request("PATCH", "/programs/1", json={"earns_from": "2999-01-01T00:00:00Z"})
    api.request("PATCH", "/programs/1", json={"earns_from": "2199-01-01T00:00:00Z"})
    assert api.post(ACTIONS, {"kind": "review", "key": "1"}).get_json()["why"] == "not_running"


def test_a_key_belongs_to_one_customer(api: Api, ruled: Holder, runtime: Runtime, shop: Shop) -> None:
    with runtime.database.system() as session:
        accounts_of_customers(session, {(shop.id, OTHER)})
        session.add(Customer(shop_id=shop.id, id=OTHER))
    api.post(ACTIONS, {"kind": "review", "key": "1"})
    refused = api.post(f"/customers/{OTHER}/actions", {"kind": "review", "key": "1"})
    assert (refused.status_code, refused.get_json()["type"]) == (409, "urn:perennial:problem:action-key-used")
    assert balance(api, OTHER) == 0


def test_an_absorbed_customers_action_brings_its_points_to_the_other(
    api: Api, ruled: Holder, runtime: Runtime, shop: Shop
) -> None:
    with runtime.database.system() as session:
        absorbed = accounts_of_customers(session, {(shop.id, OTHER)})[shop.id, OTHER]
        session.add(Customer(shop_id=shop.id, id=OTHER))
        session.get_one(Account, (shop.id, absorbed)).merged_into = ruled.account_id
    told = api.post(f"/customers/{OTHER}/actions", {"kind": "review", "key": "1"})
    assert told.get_json()["points"] == 10
    assert balance(api, CUSTOMER) == balance(api, OTHER) == 10
    assert api.post(ACTIONS, {"kind": "review", "key": "1"}).status_code == 200


WRONG = [
    {"kind": "review"}, {"kind": "re view", "key": "1"}, {"kind": "", "key": "1"}, {"kind": "review", "key": ""},
    {"kind": "review", "key": "a b"}, {"kind": "review", "key": 1}, {"kind": "x" * 51, "key": "1"},
    {"kind": "review", "key": "1", "at": "yesterday"}, {"kind": "review", "key": "1", "points": 5},
]  # fmt: skip


def test_broken_actions_are_refused_and_not_kept(api: Api, ruled: Holder, runtime: Runtime) -> None:
    assert {api.post(ACTIONS, body).status_code for body in WRONG} == {400}
    assert api.post(ACTIONS, {"kind": "birthday", "key": "1"}).status_code == 422
    with runtime.database.system() as session:
        assert session.scalar(select(func.count()).select_from(Action)) == 0
