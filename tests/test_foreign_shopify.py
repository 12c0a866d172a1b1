"""The server that is not ours answers whatever the schema allows, so that the app's tests may rely on it."""

from pathlib import Path

import pytest
import requests

from app.shopify.version import API_VERSION
from tests.foreign_shopify import ForeignShopify, answer

SHOP = "elsewhere.myshopify.com"
THING = "gid://shopify/Thing/1"
VARIABLES = {
    "id": THING,
    "ids": [THING],
    "code": "CODE",
    "codes": [{"code": "CODE"}],
    "discountId": THING,
    "basicCodeDiscount": {"title": "t", "code": "C"},
    "identifier": {"email": "a@x.org"},
    "input": {"email": "a@x.org"},
    "metafields": [{"ownerId": THING, "key": "member", "type": "json", "value": "{}"}],
    "query": "{ customers { edges { node { id } } } }",
    "first": 5,
    "topic": "SHOP_UPDATE",
    "uri": "https://app.example/webhooks",
}
OPERATIONS = sorted((Path(__file__).parents[1] / "app" / "shopify" / "operations").glob("*.graphql"))


def test_it_is_reached_over_http_and_keeps_what_was_asked() -> None:
    with ForeignShopify() as foreign:
        origin = foreign.origin_template.format(shop=SHOP)
        granted = requests.post(
            f"{origin}/admin/oauth/access_token", json={"code": "any", "expiring": 1}, timeout=5
        ).json()
        said = requests.post(
            f"{origin}/admin/api/{API_VERSION}/graphql.json",
            json={"query": "{ shop { id ianaTimezone currencyCode } }"},
            headers={"X-Shopify-Access-Token": granted["access_token"]},
            timeout=5,
        ).json()
    assert granted["expires_in"] == 3600
    assert {"read_orders", "write_discounts", "write_app_proxy"} <= set(granted["scope"].split(","))
    assert said["data"]["shop"]["ianaTimezone"] == "Europe/Helsinki"
    assert [(one.shop, one.token) for one in foreign.requests] == [(SHOP, None), (SHOP, "foreign-access-token")]


def test_a_merchant_who_approves_comes_back_signed() -> None:
    with ForeignShopify(client_secret="hush") as foreign:
        origin = foreign.origin_template.format(shop=SHOP)
        query = {"state": "nonce", "redirect_uri": "http://127.0.0.1:3000/auth/callback"}
        sent = requests.get(f"{origin}/admin/oauth/authorize", params=query, allow_redirects=False, timeout=5)
    assert sent.status_code == 302
    assert "state=nonce" in sent.headers["Location"]
    assert "hmac=" in sent.headers["Location"]


def test_what_the_schema_forbids_is_refused() -> None:
    assert "errors" in answer("{ shop { nonsense } }", {}, [])
    assert "errors" in answer("query ($id: ID!) { customer(id: $id) { id } }", {}, [])


def test_an_object_asked_for_by_its_id_has_it() -> None:
    wanted = "gid://shopify/Order/9007199254740993"
    said = answer("query ($id: ID!) { order(id: $id) { id legacyResourceId } }", {"id": wanted}, [])
    assert said["data"]["order"] == {"id": wanted, "legacyResourceId": "9007199254740993"}


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: path.stem)
def test_every_operation_of_the_app_is_answered(path: Path) -> None:
    """With the loosest variables the operation takes."""
    text = path.read_text("utf-8")
    named = {name: value for name, value in VARIABLES.items() if f"${name}:" in text}
    if path.stem == "customer_by_identifier":
        named["identifier"] = {"emailAddress": "a@x.org"}
    if path.stem == "customer_email_marketing_consent_update":
        named["input"] = {"customerId": THING, "emailMarketingConsent": {"marketingState": "SUBSCRIBED"}}
    assert "data" in answer(text, named, ["read_orders"])
