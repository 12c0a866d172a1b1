"""What a storefront may ask, through the shop's own proxy and at the app's door."""

import time
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from app.popups.models import Popup, PopupDay, SignUp
from app.storefront import admission
from app.storefront.routes import ADMISSION
from dev_store.commerce import OrderLine
from dev_store.storefront.proxy import sign
from tests.storefront.conftest import SECRET, SHOP, Street


def asked(popup: Popup, **more: Any) -> dict[str, Any]:
    version = popup.definition["texts"]["en"]["consent_version"]
    return {"popup": popup.id, "email": "Bea@Example.com", "company": "", "consent": version} | more


def sign_ups(street: Street) -> int:
    with street.runtime.database.shop(street.shop.id) as session:
        return session.scalar(select(func.count()).select_from(SignUp)) or 0


def require_small_json(answer: requests.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.content) < 200
    return answer.json()


def signed(street: Street, path: str, **parameters: str) -> str:
    """An address at the app's own door, as Shopify would ask it."""
    pairs = {"shop": SHOP, "path_prefix": "/apps/perennial", "timestamp": str(int(time.time()))} | parameters
    query = "&".join(f"{key}={value}" for key, value in pairs.items())
    return f"{street.app_url}/proxy/{path}?{query}&signature={sign(list(pairs.items()), SECRET)}"


def test_a_visitor_signs_up_and_gets_a_code_that_shopify_knows(street: Street) -> None:
    popup = street.popup()
    said = require_small_json(street.ask("sign-up", asked(popup, language="en", page="home", how="exit")), 200)
    assert (said["state"], set(said)) == ("code", {"state", "code"})
    [discount] = street.store.state.all(SHOP, "discount")
    assert said["code"] in {entry["code"] for entry in discount["codes"]}
    assert street.ask("sign-up", asked(popup, email="bea+again@example.com")).json() == said
    street.settle()
    [customer] = [one for one in street.store.state.all(SHOP, "customer") if one["email"] == "bea@example.com"]
    assert customer["_email_marketing_consent"]["state"] == "subscribed"


def test_what_no_mail_can_reach_is_invalid(street: Street) -> None:
    popup = street.popup()
    assert require_small_json(street.ask("sign-up", asked(popup, email="bea@")), 200) == {"state": "invalid"}
    assert sign_ups(street) == 0


def test_a_request_that_is_sent_again_is_answered_alike_and_changes_nothing(street: Street) -> None:
    popup = street.popup()
    address = signed(street, "sign-up")
    first, again = (requests.post(address, json=asked(popup), timeout=10) for _ in range(2))
    assert require_small_json(again, 200) == require_small_json(first, 200)
    assert sign_ups(street) == 1


def test_disposable_addresses_are_refused_and_variants_of_one_in_a_burst_get_one_code(street: Street) -> None:
    popup = street.popup()
    thrown_away = street.ask("sign-up", asked(popup, email="bea@inbox.mailinator.com"))
    assert require_small_json(thrown_away, 200) == {"state": "invalid"}
    variants = ["bea@gmail.com", "b.e.a@gmail.com", "Bea+1@Gmail.com", "bea+2@googlemail.com"]
    burst = [
        requests.post(signed(street, "sign-up"), json=asked(popup, email=one), timeout=10) for one in variants * 10
    ]
    said = [answer.json() for answer in burst if answer.status_code == 200]
    assert {answer.status_code for answer in burst} == {200, 429}
    assert len(said) < admission.VISITOR_BURST + 10
    assert [one for one in said if one != said[0]] == []
    assert sign_ups(street) == 1


def test_a_program_that_fills_in_everything_is_thanked_and_forgotten(street: Street) -> None:
    popup = street.popup()
    assert require_small_json(street.ask("sign-up", asked(popup, company="Acme")), 200) == {"state": "later"}
    assert sign_ups(street) == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'"x"', b'{"popup": 1}', b'{"popup": "1", "email": "a@b.de"}', b"\xff", b'{"popup": 1e99}'],
)
def test_bodies_that_are_none_are_refused(street: Street, body: bytes) -> None:
    assert require_small_json(street.ask("sign-up", data=body), 400) == {"error": "invalid-request"}


def test_bodies_of_more_than_four_kilobytes_are_refused(street: Street) -> None:
    assert require_small_json(street.ask("sign-up", data=b"x" * 4_001), 413) == {"error": "too-large"}


def test_a_popup_that_is_not_shown_is_not_found(street: Street) -> None:
    popup = street.popup()
    assert require_small_json(street.ask("sign-up", asked(popup) | {"popup": 99}), 404) == {"error": "popup-gone"}
    assert sign_ups(street) == 0


@pytest.mark.parametrize("path", ["nothing", "sign-up", ""])
def test_what_nobody_serves_is_answered_without_a_page(street: Street, path: str) -> None:
    answer = requests.get(f"{street.app_url}/proxy/{path}", timeout=10)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.status_code == (405 if path == "sign-up" else 404)


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": "1"},
        {"shop": "evil.example"},
        {"extra": "1"},
        {"shop": f"{SHOP}&shop={SHOP}"},
    ],
)
def test_old_foreign_and_ambiguous_requests_are_refused_although_they_are_signed(
    street: Street, change: dict[str, str]
) -> None:
    popup = street.popup()
    answer = requests.post(signed(street, "sign-up", **change), json=asked(popup), timeout=10)
    assert require_small_json(answer, 401) == {"error": "proxy-signature"}
    assert sign_ups(street) == 0


def test_a_forged_signature_is_refused(street: Street) -> None:
    popup = street.popup()
    address = signed(street, "sign-up").replace("signature=", "signature=0")
    assert require_small_json(requests.post(address, json=asked(popup), timeout=10), 401)["error"] == "proxy-signature"
    assert sign_ups(street) == 0


def test_shops_without_perennial_are_not_found(street: Street) -> None:
    popup = street.popup()
    address = signed(street, "sign-up", shop="other.myshopify.com")
    assert require_small_json(requests.post(address, json=asked(popup), timeout=10), 404) == {"error": "not-found"}
    with street.runtime.database.system() as session:
        session.merge(street.shop).state = "uninstalled"
    assert require_small_json(street.ask("sign-up", asked(popup)), 404) == {"error": "popup-gone"}
    assert sign_ups(street) == 0


def test_one_address_may_not_ask_without_end_and_others_are_not_kept_out(street: Street) -> None:
    popup = street.popup()
    first = [
        requests.post(
            signed(street, "seen"),
            json={"popup": popup.id, "closed": True},
            headers={"X-Forwarded-For": "203.0.113.7, 10.0.0.1"},
            timeout=10,
        )
        for _ in range(admission.VISITOR_BURST + 5)
    ]
    assert require_small_json(first[-1], 429) == {"error": "too-many-requests"}
    assert int(first[-1].headers["Retry-After"]) >= 1
    other = requests.post(
        signed(street, "seen"),
        json={"popup": popup.id, "closed": True},
        headers={"X-Forwarded-For": "203.0.113.8"},
        timeout=10,
    )
    assert require_small_json(other, 200) == {"state": "noted"}
    # Of an address nothing is kept but a digest under a key that ends with the process.
    held: admission.Admission = street.flask_app.extensions[ADMISSION]
    assert not [key for key in held._visitors._buckets if b"203.0" in key]


def test_views_and_closes_are_counted_by_popup_and_day(street: Street) -> None:
    popup = street.popup()
    for closed in (True, True, False):
        assert require_small_json(street.ask("seen", {"popup": popup.id, "closed": closed}), 200)
    assert require_small_json(street.ask("seen", {"popup": 99, "closed": True}), 200) == {"state": "noted"}
    with street.runtime.database.shop(street.shop.id) as session:
        found = session.execute(
            select(PopupDay.popup_id, func.sum(PopupDay.views), func.sum(PopupDay.closes)).group_by(PopupDay.popup_id)
        )
        assert [tuple(map(int, row)) for row in found] == [(popup.id, 3, 2)]


def test_only_a_customer_who_has_logged_in_sees_points(street: Street) -> None:
    customer = street.commerce.create_customer(at=street.store.clock.now(), email="ann@example.com")
    street.commerce.place_order(
        at=street.store.clock.now(), customer_id=customer, lines=[OrderLine(title="Tea", quantity=1, price="60.00")]
    )
    street.settle()
    assert require_small_json(street.ask("member"), 401) == {"error": "not-logged-in"}
    # The customer that a browser claims to be is not believed.
    claimed = street.ask(f"member?logged_in_customer_id={customer}")
    assert require_small_json(claimed, 401) == {"error": "not-logged-in"}
    with requests.Session() as browser:
        browser.post(f"{street.origin}/{SHOP}/login", data={"email": "ann@example.com"}, timeout=10)
        answer = browser.get(f"{street.origin}/{SHOP}/apps/perennial/member", timeout=10)
    member = require_small_json(answer, 200)
    assert (member["available"], member["pending"]) == (60, 0)
    assert member["next_reward"] == {"title": "5 USD off", "missing": 40}
    stranger = requests.get(signed(street, "member", logged_in_customer_id="12345"), timeout=10)
    assert require_small_json(stranger, 200)["available"] == 0
