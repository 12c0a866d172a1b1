"""Referrals by API: each with its state and reason, and what came of them in all."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app import clock
from app.runtime import Runtime
from app.shops.models import Shop
from tests.api.conftest import Api
from tests.referrals.conftest import ANN, BEN, CEM, REFERRAL, Circle
from tests.referrals.test_following import invite


@pytest.fixture
def circle(runtime: Runtime, shop: Shop) -> Circle:
    made = Circle(runtime, shop, REFERRAL | {"waiting_days": 30})
    made.customer(ANN, "ann@example.com")
    return made


def test_an_empty_shop_has_no_referrals(api: Api) -> None:
    assert api.get("/referrals").get_json() == {"data": [], "next": None}
    said = api.get("/referrals/statistics").get_json()
    assert said["orders"] == {"waiting": 0, "rewarded": 0, "reversed": 0, "refused": 0}
    assert (said["links"], said["refused"], said["revenue"]["amount"]) == (0, {}, "0.00")


@pytest.mark.requirement(37, partly=True)
def test_a_customer_has_a_link_where_friends_are_rewarded(api: Api, circle: Circle) -> None:
    link = api.get(f"/customers/{ANN}").get_json()["referral"]
    assert link == {"code": circle.code(), "link": f"https://demo.myshopify.com/?ref={circle.code()}"}


def test_a_customer_has_none_elsewhere(api: Api, runtime: Runtime, shop: Shop) -> None:
    Circle(runtime, shop, None).customer(ANN, "ann@example.com")
    assert api.get(f"/customers/{ANN}").get_json()["referral"] is None
    with runtime.database.system() as session:
        assert session.scalar(text("select count(*) from referral_codes")) == 0


def everything(circle: Circle) -> None:
    """One referral of each state: 1 rewarded, 2 waiting, 3 refused, 4 reversed, 5 not paid."""
    now = clock.now()
    long_ago, lately = (now - timedelta(days=60)).isoformat(), (now - timedelta(days=2)).isoformat()
    circle.brought(1, BEN, name="#1001", processed_at=long_ago)
    circle.brought(2, CEM, processed_at=lately)
    circle.brought(3, ANN, processed_at=lately)
    circle.brought(4, 21, processed_at=lately, cancelled_at=lately)
    circle.brought(5, 22, processed_at=lately, status="pending")


def test_every_state_is_shown_with_its_reason(api: Api, circle: Circle) -> None:
    everything(circle)
    rows = api.walk("/referrals", limit=2)
    assert [(row["order"]["id"], row["state"], row["reason"]) for row in rows] == [
        ("5", "waiting", "unpaid"),
        ("4", "reversed", "cancelled"),
        ("3", "refused", "same_account"),
        ("2", "waiting", None),
        ("1", "rewarded", None),
    ]
    first = rows[-1]
    assert (first["order"]["name"], first["order"]["total"]["amount"]) == ("#1001", "100.00")
    assert (first["advocate"]["customer"], first["advocate"]["points"]) == (str(ANN), 500)
    assert (first["friend"]["customer"], first["friend"]["points"]) == (str(BEN), 200)
    assert (first["code"], first["matched_by"]) == (circle.code(), "attribute")
    assert rows[2]["available_at"] is None
    assert rows[3]["available_at"] > first["available_at"]


def test_only_those_of_a_state_or_of_a_member(api: Api, circle: Circle) -> None:
    everything(circle)
    circle.brought(6, 23, ref=circle.code(CEM))
    shown = {row["order"]["id"] for row in api.get("/referrals?state=waiting").get_json()["data"]}
    assert shown == {"2", "5"}
    assert [row["order"]["id"] for row in api.get(f"/referrals?advocate={CEM}").get_json()["data"]] == ["6"]
    assert api.get("/referrals?advocate=999").status_code == 404
    assert api.get("/referrals?state=lost").status_code == 400


def test_what_came_of_links(api: Api, circle: Circle) -> None:
    everything(circle)
    circle.code(CEM)
    invite(circle, "WELCOME-1", circle.code().lower())
    assert api.get("/referrals/statistics").get_json() == {
        "links": 2,
        "links_used": 1,
        "sign_ups": 1,
        "orders": {"waiting": 2, "rewarded": 1, "reversed": 1, "refused": 1},
        "refused": {"same_account": 1},
        "revenue": {"amount": "200.00", "currency": "USD"},
        "points": {"advocates": 1000, "friends": 400},
    }


def test_another_shop_sees_none_of_it(stranger: Api, circle: Circle) -> None:
    everything(circle)
    assert stranger.get("/referrals").get_json()["data"] == []
    assert stranger.get("/referrals/statistics").get_json()["links"] == 0


def test_rules_that_cannot_be_are_refused_by_name(api: Api, shop: Shop) -> None:
    program = api.get("/programs").get_json()["data"][0]["id"]
    wrong = {"earning": [], "referral": {"advocate": -1, "minimum": "x", "levels": 3}}
    refused = api.post(f"/programs/{program}/versions", {"rules": wrong})
    assert refused.status_code == 400
    told = " ".join(fault["detail"] for fault in refused.get_json()["errors"])
    assert all(name in str(refused.get_json()) for name in ("advocate", "minimum", "levels")), told


def test_a_version_with_friends_is_worded_and_shows_links(api: Api, runtime: Runtime, shop: Shop) -> None:
    program = api.get("/programs").get_json()["data"][0]["id"]
    rules = {"earning": [{"kind": "per_unit", "points": 1}], "referral": REFERRAL | {"waiting_days": 14}}
    made = api.post(f"/programs/{program}/versions", {"rules": rules})
    assert made.status_code == 201, made.text
    assert made.get_json()["in_words"][1:4] == [
        "500 points for whoever brings a friend, for a friend's first order with at least 20 USD of goods.",
        "200 points for the friend, for a friend's first order with at least 20 USD of goods.",
        "Points of referrals can be spent after 14 whole days of waiting.",
    ]
    with runtime.database.system() as session:
        assert session.scalar(text("select members from storefronts where shop_id = :s"), {"s": shop.id})
