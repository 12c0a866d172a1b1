"""The extension's blocks stand in the pages as Shopify would render them."""

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from dev_store.store import DevStore
from dev_store.storefront.blocks import save_theme
from tests.dev_store.scene import NOON, SHOP


def test_an_embed_stands_on_every_page_in_the_pages_language(browser: FlaskClient) -> None:
    assert "Hello from Tea &amp; Co" in browser.get(f"/{SHOP}/").text
    assert "Hallo von Tea &amp; Co" in browser.get(f"/{SHOP}/de/cart").text
    # A language without texts of its own gets the default's.
    assert "Hello from" in browser.get(f"/{SHOP}/ja/").text


def test_an_app_block_stands_where_the_theme_has_a_place_for_it(browser: FlaskClient) -> None:
    assert "<h2>Your &lt;points&gt;</h2>" in browser.get(f"/{SHOP}/").text
    assert "<h2>" not in browser.get(f"/{SHOP}/cart").text


def test_metafields_of_the_installation_are_printed_so_that_no_text_can_end_the_script(
    browser: FlaskClient, store: DevStore
) -> None:
    shop = store.commerce(SHOP).shop_document()
    metafield = {
        "id": 1,
        "owner": f"gid://shopify/AppInstallation/{shop['id']}",
        "namespace": "perennial",
        "key": "popups",
        "type": "json",
        "value": json.dumps({"text": "</script><script>alert(1)</script>"}),
    }
    store.state.put(SHOP, "metafield", 1, metafield)
    page = browser.get(f"/{SHOP}/").text
    assert "alert(1)" in page
    assert "<script>alert(1)" not in page


def test_liquid_knows_the_customer_who_has_logged_in(browser: FlaskClient, store: DevStore) -> None:
    assert 'data-name="nobody"' in browser.get(f"/{SHOP}/").text
    store.commerce(SHOP).create_customer(at=NOON, email="ann@example.com", first_name='"Ann')
    browser.post(f"/{SHOP}/login", data={"email": "ann@example.com"})
    assert 'data-name="&quot;Ann"' in browser.get(f"/{SHOP}/").text


def test_the_theme_editors_choices_are_kept(browser: FlaskClient, store: DevStore) -> None:
    save_theme(store.state, SHOP, {"off": ["popup"], "settings": {"points": {"title": "Balance", "unknown": 1}}})
    page = browser.get(f"/{SHOP}/").text
    assert "<aside" not in page
    assert "<h2>Balance</h2>" in page


def test_assets_are_served_and_nothing_beside_them(browser: FlaskClient) -> None:
    assert browser.get(f"/{SHOP}/_extension/popup.js").text == "// nothing yet"
    assert browser.get(f"/{SHOP}/_extension/..%2fshopify.extension.toml").status_code == 404
    assert browser.get(f"/{SHOP}/_extension/none.js").status_code == 404


@pytest.mark.parametrize("source", ["{% include 'points' %}", "{{ 'x' | unknown_filter }}", "{% unknown %}"])
def test_what_shopify_refuses_is_refused_here(browser: FlaskClient, extension: Path, source: str) -> None:
    (extension / "blocks" / "popup.liquid").write_text(source + '{% schema %}{"target": "body"}{% endschema %}')
    browser.application.config["PROPAGATE_EXCEPTIONS"] = False
    assert browser.get(f"/{SHOP}/").status_code == 500
