"""The app home: installs on first open, shows a shop its own figures only, and refuses in words."""

import time
from datetime import timedelta

import pytest
import responses
from flask.testing import FlaskClient

from app import clock
from app.customers.models import Account
from app.loyalty import programs, service
from app.loyalty.ledger import Holder
from app.runtime import Runtime
from app.shopify.oauth import Tokens
from app.shops import queries, tokens
from app.shops.install import ShopInfo, install
from app.shops.models import Shop
from app.shops.uninstall import uninstalled
from tests.shopify.signing import SHOP, id_token
from tests.shops.shopify_answers import GRAPHQL, SCOPES, TOKENS, grant

RETRY = "X-Shopify-Retry-Invalid-Session-Request"
OTHER = "other.myshopify.com"
INFO = ShopInfo(1, "Demo & Sons <b>", None, "EUR", "Europe/Berlin", "DE", None)


@pytest.fixture
def connected(runtime: Runtime) -> Shop:
    """A shop installed with every scope."""
    shop_id = install(runtime, SHOP, Tokens("shpat_1", SCOPES, clock.wall_now() + timedelta(hours=1)), INFO)
    with runtime.database.shop(shop_id) as session:
        return queries.shop(session, shop_id)


def by_domain(runtime: Runtime, domain: str = SHOP) -> Shop | None:
    with runtime.database.system() as session:
        return queries.shop_by_domain(session, domain)


def test_the_first_open_installs_and_shows_the_shop(
    client: FlaskClient, runtime: Runtime, wire: responses.RequestsMock
) -> None:
    grant(wire)
    answer = client.get("/", query_string={"id_token": id_token(), "shop": SHOP, "embedded": "1"})
    assert answer.status_code == 200
    assert "Demo is connected" in answer.text
    shop = by_domain(runtime)
    assert shop is not None
    assert tokens.access(runtime, shop.id).token == "shpat_granted"


def test_a_fetch_of_app_bridge_opens_it_as_well(client: FlaskClient, wire: responses.RequestsMock) -> None:
    grant(wire)
    assert client.get("/", headers={"Authorization": f"Bearer {id_token()}"}).status_code == 200


def test_later_opens_ask_shopify_nothing(client: FlaskClient, connected: Shop, wire: responses.RequestsMock) -> None:
    assert client.get("/", query_string={"id_token": id_token()}).status_code == 200
    assert len(wire.calls) == 0


def test_an_uninstall_from_before_the_open_is_old_news(client: FlaskClient, runtime: Runtime, connected: Shop) -> None:
    """Removed, installed again and opened within minutes; only then the first webhook gets through."""
    triggered_at = clock.now()
    client.get("/", query_string={"id_token": id_token()})
    with runtime.database.system() as session:
        assert not uninstalled(session, connected.id, triggered_at)
        assert uninstalled(session, connected.id, clock.now())


@pytest.mark.parametrize("change", [{"connection": "reauthorise"}, {"state": "uninstalled"}, {"scopes": "read_orders"}])
def test_an_open_heals_what_is_broken(
    client: FlaskClient, runtime: Runtime, connected: Shop, wire: responses.RequestsMock, change: dict[str, str]
) -> None:
    with runtime.database.shop(connected.id) as session:
        shop = queries.shop(session, connected.id)
        for name, value in change.items():
            setattr(shop, name, value)
    grant(wire)
    assert client.get("/", query_string={"id_token": id_token()}).status_code == 200
    healed = by_domain(runtime)
    assert healed is not None
    assert (healed.id, healed.connection, healed.state, healed.scopes) == (connected.id, "ok", "installed", SCOPES)


def test_a_new_shop_is_led_to_its_set_up(client: FlaskClient, connected: Shop) -> None:
    page = client.get("/", query_string={"id_token": id_token()})
    assert 'href="/setup"' in page.text
    assert "No orders in sixty days." in page.text
    link = f"https://{SHOP}/admin/themes/current/editor?context=apps&template=index&activateAppId=test-api-key/popups"
    assert link.replace("&", "&amp;") in page.text


def test_the_page_counts_this_shops_members_and_points_only(
    client: FlaskClient, runtime: Runtime, connected: Shop
) -> None:
    other = install(runtime, OTHER, Tokens("shpat_2", SCOPES), INFO)
    for shop_id, points in ((connected.id, 1234), (other, 5555)):
        with runtime.database.shop(shop_id) as session:
            account = Account(shop_id=shop_id, created_at=clock.now())
            session.add(account)
            session.flush()
            holder = Holder(shop_id, programs.default_program(session, shop_id).id, account.id)
            service.adjust(session, holder, points, request_id="gift", note="gift", actor="test")
    page = " ".join(client.get("/", query_string={"id_token": id_token()}).text.split())
    assert "<dt>Members</dt><dd>1</dd>" in page
    assert "<dt>Points outstanding</dt><dd>1,234</dd>" in page
    assert "5,555" not in page


@pytest.mark.parametrize(
    ("connection", "reason", "said"),
    [
        ("paused", "frozen", "Shopify has frozen this shop"),
        ("paused", "locked", "Shopify has locked this shop"),
        ("paused", "currency", "currency has changed"),
    ],
)
def test_a_shop_that_cannot_be_reached_is_told_why_since_when_and_until_when(
    client: FlaskClient, runtime: Runtime, connected: Shop, connection: str, reason: str, said: str
) -> None:
    with runtime.database.shop(connected.id) as session:
        shop = queries.shop(session, connected.id)
        shop.connection, shop.connection_reason = connection, reason
        shop.connection_since, shop.connection_retry_at = clock.wall_now(), clock.wall_now()
        shop.withheld = ["email"]
    page = client.get("/", headers={"Authorization": f"Bearer {id_token()}"}).text
    assert "Shopify cannot be reached for this shop" in page
    assert said in page
    assert "Looked at again" in page
    assert "Not shown: email." in page
    assert "Interrupted" in page


def test_names_are_escaped(client: FlaskClient, connected: Shop) -> None:
    page = client.get("/", query_string={"id_token": id_token()}).text
    assert "Demo &amp; Sons &lt;b&gt;" in page
    assert "<b>" not in page


def test_only_the_own_admin_may_frame_the_page(client: FlaskClient, connected: Shop) -> None:
    answer = client.get("/", query_string={"id_token": id_token()})
    assert f"frame-ancestors https://{SHOP} https://admin.shopify.com" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "X-Frame-Options" not in answer.headers


@pytest.mark.parametrize("as_fetch", [True, False])
@pytest.mark.parametrize("kind", ["expired", "forged", "text", "never ends", "another app"])
def test_a_token_that_proves_nothing_is_refused_in_words(
    client: FlaskClient, runtime: Runtime, wire: responses.RequestsMock, kind: str, as_fetch: bool
) -> None:
    past = int(time.time()) - 3600
    token = {
        "expired": id_token(exp=past, nbf=past - 60),
        "forged": id_token(secret="x" * 40),
        "text": "no token",
        "never ends": id_token(exp=None),
        "another app": id_token(aud="another"),
    }[kind]
    if as_fetch:
        answer = client.get("/", headers={"Authorization": f"Bearer {token}"})
    else:
        answer = client.get("/", query_string={"id_token": token, "shop": SHOP})
    assert answer.status_code == 401
    assert ("expired" in answer.text) is (kind == "expired")
    assert answer.headers.get(RETRY) == ("1" if as_fetch else None)
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert len(wire.calls) == 0
    assert by_domain(runtime) is None


def test_an_empty_bearer_is_not_taken_for_a_visitor_without_one(client: FlaskClient, connected: Shop) -> None:
    assert client.get(f"/?shop={SHOP}", headers={"Authorization": "Bearer "}).status_code == 401


def test_a_token_shopify_itself_refuses_is_asked_for_anew(
    client: FlaskClient, runtime: Runtime, wire: responses.RequestsMock
) -> None:
    wire.post(TOKENS, status=400, json={"error": "invalid_subject_token"})
    answer = client.get("/", headers={"Authorization": f"Bearer {id_token()}"})
    assert (answer.status_code, answer.headers[RETRY]) == (401, "1")
    assert by_domain(runtime) is None


def test_a_shopify_that_does_not_answer_is_said_so(
    client: FlaskClient, runtime: Runtime, wire: responses.RequestsMock
) -> None:
    wire.post(TOKENS, json={"access_token": "shpat_granted", "scope": SCOPES})
    wire.post(GRAPHQL, status=502)
    answer = client.get("/", query_string={"id_token": id_token()})
    assert answer.status_code == 503
    assert "Shopify did not answer" in answer.text
    assert by_domain(runtime) is None


def test_the_shop_of_the_address_must_be_the_shop_of_the_token(client: FlaskClient, connected: Shop) -> None:
    assert client.get("/", query_string={"id_token": id_token(), "shop": OTHER}).status_code == 400


def test_without_a_token_an_unknown_shop_is_led_to_oauth(client: FlaskClient) -> None:
    answer = client.get(f"/?shop={SHOP}")
    assert (answer.status_code, answer.location) == (302, f"/auth?shop={SHOP}")
    framed = client.get(f"/?shop={SHOP}&embedded=1")
    assert framed.status_code == 200
    assert 'target="_top"' in framed.text


def test_without_a_token_an_installed_shop_shows_nothing_but_the_way(client: FlaskClient, connected: Shop) -> None:
    answer = client.get(f"/?shop={SHOP}")
    assert answer.status_code == 200
    assert f"https://{SHOP}/admin/apps/test-api-key" in answer.text
    assert "Members" not in answer.text


@pytest.mark.parametrize("text", ["evil.com", "", "demo.myshopify.com%0a", "%3Cscript%3E", "%ff"])
def test_without_a_token_what_is_no_shop_is_refused(client: FlaskClient, text: str) -> None:
    answer = client.get(f"/?shop={text}")
    assert answer.status_code == 400
    assert "<script>" not in answer.text


def test_a_stranger_is_told_where_the_app_lives(client: FlaskClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "Shopify admin" in answer.text


def test_the_style_sheet_is_served(client: FlaskClient) -> None:
    with client.get("/assets/perennial.css") as answer:
        assert (answer.status_code, answer.mimetype) == (200, "text/css")
