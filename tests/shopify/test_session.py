"""Signed query strings, ID tokens and scopes; Shopify's own newer package `shopifyapp` judges beside us."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
import shopify_app

from app.shopify.origin import NotAShop
from app.shopify.session import (
    BadIdToken,
    BadSignature,
    IdTokenExpired,
    entered_shop,
    missing_scopes,
    scopes_cover,
    verify_id_token,
    verify_query,
)
from tests.shopify.signing import API_KEY, OLD_SECRET, SECRET, SHOP, callback_query, claims, id_token, jwt
from webhooks.verification import sign, verify

SECRETS = (SECRET, OLD_SECRET)
OTHER = "other.myshopify.com"


def oracle_accepts(token: str) -> bool:
    """Whether Shopify's own package believes a document load with this ID token."""
    request: shopify_app.RequestInput = {
        "method": "GET",
        "headers": {},
        "url": f"https://app.example.com/?{urlencode({'id_token': token, 'shop': SHOP, 'embedded': '1'})}",
        "body": "",
    }
    app = shopify_app.ShopifyApp(client_id=API_KEY, client_secret=SECRET, old_client_secret=OLD_SECRET)
    return bool(app.verify_app_home_req(request, app_home_patch_id_token_path="/patch").ok)


def oracle_accepts_webhook(body: str, signature: str) -> bool:
    request: shopify_app.RequestInput = {
        "method": "POST",
        "headers": {
            "X-Shopify-Hmac-Sha256": signature,
            "X-Shopify-Shop-Domain": SHOP,
            "X-Shopify-Topic": "orders/paid",
        },
        "url": "https://app.example.com/webhooks",
        "body": body,
    }
    app = shopify_app.ShopifyApp(client_id=API_KEY, client_secret=SECRET, old_client_secret=OLD_SECRET)
    return bool(app.verify_webhook_req(request).ok)


def query(text: str, **now: datetime) -> dict[str, str]:
    return verify_query(parse_qs(text, keep_blank_values=True), SECRETS, now=now.get("now", datetime.now(UTC)))


@pytest.mark.parametrize("secret", SECRETS)
def test_a_query_signed_under_either_secret_is_believed(secret: str) -> None:
    assert query(callback_query(secret))["shop"] == SHOP


# Made when a test runs, so that nothing is refused merely for having grown old.
UNSIGNED: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "another secret": lambda: callback_query("another secret"),
    "changed": lambda: callback_query().replace("a-code", "b-code"),
    "a shop more": lambda: callback_query() + "&shop=other.myshopify.com",
    "a parameter more": lambda: callback_query() + "&extra=1",
    "signature not ASCII": lambda: callback_query().replace("hmac=", "hmac=%C3%A9"),
    "signature not even text": lambda: callback_query().replace("hmac=", "hmac=%ED%B3%A9"),
    "no signature": lambda: callback_query().partition("&hmac")[0],
    "empty signature": lambda: callback_query().partition("&hmac")[0] + "&hmac=",
    "old": lambda: callback_query(timestamp=str(int(time.time()) - 100)),
    "of the future": lambda: callback_query(timestamp=str(int(time.time()) + 100)),
    "no time": lambda: callback_query(timestamp=""),
    "negative time": lambda: callback_query(timestamp="-1"),
    "foreign digits": lambda: callback_query(timestamp="１２３"),
    "endless time": lambda: callback_query(timestamp="1" * 400),
}


@pytest.mark.parametrize("make", UNSIGNED.values(), ids=UNSIGNED)
def test_a_query_that_shopify_did_not_sign_just_now_is_refused(make: Callable[[], str]) -> None:
    with pytest.raises(BadSignature):
        query(make())


def test_nothing_is_believed_without_a_secret() -> None:
    with pytest.raises(BadSignature):
        verify_query(parse_qs(callback_query("")), ["", ""], now=datetime.now(UTC))
    with pytest.raises(BadIdToken):
        verify_id_token(id_token(secret=""), API_KEY, ["", ""])
    with pytest.raises(BadIdToken):
        verify_id_token(id_token(aud=""), "", [SECRET])


@pytest.mark.parametrize("secret", SECRETS)
def test_an_id_token_tells_shop_and_user(secret: str) -> None:
    token = id_token(secret=secret)
    identity = verify_id_token(token, API_KEY, SECRETS)
    assert (identity.shop, identity.user_id) == (SHOP, "81")
    assert oracle_accepts(token)


def test_clocks_that_differ_by_a_few_seconds_do_no_harm() -> None:
    now = int(time.time())
    for token in (id_token(nbf=now + 5, iat=now + 5), id_token(exp=now - 5)):
        assert verify_id_token(token, API_KEY, SECRETS).shop == SHOP


FORGED: dict[str, Callable[[], str]] = {
    "another secret": lambda: id_token(secret="x" * 40),
    "no signature": lambda: jwt(claims(), algorithm="none"),
    "another algorithm": lambda: jwt(claims(), algorithm="HS512"),
    "another app": lambda: id_token(aud="another-key"),
    "not yet valid": lambda: id_token(nbf=int(time.time()) + 3600),
    "text": lambda: "not a token",
    "empty": lambda: "",
    "not ASCII": lambda: "é.é.é",
    "surrogate": lambda: "\ud800",
    "claims are a list": lambda: jwt([]),  # type: ignore[arg-type]  # wrong types are part of the test
}
# What Shopify's own package lets through, or is not asked about, and we refuse.
STRICTER: dict[str, Callable[[], str]] = {
    "never expires": lambda: id_token(exp=None),
    "issuer is another shop": lambda: id_token(iss=f"https://{OTHER}/admin"),
    "issuer is no shop": lambda: id_token(iss="https://evil.com/admin"),
    "destination is no shop": lambda: id_token(dest="https://evil.com", iss="https://evil.com/admin"),
    "destination has a path": lambda: id_token(dest=f"https://{SHOP}/x"),
    "destination without https": lambda: id_token(dest=f"http://{SHOP}", iss=f"http://{SHOP}/admin"),
    "destination with a line break": lambda: id_token(dest=f"https://{SHOP}\n"),
    "destination is a number": lambda: id_token(dest=5, iss=5),
    "no subject": lambda: id_token(sub=None),
}


@pytest.mark.parametrize("make", FORGED.values(), ids=FORGED)
def test_a_forged_id_token_is_refused_by_us_and_by_shopifys_own_package(make: Callable[[], str]) -> None:
    token = make()
    with pytest.raises(BadIdToken):
        verify_id_token(token, API_KEY, SECRETS)
    if "\ud800" not in token:
        assert not oracle_accepts(token)


@pytest.mark.parametrize("make", STRICTER.values(), ids=STRICTER)
def test_an_id_token_must_expire_and_name_one_shop(make: Callable[[], str]) -> None:
    with pytest.raises(BadIdToken) as caught:
        verify_id_token(make(), API_KEY, SECRETS)
    assert not isinstance(caught.value, IdTokenExpired)


def test_an_expired_id_token_is_told_apart() -> None:
    token = id_token(exp=int(time.time()) - 60, nbf=int(time.time()) - 120)
    with pytest.raises(IdTokenExpired):
        verify_id_token(token, API_KEY, SECRETS)
    with pytest.raises(IdTokenExpired):
        verify_id_token(id_token(secret=OLD_SECRET, exp=1, nbf=0), API_KEY, SECRETS)
    assert not oracle_accepts(token)


@pytest.mark.parametrize("text", ["demo.myshopify.com", " Demo.myshopify.com ", "https://demo.myshopify.com/", "demo"])
def test_a_shop_as_people_type_it_is_understood(text: str) -> None:
    assert entered_shop(text) == SHOP


@pytest.mark.parametrize("text", ["", "evil.com", "demo.myshopify.com.evil.com", "de\nmo.myshopify.com", "a b", "é"])
def test_what_no_shop_can_be_made_of_is_refused(text: str) -> None:
    with pytest.raises(NotAShop):
        entered_shop(text)


@pytest.mark.parametrize(
    ("granted", "wanted", "missing"),
    [
        ("write_customers,read_orders", ["read_customers", "write_customers", "read_orders"], []),
        ("read_customers", ["write_customers"], ["write_customers"]),
        ("", ["read_orders"], ["read_orders"]),
        ("nonsense", ["read_orders"], ["read_orders"]),
        ("customer_read_orders,read_orders", ["read_orders", "customer_read_orders"], []),
        ("read_orders", ["customer_read_orders"], ["customer_read_orders"]),
        (" read_orders , write_discounts", ["read_discounts"], []),
    ],
)
def test_a_write_scope_covers_reading(granted: str, wanted: list[str], missing: list[str]) -> None:
    assert missing_scopes(granted, wanted) == missing
    assert scopes_cover(granted, wanted) is not bool(missing)


@pytest.mark.parametrize("body", ['{"id":1}', '{"name":"Zoë 🧵"}', ""])
def test_webhook_signatures_agree_with_shopifys_own_package(body: str) -> None:
    for secret in (SECRET, OLD_SECRET, "another secret"):
        signature = sign(body.encode(), secret).decode()
        assert verify(body.encode(), signature, SECRETS) is oracle_accepts_webhook(body, signature)


def test_no_process_wide_secret_is_left_behind() -> None:
    shopify: Any = pytest.importorskip("shopify")
    query(callback_query())
    assert shopify.Session.secret is None
