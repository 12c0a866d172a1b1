"""The app proxy signs as Shopify does, and an app that is down is an error of the shop's page only."""

import hashlib
import hmac
from urllib.parse import parse_qsl, urlsplit

import requests
import responses
from flask.testing import FlaskClient

from dev_store.store import DevStore
from dev_store.storefront.proxy import sign
from tests.dev_store.scene import NOON, SHOP

ADDRESS = "http://127.0.0.1:9/proxy/member"


def test_the_signature_is_shopifys() -> None:
    # The worked example of Shopify's documentation, whose secret is "hush".
    parameters = [
        ("extra", "1"),
        ("extra", "2"),
        ("shop", "shop-name.myshopify.com"),
        ("logged_in_customer_id", "1"),
        ("path_prefix", "/apps/awesome_reviews"),
        ("timestamp", "1317327555"),
    ]
    assert sign(parameters, "hush") == "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb"


@responses.activate
def test_the_app_is_asked_with_the_shops_parameters_whatever_the_browser_claims(
    browser: FlaskClient, store: DevStore
) -> None:
    customer = store.commerce(SHOP).create_customer(at=NOON, email="ann@example.com")
    browser.post(f"/{SHOP}/login", data={"email": "ann@example.com"})
    responses.get(ADDRESS, json={"points": 5}, headers={"Set-Cookie": "a=b", "Cache-Control": "no-store"})
    answer = browser.get(f"/{SHOP}/apps/perennial/member?a=1&logged_in_customer_id=7&signature=x")
    assert (answer.get_json(), answer.headers["Cache-Control"]) == ({"points": 5}, "no-store")
    assert "Set-Cookie" not in answer.headers
    asked = responses.calls[0].request
    assert "Cookie" not in asked.headers
    given = dict(parse_qsl(urlsplit(asked.url or "").query, keep_blank_values=True))
    assert (given["shop"], given["logged_in_customer_id"], given["a"]) == (SHOP, str(customer), "1")
    assert (given["path_prefix"], given["timestamp"].isdigit()) == ("/apps/perennial", True)
    signed = "".join(sorted(f"{key}={value}" for key, value in given.items() if key != "signature"))
    assert given["signature"] == hmac.new(b"secret", signed.encode(), hashlib.sha256).hexdigest()


@responses.activate
def test_an_app_that_does_not_answer_is_a_bad_gateway(browser: FlaskClient) -> None:
    responses.post(ADDRESS, body=requests.ConnectionError())
    assert browser.post(f"/{SHOP}/apps/perennial/member", json={}).status_code == 502


def test_other_paths_lead_to_no_app(browser: FlaskClient) -> None:
    assert browser.get(f"/{SHOP}/apps/other/member").status_code == 404
    assert browser.get(f"/{SHOP}/a/perennial/member").status_code == 404
