"""Token requests on the wire: what is sent, what is made of each answer, and what may not reach a log."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from responses import matchers

from app import clock
from app.config import Settings
from app.shopify import oauth
from app.shopify.errors import OAuthRefused, ShopifyError, ShopPaused, Unavailable
from app.shopify.origin import NotAShop
from tests.shopify.signing import API_KEY, SECRET, SHOP

URL = f"https://{SHOP}/admin/oauth/access_token"
ANSWER = {
    "access_token": "shpat_new",
    "scope": "read_orders,write_customers",
    "expires_in": 3600,
    "refresh_token": "shprt_new",
    "refresh_token_expires_in": 7776000,
}
OURS = {"client_id": API_KEY, "client_secret": SECRET}


def expect(wire: responses.RequestsMock, body: dict[str, str]) -> None:
    wire.post(URL, json=ANSWER, match=[matchers.json_params_matcher({**OURS, **body})])


def test_the_authorization_url_asks_for_our_scopes_and_comes_back_to_the_callback(settings: Settings) -> None:
    url = urlsplit(oauth.authorization_url(settings, SHOP, "the-state"))
    assert (url.scheme, url.netloc, url.path) == ("https", SHOP, "/admin/oauth/authorize")
    assert parse_qs(url.query) == {
        "client_id": [API_KEY],
        "scope": [",".join(settings.scopes)],
        "redirect_uri": ["http://localhost:3000/auth/callback"],
        "state": ["the-state"],
    }


def test_a_code_is_exchanged_for_tokens_that_expire(settings: Settings, wire: responses.RequestsMock) -> None:
    expect(wire, {"code": "the-code", "expiring": "1"})
    before = clock.wall_now()
    tokens = oauth.exchange_code(settings, SHOP, "the-code")
    assert (tokens.access_token, tokens.refresh_token) == ("shpat_new", "shprt_new")
    assert tokens.access_expires_at is not None
    assert tokens.refresh_expires_at is not None
    assert timedelta() <= tokens.access_expires_at - before - timedelta(hours=1) < timedelta(seconds=5)
    assert timedelta() <= tokens.refresh_expires_at - before - timedelta(days=90) < timedelta(seconds=5)


def test_an_id_token_is_exchanged_for_offline_tokens_that_expire(
    settings: Settings, wire: responses.RequestsMock
) -> None:
    expect(
        wire,
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": "the-id-token",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
            "expiring": "1",
        },
    )
    assert oauth.exchange_id_token(settings, SHOP, "the-id-token").scope == "read_orders,write_customers"


def test_a_refresh_sends_the_refresh_token(settings: Settings, wire: responses.RequestsMock) -> None:
    expect(wire, {"grant_type": "refresh_token", "refresh_token": "shprt_old"})
    assert oauth.refresh(settings, SHOP, "shprt_old").refresh_token == "shprt_new"


def test_a_token_without_an_end_is_accepted_as_such(settings: Settings, wire: responses.RequestsMock) -> None:
    wire.post(URL, json={"access_token": "shpat_forever", "scope": ""})
    tokens = oauth.exchange_code(settings, SHOP, "the-code")
    assert (tokens.access_expires_at, tokens.refresh_token, tokens.refresh_expires_at) == (None, None, None)


def test_a_grant_that_names_no_scope_gives_what_was_asked_for(settings: Settings, wire: responses.RequestsMock) -> None:
    wire.post(URL, json={"access_token": "shpat_new"})
    assert oauth.exchange_code(settings, SHOP, "the-code").scope == ",".join(settings.scopes)
    assert oauth.refresh(settings, SHOP, "shprt_old").scope is None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": 400, "json": {"error": "invalid_grant"}}, OAuthRefused),
        ({"status": 401, "body": "<html>"}, OAuthRefused),
        ({"status": 402}, ShopPaused),
        ({"status": 404}, ShopPaused),
        ({"status": 429, "headers": {"Retry-After": "3"}}, Unavailable),
        ({"status": 500}, Unavailable),
        ({"status": 503, "body": "<html>"}, Unavailable),
        ({"status": 302, "headers": {"Location": "https://evil.example/"}}, Unavailable),
        ({"status": 200, "body": "<html>"}, Unavailable),
        ({"status": 200, "json": []}, Unavailable),
        ({"status": 200, "json": {"access_token": None}}, Unavailable),
        ({"body": requests.ConnectTimeout()}, Unavailable),
        ({"body": requests.ReadTimeout()}, Unavailable),
        ({"body": requests.ConnectionError()}, Unavailable),
    ],
)
def test_every_other_answer_is_an_error_that_says_what_to_do(
    settings: Settings, wire: responses.RequestsMock, answer: dict[str, Any], error: type[ShopifyError]
) -> None:
    wire.post(URL, **answer)
    with pytest.raises(error) as caught:
        oauth.refresh(settings, SHOP, "shprt_old")
    assert SECRET not in str(caught.value)
    assert len(wire.calls) == 1, "a redirect must not be followed: the secret would go with it"


def test_only_a_plain_word_of_a_refusal_is_repeated(settings: Settings, wire: responses.RequestsMock) -> None:
    wire.post(URL, status=400, json={"error": "invalid_grant"})
    wire.post(URL, status=400, json={"error": "<script>shprt_old</script>"})
    words = []
    for _ in range(2):
        with pytest.raises(OAuthRefused) as caught:
            oauth.refresh(settings, SHOP, "shprt_old")
        words.append(caught.value.error)
    assert words == ["invalid_grant", "unspecified"]


@pytest.mark.parametrize("shop", ["evil.com", "evil.com/x?", "demo.myshopify.com@evil.com", "127.0.0.1:22"])
def test_the_secret_goes_to_shops_only(settings: Settings, wire: responses.RequestsMock, shop: str) -> None:
    for ask in (oauth.refresh, oauth.exchange_code, oauth.exchange_id_token):
        with pytest.raises(NotAShop):
            ask(settings, shop, "x")
    assert len(wire.calls) == 0


def test_tokens_do_not_show_their_secrets() -> None:
    assert "shp" not in repr(oauth.Tokens(access_token="shpat_x", scope="", refresh_token="shprt_x"))
