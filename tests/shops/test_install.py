"""Installation and its end: idempotent, complete, and not undone by news from before."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import responses
from sqlalchemy import func, select

from app import clock
from app.loyalty.models import Program, Reward
from app.runtime import Runtime
from app.shopify.errors import Rejected, Unavailable
from app.shopify.oauth import Tokens
from app.shops import queries, secrets, tokens
from app.shops.install import ShopInfo, install, read_shop_info
from app.shops.models import Shop
from app.shops.uninstall import uninstalled
from tests.shops.shopify_answers import GRAPHQL, SHOP_INFO

DOMAIN = "demo.myshopify.com"
GRANT = Tokens("shpat_1", "read_orders,write_customers", refresh_token="shprt_1")
INFO = ShopInfo(
    shopify_id=5_000_000_000_001,
    name="Demo",
    email="owner@example.com",
    currency="EUR",
    timezone="Europe/Berlin",
    country="DE",
    plan="Basic",
)


def row(runtime: Runtime, shop_id: int) -> Shop:
    with runtime.database.shop(shop_id) as session:
        return queries.shop(session, shop_id)


def test_a_new_shop_gets_its_row_its_key_its_tokens_and_a_program(runtime: Runtime) -> None:
    shop_id = install(runtime, DOMAIN, GRANT, INFO)
    shop = row(runtime, shop_id)
    assert (shop.domain, shop.state, shop.connection, shop.scopes) == (DOMAIN, "installed", "ok", GRANT.scope)
    assert (shop.shopify_id, shop.name, shop.email) == (INFO.shopify_id, INFO.name, INFO.email)
    assert (shop.currency, shop.timezone, shop.country, shop.plan) == ("EUR", "Europe/Berlin", "DE", "Basic")
    assert len(secrets.code_key(runtime.keyring, shop)) == 32
    assert tokens.access(runtime, shop_id).token == "shpat_1"
    with runtime.database.shop(shop_id) as session:
        reward = session.scalars(select(Reward)).one()
    assert (reward.points, reward.value_minor, reward.currency) == (100, 500, "EUR")


def test_installing_again_renews_what_shopify_says_and_keeps_what_is_ours(runtime: Runtime) -> None:
    first = row(runtime, install(runtime, DOMAIN, GRANT, INFO))
    renewed = replace(INFO, name="Renamed", currency="USD", plan="Plus")
    second = row(runtime, install(runtime, DOMAIN, replace(GRANT, access_token="shpat_2"), renewed))
    assert (second.id, second.name, second.plan) == (first.id, "Renamed", "Plus")
    assert secrets.code_key(runtime.keyring, second) == secrets.code_key(runtime.keyring, first)
    assert second.currency == "EUR", "points were counted in it"
    assert second.installed_at > first.installed_at
    assert second.created_at == first.created_at
    assert tokens.access(runtime, second.id).token == "shpat_2"


def test_two_first_opens_at_once_make_one_shop_and_one_program(runtime: Runtime) -> None:
    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(lambda _: install(runtime, DOMAIN, GRANT, INFO), range(6)))
    assert len(ids) == 1
    with runtime.database.system() as session:
        assert session.execute(select(func.count()).select_from(Program)).scalar_one() == 1


def test_shops_have_keys_of_their_own(runtime: Runtime) -> None:
    shops = [row(runtime, install(runtime, f"{name}.myshopify.com", GRANT, INFO)) for name in ("one", "two")]
    assert len({secrets.code_key(runtime.keyring, shop) for shop in shops}) == 2


def test_what_shopify_says_of_a_shop_is_read_under_its_new_token(
    runtime: Runtime, wire: responses.RequestsMock
) -> None:
    wire.post(GRAPHQL, json=SHOP_INFO)
    assert read_shop_info(runtime, DOMAIN, "shpat_1") == INFO
    assert wire.calls[0].request.headers["X-Shopify-Access-Token"] == "shpat_1"


def test_a_shop_that_cannot_be_read_is_not_installed(runtime: Runtime, wire: responses.RequestsMock) -> None:
    wire.post(GRAPHQL, status=500)
    with pytest.raises(Unavailable):
        read_shop_info(runtime, DOMAIN, "shpat_1")
    wire.replace(responses.POST, GRAPHQL, json={"data": {"shop": {"id": "gid://shopify/Shop/1"}}})
    with pytest.raises(Rejected):
        read_shop_info(runtime, DOMAIN, "shpat_1")


def test_an_uninstall_forgets_the_tokens_and_keeps_the_rest(runtime: Runtime) -> None:
    shop_id = install(runtime, DOMAIN, GRANT, INFO)
    with runtime.database.system() as session:
        assert uninstalled(session, shop_id, clock.now())
        assert not uninstalled(session, shop_id, clock.now()), "the second delivery finds nothing to do"
    shop = row(runtime, shop_id)
    assert (shop.state, shop.access_token, shop.refresh_token) == ("uninstalled", None, None)
    assert shop.uninstalled_at is not None
    assert len(secrets.code_key(runtime.keyring, shop)) == 32


def test_an_uninstall_from_before_the_reinstall_changes_nothing(runtime: Runtime) -> None:
    shop_id = install(runtime, DOMAIN, GRANT, INFO)
    triggered_at = clock.now()
    install(runtime, DOMAIN, replace(GRANT, access_token="shpat_2"), INFO)
    with runtime.database.system() as session:
        assert not uninstalled(session, shop_id, triggered_at)
    assert tokens.access(runtime, shop_id).token == "shpat_2"
    with runtime.database.system() as session:
        assert uninstalled(session, shop_id, clock.now() + timedelta(seconds=1))


def test_a_reinstall_finds_its_history(runtime: Runtime) -> None:
    shop_id = install(runtime, DOMAIN, GRANT, INFO)
    with runtime.database.system() as session:
        uninstalled(session, shop_id, None)
    assert install(runtime, DOMAIN, GRANT, INFO) == shop_id
    assert (row(runtime, shop_id).state, row(runtime, shop_id).uninstalled_at) == ("installed", None)


def test_nothing_secret_or_personal_is_logged(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    install(runtime, DOMAIN, GRANT, INFO)
    output = capsys.readouterr()
    assert "shop installed" in output.out + output.err
    for private in ("shpat_1", "shprt_1", "owner@example.com"):
        assert private not in output.out + output.err
