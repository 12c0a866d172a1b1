"""A visitor looks, fills the cart, enters codes, and buys."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from dev_store.store import DevStore
from tests.dev_store.scene import NOON, SHOP


def add(browser: FlaskClient, product: dict[str, Any], pieces: int = 1) -> None:
    body = {"id": product["variants"][0]["id"], "quantity": pieces}
    assert browser.post(f"/{SHOP}/cart/add.js", json=body).status_code == 200


def make_code(store: DevStore, code: str, amount: str, **more: Any) -> None:
    entry = {"id": store.state.next_id(SHOP, "code"), "code": code, "usage_count": 0}
    discount: dict[str, Any] = {
        "id": store.state.next_id(SHOP, "discount"),
        "title": code.title(),
        "codes": [entry],
        "starts_at": NOON.isoformat(),
        "ends_at": None,
        "context": {"all": True},
        "customer_gets": {"value": {"amount": amount, "each_item": False}, "items": {"all": True}},
        "minimum_requirement": None,
        "combines_with": {"order_discounts": True, "product_discounts": True, "shipping_discounts": True},
        "usage_limit": None,
        "applies_once_per_customer": False,
        "tags": [],
    }
    store.state.put(SHOP, "discount", discount["id"], discount | more)


def test_every_page_of_every_language_is_there(browser: FlaskClient, teapot: dict[str, Any]) -> None:
    for root in ("", "de/", "ja/", "tr/"):
        for page in ("", "collections/all", "products/tea-pot", "pages/welcome", "cart", "login", "checkout"):
            assert browser.get(f"/{SHOP}/{root}{page}").status_code == 200
    assert browser.get(f"/{SHOP}/fr/").status_code == 404
    assert browser.get("/other.myshopify.com/").status_code == 404
    assert browser.get(f"/{SHOP}/products/none").status_code == 404


def test_the_cart_is_answered_as_themes_know_it(browser: FlaskClient, teapot: dict[str, Any]) -> None:
    add(browser, teapot, 2)
    cart = browser.get(f"/{SHOP}/de/cart.js").get_json()
    assert (cart["item_count"], cart["total_price"], cart["currency"]) == (2, 4800, "GBP")
    assert cart["items"][0]["url"] == f"/{SHOP}/de/products/tea-pot"


@pytest.mark.parametrize(("currency", "shown"), [("GBP", 2400), ("JPY", 2400), ("KWD", 2400)])
def test_themes_count_money_in_hundredths_whatever_decimals_a_currency_has(
    browser: FlaskClient, store: DevStore, teapot: dict[str, Any], currency: str, shown: int
) -> None:
    told = store.commerce(SHOP).shop_document()
    store.state.put(SHOP, "shop", told["id"], told | {"currency": currency})
    add(browser, teapot)
    cart = browser.get(f"/{SHOP}/cart.js").get_json()
    assert (cart["total_price"], cart["items"][0]["final_line_price"], cart["currency"]) == (shown, shown, currency)


def test_attributes_are_added_and_codes_replaced(browser: FlaskClient, store: DevStore, teapot: dict[str, Any]) -> None:
    make_code(store, "FIVE", "5.00")
    add(browser, teapot)
    update = f"/{SHOP}/cart/update.js"
    browser.post(update, json={"attributes": {"_ref": "ANN", "gift": "yes"}, "discount": "OLD"})
    cart = browser.post(update, json={"attributes": {"gift": ""}, "discount": "five, NONE"}).get_json()
    assert cart["attributes"] == {"_ref": "ANN"}
    assert cart["discount_codes"] == [{"code": "five", "applicable": True}, {"code": "NONE", "applicable": False}]
    assert (cart["total_price"], cart["total_discount"]) == (1900, 500)
    assert browser.post(update, json={"discount": ""}).get_json()["discount_codes"] == []


def test_what_no_cart_can_hold_is_refused_and_changes_nothing(browser: FlaskClient, teapot: dict[str, Any]) -> None:
    for body in ({"id": 1}, {"id": teapot["variants"][0]["id"], "quantity": -1}, {}):
        answer = browser.post(f"/{SHOP}/cart/add.js", json=body)
        assert (answer.status_code, answer.get_json()["message"]) == (422, "Cart Error")
    assert browser.post(f"/{SHOP}/cart/update.js", json={"updates": {"1": "x"}}).status_code == 422
    assert browser.get(f"/{SHOP}/cart.js").get_json()["item_count"] == 0


def test_a_link_with_a_code_enters_it_and_never_leads_away(browser: FlaskClient, teapot: dict[str, Any]) -> None:
    there = browser.get(f"/{SHOP}/discount/FIVE?redirect=/products/tea-pot")
    assert there.headers["Location"] == f"/{SHOP}/products/tea-pot"
    assert browser.get(f"/{SHOP}/cart.js").get_json()["discount_codes"] == [{"code": "FIVE", "applicable": False}]
    for target in ("//evil.example", "https://evil.example", "/\\evil.example"):
        assert browser.get(f"/{SHOP}/discount/FIVE?redirect={target}").headers["Location"] == f"/{SHOP}/"


def test_visitors_do_not_share_a_cart(browser: FlaskClient, teapot: dict[str, Any]) -> None:
    add(browser, teapot)
    other = browser.application.test_client()
    other.environ_base["HTTP_HOST"] = "127.0.0.1:9292"
    assert other.get(f"/{SHOP}/cart.js").get_json()["item_count"] == 0


def test_a_customer_logs_in_by_address_and_out_again(browser: FlaskClient, store: DevStore) -> None:
    store.commerce(SHOP).create_customer(at=NOON, email="ann@example.com", first_name="<b>Ann</b>")
    assert browser.get(f"/{SHOP}/account").headers["Location"] == f"/{SHOP}/login"
    assert browser.post(f"/{SHOP}/login", data={"email": "bob@example.com"}).status_code == 422
    browser.post(f"/{SHOP}/login", data={"email": "ANN@example.com"})
    assert "Hello &lt;b&gt;Ann" in browser.get(f"/{SHOP}/account").text
    browser.post(f"/{SHOP}/login", data={"email": ""})
    assert browser.get(f"/{SHOP}/account").status_code == 302


def buy(browser: FlaskClient, email: str) -> Any:
    return browser.post(f"/{SHOP}/checkout", data={"email": email, "action": "buy"})


def test_a_purchase_keeps_code_attributes_and_where_the_visit_began(
    browser: FlaskClient, store: DevStore, teapot: dict[str, Any]
) -> None:
    make_code(store, "FIVE", "5.00", usage_limit=1)
    browser.get(f"/{SHOP}/?ref=ANN")
    add(browser, teapot)
    browser.post(f"/{SHOP}/cart/update.js", json={"attributes": {"_ref": "ANN"}, "discount": "FIVE"})
    thanks = buy(browser, "bea@example.com").headers["Location"]
    assert "with the code FIVE" in browser.get(thanks).text
    order = next(iter(store.state.all(SHOP, "order")))
    assert (order["total_price"], order["discount_codes"][0]["code"]) == ("19.00", "FIVE")
    assert order["note_attributes"] == [{"name": "_ref", "value": "ANN"}]
    assert order["landing_site"] == "/?ref=ANN"
    assert order["customer"]["email"] == "bea@example.com"
    assert browser.get(f"/{SHOP}/cart.js").get_json()["item_count"] == 0


def test_a_code_that_was_used_up_is_refused_at_the_checkout_with_its_reason(
    browser: FlaskClient, store: DevStore, teapot: dict[str, Any]
) -> None:
    make_code(store, "FIVE", "5.00", usage_limit=1)
    for email, status in (("bea@example.com", 302), ("cem@example.com", 422)):
        add(browser, teapot)
        browser.post(f"/{SHOP}/cart/update.js", json={"discount": "FIVE"})
        answer = buy(browser, email)
        assert answer.status_code == status
    assert "The code FIVE cannot be used" in answer.text
    assert "already used 1 times" in answer.text
    assert len(list(store.state.all(SHOP, "order"))) == 1
    # Nobody became a customer by an order that was refused.
    assert [customer["email"] for customer in store.state.all(SHOP, "customer")] == ["bea@example.com"]


def test_nobody_buys_nothing_or_without_an_address(browser: FlaskClient, teapot: dict[str, Any]) -> None:
    assert buy(browser, "bea@example.com").status_code == 422
    add(browser, teapot)
    assert "Enter your e-mail address" in buy(browser, "").text
