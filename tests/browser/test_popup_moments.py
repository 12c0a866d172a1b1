"""When a popup comes, for whom, and in which language."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.test_popup import dialog, leave
from tests.browser.window_shop import POPUP, SHOP, WindowShop

pytestmark = pytest.mark.browser


def test_it_speaks_the_pages_language(page: Page, shop: WindowShop) -> None:
    page.goto(f"{shop.url}de/")
    leave(page)
    expect(dialog(page).get_by_role("heading")).to_have_text("Bevor Sie gehen")
    expect(dialog(page).get_by_role("button", name="Code erhalten")).to_be_visible()


@pytest.mark.requirement(65, partly=True)
@pytest.mark.requirement(191, partly=True)
@pytest.mark.parametrize(
    "target",
    [
        {"pages": ["product"]},
        {"devices": ["phone"]},
        {"languages": ["ja"]},
        {"countries": ["US"]},
        {"visitors": ["member"]},
        {"cart_from": 100},
        {"paths": [f"/{SHOP}/collections/*"]},
    ],
)
def test_who_is_not_meant_never_sees_it(page: Page, shop: WindowShop, target: dict[str, Any]) -> None:
    shop.publish("popups", {"list": [{**POPUP, "target": target}]})
    page.goto(shop.url)
    leave(page)
    page.wait_for_timeout(100)
    expect(dialog(page)).to_have_count(0)


@pytest.mark.parametrize(("rate", "is_shown"), [("1.0", True), ("1.25", False)])
def test_the_carts_bounds_are_of_the_shops_currency_whichever_the_visitor_pays_in(
    page: Page, shop: WindowShop, rate: str, is_shown: bool
) -> None:
    """A cart of 12.00 in the visitor's currency, for an offer from 10.00 on in the shop's."""
    shop.publish("popups", {"list": [{**POPUP, "target": {"cart_from": 10_00}}]})
    page.goto(f"{shop.url}products/thyme")
    page.locator("form[action$='cart/add.js'] button").click()
    page.goto(shop.url)
    page.evaluate("(rate) => { Shopify.currency.rate = rate; }", rate)
    leave(page)
    if is_shown:
        expect(dialog(page)).to_be_visible()
    else:
        page.wait_for_timeout(100)
        expect(dialog(page)).to_have_count(0)


@pytest.mark.requirement(65, partly=True)
def test_an_offer_for_new_visitors_from_germany_is_seen_by_them_and_not_by_those_who_were_here(
    page: Page, shop: WindowShop
) -> None:
    shop.publish("popups", {"list": [{**POPUP, "target": {"countries": ["DE"], "visitors": ["new"]}}]})
    page.goto(shop.url)
    leave(page)
    expect(dialog(page)).to_be_visible()
    page.evaluate("() => localStorage.setItem('perennial', JSON.stringify({known: true}))")
    page.goto(f"{shop.url}products/thyme")
    leave(page)
    page.wait_for_timeout(100)
    expect(dialog(page)).to_have_count(0)


@pytest.mark.parametrize("trigger", [{"delay": 0.1}, {"idle": 0.1}, {"scroll": 0}])
def test_time_rest_and_scrolling_open_it_as_well(page: Page, shop: WindowShop, trigger: dict[str, Any]) -> None:
    shop.publish("popups", {"list": [{**POPUP, "trigger": trigger}]})
    page.set_viewport_size({"width": 600, "height": 300})
    page.goto(shop.url)
    page.mouse.wheel(0, 200)
    expect(dialog(page)).to_be_visible()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(
        viewport={"width": 320, "height": 568}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


# Four pixels a millisecond by the clock, however busy the machine is, for two seconds.
QUICKLY_BACK = """() => {
  document.body.style.minHeight = "12000px";
  const began = performance.now();
  const step = () => {
    scrollTo(0, 9000 - 4 * (performance.now() - began));
    if (scrollY > 0) requestAnimationFrame(step);
  };
  step();
}"""


def test_on_a_phone_a_quick_scroll_back_opens_it_and_it_fits(phone: Page, shop: WindowShop) -> None:
    phone.goto(f"{shop.url}products/thyme")
    phone.evaluate(QUICKLY_BACK)
    expect(dialog(phone)).to_be_visible()
    assert phone.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    box = dialog(phone).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 320


def test_on_a_phone_a_slow_scroll_back_leaves_the_reader_alone(phone: Page, shop: WindowShop) -> None:
    phone.goto(f"{shop.url}products/thyme")
    phone.evaluate(QUICKLY_BACK.replace("4 *", "0.4 *").replace("9000", "2000"))
    phone.wait_for_timeout(400)
    expect(dialog(phone)).to_have_count(0)


def test_in_the_theme_editor_it_shows_itself_only_while_it_is_edited(page: Page, shop: WindowShop) -> None:
    page.goto(f"{shop.url}?design_mode=1")
    leave(page)
    page.wait_for_timeout(100)
    expect(dialog(page)).to_have_count(0)
    page.evaluate("() => document.dispatchEvent(new CustomEvent('shopify:block:select', {bubbles: true}))")
    expect(dialog(page)).to_be_visible()
