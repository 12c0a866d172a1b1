"""OAuth of the development store: approval, tokens that expire and rotate, ID tokens, uninstalling."""

import hmac
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from shopify_app import ShopifyApp

from dev_store.tokens import id_token
from tests.dev_store.graphql.admin import APP, SECRET, SHOP, Admin, install

CALLBACK = f"{APP}/auth/callback"
KEYS = {"client_id": "key", "client_secret": SECRET}
EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
}


@pytest.fixture
def store() -> Iterator[Admin]:
    store = install()
    yield store
    store.store.state.close()


def ask_for_code(store: Admin, **changes: str) -> Any:
    query = {"client_id": "key", "scope": "read_orders,write_customers", "redirect_uri": CALLBACK, "state": "nonce"}
    return store.client.post(f"/{SHOP}/admin/oauth/authorize", query_string=query | changes)


def code(store: Admin) -> str:
    return str(dict(parse_qsl(urlsplit(ask_for_code(store).headers["Location"]).query))["code"])


def tokens(store: Admin, **grant: str) -> Any:
    return store.client.post(f"/{SHOP}/admin/oauth/access_token", json=KEYS | grant)


def is_alive(store: Admin, token: str) -> bool:
    return bool(store.post({"query": "{ shop { id } }"}, **{"X-Shopify-Access-Token": token}).status_code == 200)


def test_the_merchant_sees_what_is_asked_and_approves(store: Admin) -> None:
    query = {"client_id": "key", "scope": "read_orders", "redirect_uri": CALLBACK}
    page = store.client.get(f"/{SHOP}/admin/oauth/authorize", query_string=query)
    assert page.status_code == 200
    assert all(text in page.text for text in ("read_orders", "Tea", "Install app"))


def test_the_way_back_is_signed_as_shopify_signs(store: Admin) -> None:
    answer = ask_for_code(store)
    address = urlsplit(answer.headers["Location"])
    back = dict(parse_qsl(address.query))
    assert answer.status_code == 302
    assert f"{address.scheme}://{address.netloc}{address.path}" == CALLBACK
    assert (back["state"], back["shop"]) == ("nonce", SHOP)
    given = back.pop("hmac")
    message = "&".join(f"{key}={value}" for key, value in sorted(back.items()))
    assert given == hmac.new(SECRET.encode(), message.encode(), sha256).hexdigest()


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "other"},
        {"redirect_uri": "https://evil.example/auth/callback"},
        {"redirect_uri": f"{APP}.evil.example/"},
        {"scope": "write_everything"},
    ],
)
def test_a_request_that_is_not_this_apps_cannot_be_approved(store: Admin, changes: dict[str, str]) -> None:
    assert ask_for_code(store, **changes).status_code == 400


def test_a_shop_that_is_not_here_is_404(store: Admin) -> None:
    assert store.client.get("/no.myshopify.com/admin/oauth/authorize?client_id=key").status_code == 404


def test_a_code_is_good_once_and_gives_an_expiring_pair(store: Admin) -> None:
    one = code(store)
    granted = tokens(store, code=one, expiring="1").get_json()
    assert granted["scope"] == "read_orders,write_customers"
    assert (granted["expires_in"], granted["refresh_token_expires_in"]) == (3600, 7776000)
    assert is_alive(store, granted["access_token"])
    again = tokens(store, code=one, expiring="1")
    assert (again.status_code, again.get_json()["error"]) == (400, "invalid_request")


def test_without_expiring_a_token_has_no_end(store: Admin) -> None:
    granted = tokens(store, code=code(store)).get_json()
    assert set(granted) == {"access_token", "scope"}


def test_a_form_is_as_good_as_json(store: Admin) -> None:
    body = KEYS | {"code": code(store), "expiring": "1"}
    assert store.client.post(f"/{SHOP}/admin/oauth/access_token", data=body).get_json()["expires_in"] == 3600


def test_a_wrong_secret_and_an_unknown_grant_are_400(store: Admin) -> None:
    assert tokens(store, code=code(store), client_secret="guess").get_json()["error"] == "invalid_client"
    assert tokens(store, grant_type="password").get_json()["error"] == "unsupported_grant_type"


def test_an_id_token_is_exchanged_for_the_configured_scopes(store: Admin) -> None:
    token = store.client.post(f"/_dev/shops/{SHOP}/id-token").get_json()["id_token"]
    granted = tokens(store, **EXCHANGE, subject_token=token, expiring="1").get_json()
    assert "write_discounts" in granted["scope"].split(",")
    assert is_alive(store, granted["access_token"])
    document = store.store.state.shop_document(SHOP)
    assert document is not None
    assert document["_installed_at"] is not None


def forged(**changes: Any) -> str:
    claims = jwt.decode(id_token("key", SECRET, SHOP), SECRET, algorithms=["HS256"], audience="key")
    secret = changes.pop("secret", SECRET)
    return str(jwt.encode(claims | changes, secret, algorithm="HS256"))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no.token.atall",
        forged(secret="another secret, long enough for HS256"),
        forged(aud="other"),
        forged(exp=1),
        forged(dest="https://other.myshopify.com"),
        forged(iss="https://other.myshopify.com/admin"),
    ],
    ids=["empty", "garbage", "forged", "audience", "expired", "destination", "issuer"],
)
def test_an_id_token_that_is_not_ours_is_refused(store: Admin, token: str) -> None:
    answer = tokens(store, **EXCHANGE, subject_token=token, expiring="1")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_subject_token")


def test_a_refresh_rotates_and_the_old_pair_lives_until_the_new_one_is_used(store: Admin) -> None:
    first = tokens(store, code=code(store), expiring="1").get_json()
    second = tokens(store, grant_type="refresh_token", refresh_token=first["refresh_token"]).get_json()
    assert second["refresh_token"] != first["refresh_token"]
    lost_answer = tokens(store, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert lost_answer.status_code == 200
    assert is_alive(store, first["access_token"])
    assert is_alive(store, lost_answer.get_json()["access_token"])
    assert not is_alive(store, first["access_token"])
    late = tokens(store, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (late.status_code, late.get_json()["error"]) == (400, "invalid_grant")


def test_opening_the_app_passes_an_id_token_that_an_independent_library_believes(store: Admin) -> None:
    address = store.client.get(f"/{SHOP}/admin/apps/key").headers["Location"]
    assert address.startswith(f"{APP}/?")
    query = dict(parse_qsl(urlsplit(address).query))
    assert {"id_token", "shop", "host", "embedded", "locale", "timestamp", "hmac", "session"} == set(query)
    request: Any = {"method": "GET", "headers": {}, "url": address, "body": ""}
    result = ShopifyApp(client_id="key", client_secret=SECRET).verify_app_home_req(
        request, app_home_patch_id_token_path="/patch"
    )
    assert (result.ok, result.shop) == (True, SHOP.removesuffix(".myshopify.com"))
    assert store.client.get(f"/{SHOP}/admin/apps/other").status_code == 404


def test_uninstalling_kills_every_token_and_announces_itself(store: Admin) -> None:
    granted = tokens(store, code=code(store), expiring="1").get_json()
    assert store.client.post(f"/_dev/shops/{SHOP}/uninstall").status_code == 200
    assert not is_alive(store, granted["access_token"])
    assert not is_alive(store, store.token)
    document = store.store.state.shop_document(SHOP)
    assert document is not None
    assert document["_installed_at"] is None
    tokens(store, code=code(store), expiring="1")
    assert (store.store.state.shop_document(SHOP) or {})["_installed_at"] is not None
