"""OAuth through the browser's eyes: one way in, and a clear page for everything else."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.factory import create_app
from app.runtime import Runtime
from app.shops import oauth_state, queries
from app.shops.models import Shop
from tests.shopify.signing import SHOP, callback_query
from tests.shops.shopify_answers import GRAPHQL, TOKENS, grant


def installed(runtime: Runtime) -> Shop | None:
    with runtime.database.system() as session:
        return queries.shop_by_domain(session, SHOP)


def begin(client: FlaskClient, shop: str = SHOP) -> str:
    """Starts a round trip; returns its state."""
    answer = client.get("/auth", query_string={"shop": shop})
    assert answer.status_code == 302
    [state] = parse_qs(urlsplit(answer.location).query)["state"]
    return state


def is_clear_page(answer: TestResponse, status: int) -> bool:
    """A page for people: a heading, no trace, never framed."""
    page = answer.get_data(as_text=True)
    framed = "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    return answer.status_code == status and "<h1" in page and "Traceback" not in page and framed


def test_an_unsigned_request_begins_the_round_trip_and_nothing_else(client: FlaskClient, runtime: Runtime) -> None:
    answer = client.get("/auth?shop=Demo.myshopify.com")
    assert answer.location.startswith(f"https://{SHOP}/admin/oauth/authorize?client_id=test-api-key&")
    assert installed(runtime) is None
    cookie = answer.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/auth", "Max-Age=600"))
    assert "Secure" not in cookie, "the app of this test is at http://localhost"


def test_the_cookie_is_secure_where_the_app_is(runtime: Runtime) -> None:
    from dataclasses import replace

    there = replace(runtime, settings=replace(runtime.settings, app_url="https://app.example.com"))
    answer = create_app(there).test_client().get(f"/auth?shop={SHOP}")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "redirect_uri=https%3A%2F%2Fapp.example.com%2Fauth%2Fcallback" in answer.location


@pytest.mark.parametrize(
    "query",
    [
        "",
        "shop=",
        "shop=evil.com",
        "shop=demo.myshopify.com.evil.com",
        "shop=demo.myshopify.com%0d%0aSet-Cookie:%20x=1",
        "shop=https://evil.com/demo.myshopify.com",
        "shop=%00",
        "shop=%F0%9F%9B%92",
        "shop=%ff%fe",
        "shop[]=demo.myshopify.com",
    ],
)
def test_a_domain_that_is_no_shops_leads_nowhere(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/auth?{query}")
    assert is_clear_page(answer, 400)
    assert "Location" not in answer.headers


def test_a_signed_callback_of_this_browser_installs_the_shop(
    client: FlaskClient, runtime: Runtime, wire: responses.RequestsMock
) -> None:
    grant(wire)
    answer = client.get(f"/auth/callback?{callback_query(state=begin(client))}")
    assert (answer.status_code, answer.location) == (302, "https://admin.shopify.com/store/demo/apps/test-api-key")
    shop = installed(runtime)
    assert shop is not None
    assert (shop.state, shop.currency, shop.timezone) == ("installed", "EUR", "Europe/Berlin")


def test_the_callback_never_leads_where_its_host_parameter_says(
    client: FlaskClient, wire: responses.RequestsMock
) -> None:
    grant(wire)
    answer = client.get(f"/auth/callback?{callback_query(state=begin(client), host='ZXZpbC5jb20')}")
    assert urlsplit(answer.location).netloc == SHOP


def test_a_forged_callback_is_refused(client: FlaskClient, runtime: Runtime, wire: responses.RequestsMock) -> None:
    state = begin(client)
    forged = [
        callback_query("another secret of thirty-two bytes", state=state),
        callback_query(state=state).replace("code=a-code", "code=b-code"),
        callback_query(state=state).partition("&hmac=")[0],
        callback_query(state=state) + "&shop=other.myshopify.com",
        callback_query(state=state, timestamp=str(int(time.time()) - 3600)),
        callback_query(state=state, shop="evil.com"),
        callback_query(state=state, shop="demo.myshopify.com\n"),
        callback_query(state=state).replace("hmac=", "hmac=%E9"),
        "",
        "hmac=%ff",
    ]
    for query in forged:
        assert is_clear_page(client.get(f"/auth/callback?{query}"), 400), query
    assert len(wire.calls) == 0
    assert installed(runtime) is None


def test_a_state_that_is_not_this_browsers_is_refused(
    client: FlaskClient, runtime: Runtime, wire: responses.RequestsMock
) -> None:
    attacker = create_app(runtime).test_client()
    wrong = [(client, begin(attacker)), (attacker, begin(client) + "x"), (create_app(runtime).test_client(), "")]
    for browser, state in wrong:
        assert is_clear_page(browser.get(f"/auth/callback?{callback_query(state=state)}"), 403)
    assert len(wire.calls) == 0


def test_a_state_counts_once(client: FlaskClient, wire: responses.RequestsMock) -> None:
    grant(wire)
    query = callback_query(state=begin(client))
    assert client.get(f"/auth/callback?{query}").status_code == 302
    assert is_clear_page(client.get(f"/auth/callback?{query}"), 403)
    assert [call.request.url for call in wire.calls] == [TOKENS, GRAPHQL]


def test_a_kept_cookie_does_not_make_a_used_code_good(client: FlaskClient, wire: responses.RequestsMock) -> None:
    """Whoever copies the cookie still has only a code that Shopify exchanged already."""
    state = begin(client)
    kept = client.get_cookie(oauth_state.COOKIE, path="/auth")
    assert kept is not None
    grant(wire)
    client.get(f"/auth/callback?{callback_query(state=state)}")
    wire.replace(responses.POST, TOKENS, status=400, json={"error": "invalid_request"})
    client.set_cookie(oauth_state.COOKIE, kept.value, path="/auth")
    assert is_clear_page(client.get(f"/auth/callback?{callback_query(state=state)}"), 400)


def test_a_state_for_one_shop_does_not_serve_another(client: FlaskClient, wire: responses.RequestsMock) -> None:
    state = begin(client, "other.myshopify.com")
    assert is_clear_page(client.get(f"/auth/callback?{callback_query(state=state)}"), 403)
    assert len(wire.calls) == 0


@pytest.mark.parametrize("value", ["", "x", "é", "a.b.c", "W10.aaaa.bbbb"])
def test_a_cookie_that_is_not_ours_is_refused(client: FlaskClient, value: str) -> None:
    begin(client)
    client.set_cookie(oauth_state.COOKIE, value, path="/auth")
    assert is_clear_page(client.get(f"/auth/callback?{callback_query()}"), 403)


def test_a_shop_that_grants_too_little_is_told_what_is_missing(
    client: FlaskClient, runtime: Runtime, wire: responses.RequestsMock
) -> None:
    grant(wire, scope="read_orders")
    answer = client.get(f"/auth/callback?{callback_query(state=begin(client))}")
    assert is_clear_page(answer, 403)
    assert "write_discounts" in answer.text
    assert installed(runtime) is None


def test_a_shopify_that_does_not_answer_is_said_so(
    client: FlaskClient, runtime: Runtime, wire: responses.RequestsMock
) -> None:
    wire.post(TOKENS, status=503)
    answer = client.get(f"/auth/callback?{callback_query(state=begin(client))}")
    assert is_clear_page(answer, 503)
    assert f'href="/auth?shop={SHOP}"' in answer.text
    assert installed(runtime) is None


def test_nothing_secret_is_logged_on_the_way(
    client: FlaskClient, wire: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    grant(wire)
    state = begin(client)
    client.get(f"/auth/callback?{callback_query('another secret', state=state)}")
    client.get(f"/auth/callback?{callback_query(state=begin(client), code='the-code')}")
    output = capsys.readouterr()
    assert "callback refused" in output.out + output.err
    for private in ("the-code", state, "shpat_granted", "shprt_granted", "owner@example.com"):
        assert private not in output.out + output.err
