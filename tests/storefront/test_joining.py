"""A customer who has logged in becomes a member through the shop's proxy, and sees the link for friends."""

import json
from datetime import timedelta

import pytest
import requests
from sqlalchemy import text

from app import clock
from app.loyalty.program_changes import add_version, change_program
from app.loyalty.programs import default_program
from app.storefront import dirty
from tests.storefront.conftest import SHOP, Street
from tests.storefront.test_routes import require_small_json, signed

RULES = {
    "earning": [{"kind": "per_unit", "points": 1}],
    "actions": {"sign_up": {"points": 20, "per_account": 1}},
    "referral": {"advocate": 500, "friend": 200},
}


def reward_friends(street: Street) -> None:
    with street.runtime.database.shop(street.shop.id) as session:
        program = default_program(session, street.shop.id)
        add_version(session, street.shop.id, program.id, RULES, None, actor="test")


def publish(street: Street) -> None:
    for _ in range(3):
        street.settle()
        with street.runtime.database.system() as session:
            dirty.wake_due(session)


def logged_in(street: Street, email: str) -> requests.Session:
    street.commerce.create_customer(at=street.store.clock.now(), email=email)
    browser = requests.Session()
    browser.post(f"{street.origin}/{SHOP}/login", data={"email": email}, timeout=10)
    return browser


@pytest.mark.requirement(37, partly=True)
def test_who_joins_has_points_and_a_link_and_joining_again_changes_nothing(street: Street) -> None:
    reward_friends(street)
    address = f"{street.origin}/{SHOP}/apps/perennial/join"
    with logged_in(street, "ann@example.com") as browser:
        first = require_small_json(browser.post(address, json={}, timeout=10), 200)
        again = require_small_json(browser.post(address, json={}, timeout=10), 200)
        seen = require_small_json(browser.get(address.replace("join", "member"), timeout=10), 200)
    assert first == again == seen
    assert (first["available"], len(first["referral_code"])) == (20, 8)
    street.settle()
    with street.runtime.database.system() as session:  # not after the pause that joins changes of one moment
        session.execute(text("update member_changes set due_at = :now"), {"now": clock.now()})
        dirty.wake_due(session)
    street.settle()
    # The link is printed by Liquid, out of the customer's metafield.
    [value] = [one for one in street.store.state.all(SHOP, "metafield") if one["key"] == "member"]
    assert f'"referral_code":"{first["referral_code"]}"' in value["value"].replace(" ", "")


def test_friends_read_what_their_first_order_is_worth_without_any_popup(street: Street) -> None:
    reward_friends(street)
    publish(street)
    [program] = [one for one in street.store.state.all(SHOP, "metafield") if one["key"] == "program"]
    assert json.loads(program["value"])["referrals"] == {"friend": 200, "minimum": None}
    page = requests.get(f"{street.origin}/{SHOP}/", timeout=10).text
    assert "Your first order here brings you 200 points." in page
    with street.runtime.database.shop(street.shop.id) as session:
        rules = RULES | {"referral": {"advocate": 500, "friend": 300, "minimum": "10.00"}}
        add_version(session, street.shop.id, default_program(session, street.shop.id).id, rules, None, actor="test")
        assert not dirty.showing(session, street.shop.id).up_to_date
    street.settle()
    page = requests.get(f"{street.origin}/{SHOP}/", timeout=10).text
    assert "brings you 300 points." in page
    assert "It counts from 10.00 USD on." in page


def test_friends_read_nothing_from_the_instant_on_at_which_the_program_ends(street: Street) -> None:
    reward_friends(street)
    publish(street)
    ends = clock.now() + timedelta(days=3)
    with street.runtime.database.shop(street.shop.id) as session:
        program = default_program(session, street.shop.id)
        change_program(session, street.shop.id, program.id, {"ends_at": ends}, actor="test")
        assert not dirty.showing(session, street.shop.id).up_to_date
    street.settle()
    with street.runtime.database.system() as session:
        due = session.scalar(text("select due_at from storefronts"))
    assert due == ends, "it comes back by itself"


def test_only_who_has_logged_in_joins(street: Street) -> None:
    assert require_small_json(street.ask("join", {}), 401) == {"error": "not-logged-in"}
    claimed = street.ask("join?logged_in_customer_id=7", {})
    assert require_small_json(claimed, 401) == {"error": "not-logged-in"}
    with street.runtime.database.system() as session:
        assert session.scalar(text("select count(*) from accounts")) == 0


@pytest.mark.parametrize("body", [b"", b"[]", b'{"points": 1000000}', b'{"ref": "<script>"}', b"\xff"])
def test_a_body_that_asks_for_more_is_refused(street: Street, body: bytes) -> None:
    address = signed(street, "join", logged_in_customer_id="7")
    assert require_small_json(requests.post(address, data=body, timeout=10), 400) == {"error": "invalid-request"}
    with street.runtime.database.system() as session:
        assert session.scalar(text("select count(*) from accounts")) == 0
