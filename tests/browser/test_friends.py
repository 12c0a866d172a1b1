"""What a friend's link does in the shop: the code goes into the cart, and the friend is greeted."""

import re

import pytest
from playwright.sync_api import Page, expect

from dev_store.storefront.blocks import save_theme
from tests.browser.states import MEMBER, greet_friends, log_in
from tests.browser.test_popup import dialog
from tests.browser.window_shop import POPUP, SHOP, WindowShop

pytestmark = pytest.mark.browser


def attributes(page: Page) -> object:
    return page.evaluate(
        "() => fetch(`${Shopify.routes.root}cart.js`).then((answer) => answer.json()).then((cart) => cart.attributes)"
    )


def follow(page: Page, shop: WindowShop, ref: str = "ANN-7") -> None:
    with page.expect_response(re.compile("cart/update")):
        page.goto(f"{shop.url}?ref={ref}")


def test_the_code_goes_into_the_cart_once(page: Page, shop: WindowShop) -> None:
    updates: list[str] = []
    page.on("request", lambda request: updates.append(request.url) if "/cart/update.js" in request.url else None)
    follow(page, shop)
    with page.expect_request("**/perennial.js"):
        page.goto(f"{shop.url}?ref=ANN-7")
    page.wait_for_function("() => window.perennial.awake")
    assert len(updates) == 1
    assert attributes(page) == {"_ref": "ANN-7"}


@pytest.mark.parametrize("ref", ["<script>alert(1)</script>", "A" * 41, "%00", "ANN%207", "../../x", "ANN'--", ""])
def test_what_cannot_be_a_code_has_no_effect(page: Page, shop: WindowShop, ref: str) -> None:
    greet_friends(shop)
    page.goto(f"{shop.url}?ref={ref}")
    page.wait_for_function("() => window.perennial.awake")
    page.wait_for_timeout(50)
    assert attributes(page) == {}
    expect(dialog(page)).to_have_count(0)


@pytest.mark.requirement(42, partly=True)
def test_without_any_popup_a_friend_is_told_what_a_first_order_is_worth_and_asked_nothing(
    page: Page, shop: WindowShop
) -> None:
    greet_friends(shop)
    follow(page, shop)
    expect(dialog(page)).to_have_accessible_name("A friend sent you")
    expect(dialog(page)).to_contain_text("Your first order here brings you 200 points.")
    expect(dialog(page)).to_contain_text("It counts from 10.00 EUR on.")
    expect(dialog(page).locator("input")).to_have_count(0)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Look around")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog(page)).to_have_count(0)
    assert attributes(page) == {"_ref": "ANN-7"}
    page.reload()
    page.wait_for_function("() => window.perennial.awake")
    expect(dialog(page)).to_have_count(0)
    assert shop.app.asked == []


@pytest.mark.parametrize(
    ("chosen", "colour"), [(None, "rgb(170, 51, 102)"), ("#0b3d91", "rgb(11, 61, 145)")], ids=["brand", "theme"]
)
def test_buttons_have_the_brands_colour_unless_the_theme_has_one(
    page: Page, shop: WindowShop, chosen: str | None, colour: str
) -> None:
    shop.publish("program", {"colour": "#aa3366", "referrals": {"friend": 200, "minimum": None}})
    save_theme(shop.store.state, SHOP, {"off": [], "settings": {"popups": {"accent": chosen}} if chosen else {}})
    follow(page, shop)
    expect(page.get_by_role("button", name="Look around")).to_have_css("background-color", colour)


def test_what_is_published_is_text(page: Page, shop: WindowShop) -> None:
    evil = "</script><img src=x onerror=\"document.title='owned'\">"
    shop.publish("popups", {"list": []})
    shop.publish("program", {"referrals": {"friend": 200, "minimum": evil}})
    page.goto(f"{shop.url}?ref=ANN-7")
    expect(dialog(page)).to_contain_text("It counts from")
    assert page.locator("img[src=x]").count() == 0
    assert page.title() == "Window Box"


def test_where_only_members_are_rewarded_the_code_is_kept_and_nothing_is_said(page: Page, shop: WindowShop) -> None:
    greet_friends(shop, friend=0)
    follow(page, shop)
    assert attributes(page) == {"_ref": "ANN-7"}
    expect(dialog(page)).to_have_count(0)


def test_a_popup_of_the_merchants_greets_instead(page: Page, shop: WindowShop) -> None:
    greet_friends(shop)
    shop.publish("popups", {"list": [POPUP | {"trigger": {"invited": True}}]})
    follow(page, shop)
    expect(dialog(page)).to_have_accessible_name("Before you go")
    expect(dialog(page)).not_to_contain_text("200 points")


def test_who_has_ordered_before_is_promised_nothing(page: Page, shop: WindowShop) -> None:
    log_in(page, shop, MEMBER)
    customer = shop.store.state.find(SHOP, "customer", "email", "ann@example.com")[0]["id"]
    shop.store.state.put(SHOP, "order", 99, {"id": 99, "customer": {"id": customer}})
    greet_friends(shop)
    try:
        follow(page, shop)
        expect(dialog(page)).to_have_count(0)
    finally:
        shop.store.state.delete(SHOP, "order", 99)
