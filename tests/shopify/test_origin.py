"""Shop domains: nothing but a whole myshopify.com domain becomes an address."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import Settings
from app.shopify.origin import NotAShop, embedded_url, frame_ancestors, in_admin, shop_domain, shop_url

SETTINGS = Settings(home=Path("/nowhere"), api_key="key")
LOCAL = replace(SETTINGS, dev=True, shopify_origin="http://127.0.0.1:9292/{shop}")

NOT_SHOPS = [
    "",
    "demo",
    "demo.myshopify.com\n",
    "demo.myshopify.com ",
    "demo.myshopify.com.evil.com",
    "evil.com/demo.myshopify.com",
    "demo.myshopify.com/admin",
    "demo.myshopify.com:443",
    "demo.myshopify.com@evil.com",
    "demo@evil.myshopify.com",
    "demo.myshopify.com#",
    "demo.myshopify.com?x=1",
    "demo\\.myshopify.com",
    "a.b.myshopify.com",
    "-demo.myshopify.com",
    ".myshopify.com",
    "demoXmyshopify.com",
    "demo.myshopify.com\x00",
    "dëmo.myshopify.com",
    "DEMO.myshopify.com",
    "１.myshopify.com",
    "{shop}.myshopify.com",
    "a" * 61 + ".myshopify.com",
    None,
    7,
]


@pytest.mark.parametrize("text", NOT_SHOPS)
def test_what_is_not_a_shop_never_becomes_an_address(text: object) -> None:
    with pytest.raises(NotAShop):
        shop_domain(text)
    with pytest.raises(NotAShop):
        shop_url(SETTINGS, text, "/admin")  # type: ignore[arg-type]  # wrong types are part of the test


@pytest.mark.parametrize("domain", ["demo.myshopify.com", "1.myshopify.com", "my-shop-2.myshopify.com"])
def test_a_shop_has_its_address_at_shopify(domain: str) -> None:
    assert shop_url(SETTINGS, domain, "/admin/x") == f"https://{domain}/admin/x"


def test_the_origin_setting_leads_every_address_elsewhere() -> None:
    assert shop_url(LOCAL, "demo.myshopify.com", "/admin/x") == "http://127.0.0.1:9292/demo.myshopify.com/admin/x"
    assert in_admin(LOCAL, "demo.myshopify.com") == "http://127.0.0.1:9292/demo.myshopify.com/admin/apps/key"


def test_only_the_own_admin_may_frame_a_shops_pages() -> None:
    assert frame_ancestors(SETTINGS, "demo.myshopify.com") == "https://demo.myshopify.com https://admin.shopify.com"
    assert frame_ancestors(LOCAL, "demo.myshopify.com") == "http://127.0.0.1:9292 https://admin.shopify.com"
    with pytest.raises(NotAShop):
        frame_ancestors(SETTINGS, "demo.myshopify.com; script-src *")


def host(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


@pytest.mark.parametrize("place", ["admin.shopify.com/store/demo", "demo.myshopify.com/admin"])
def test_the_embedded_app_is_where_the_admin_says(place: str) -> None:
    assert embedded_url(SETTINGS, "demo.myshopify.com", host(place)) == f"https://{place}/apps/key"


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "%%%",
        "\u00e4",
        host("evil.example"),
        host("evil.example/admin.shopify.com/store/demo"),
        host("admin.shopify.com.evil.example/store/demo"),
        host("admin.shopify.com@evil.example/store/demo"),
        host("admin.shopify.com:8443/store/demo"),
        host("admin.shopify.com/store/demo/../../evil"),
        host("admin.shopify.com/store/demo\n.evil.example"),
        host("admin.shopify.com/store/demo?x="),
        host("admin.shopify.com/store/"),
        host("https://admin.shopify.com/store/demo"),
        host("//evil.example/admin"),
        host("other.myshopify.com/admin"),
        host("demo.myshopify.com/admin/../x"),
        host("demo.myshopify.com\\@evil.example/admin"),
    ],
)
def test_a_host_that_shopify_would_not_send_leads_into_the_shops_own_admin(given: str | None) -> None:
    assert embedded_url(SETTINGS, "demo.myshopify.com", given) == "https://demo.myshopify.com/admin/apps/key"


def test_a_development_store_is_never_left_for_shopify() -> None:
    given = host("admin.shopify.com/store/demo")
    assert embedded_url(LOCAL, "demo.myshopify.com", given) == in_admin(LOCAL, "demo.myshopify.com")
