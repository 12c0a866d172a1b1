"""The popup as a visitor meets it: when it comes, what it asks, what it does to the cart, and when it stays away."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.accessibility import accessibility_faults
from tests.browser.window_shop import POPUP, SHOP, WindowShop, window_shop

pytestmark = pytest.mark.browser


@pytest.fixture
def shop() -> Iterator[WindowShop]:
    with window_shop() as shop:
        shop.publish("popups", {"list": [POPUP]})
        shop.app.answers = [{"state": "code", "code": "WELCOME-1"}]
        yield shop


def leave(page: Page) -> None:
    """The pointer goes up, out of the page. Browsers without a window report no such movement by themselves."""
    page.mouse.move(300, 200)
    page.evaluate(
        "() => document.dispatchEvent(new MouseEvent('mouseout', {clientX: 300, clientY: -1, bubbles: true}))"
    )


def dialog(page: Page) -> Any:
    return page.get_by_role("dialog")


def sign_up(page: Page, email: str = "bea@example.com") -> None:
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_role("button", name="Send me the code").click()


def test_nothing_is_asked_of_the_app_before_the_visitor_acts(page: Page, shop: WindowShop) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(shop.url)
    page.mouse.move(300, 300)
    page.wait_for_timeout(300)
    expect(dialog(page)).to_have_count(0)
    assert [url for url in asked if "/apps/" in url or "/cart/" in url] == []
    assert [url.rpartition("/")[2] for url in asked if "_extension" in url if "perennial" in url] == [
        "perennial-blocks.css",
        "perennial-copy.js",
        "perennial.js",
    ]


def test_leaving_opens_it_and_a_code_is_shown_copied_and_put_beside_the_codes_of_the_cart(
    page: Page, shop: WindowShop
) -> None:
    page.goto(shop.url)
    page.evaluate(
        "() => fetch(`${Shopify.routes.root}cart/update.js`, {method: 'POST', "
        "headers: {'Content-Type': 'application/json'}, body: JSON.stringify({discount: 'SPRING'})})"
    )
    leave(page)
    expect(dialog(page)).to_be_visible()
    expect(dialog(page)).to_have_accessible_name("Before you go")
    assert accessibility_faults(page) == []
    sign_up(page)
    expect(dialog(page).get_by_text("WELCOME-1")).to_be_visible()
    expect(dialog(page).get_by_role("heading")).to_have_text("Welcome")
    expect(dialog(page).get_by_role("heading")).to_be_focused()
    expect(dialog(page).get_by_role("status")).to_have_text("The code is in your cart.")
    assert accessibility_faults(page) == []
    asked = shop.app.asked[0]
    assert (asked["email"], asked["popup"], asked["consent"]) == ("bea@example.com", 1, "2026-11")
    assert (asked["language"], asked["how"], asked["company"]) == ("en", "exit", "")
    codes = page.evaluate("() => fetch(`${Shopify.routes.root}cart.js`).then((answer) => answer.json())")
    assert [entry["code"] for entry in codes["discount_codes"]] == ["SPRING", "WELCOME-1"]


def test_an_address_that_is_none_is_said_so_and_asked_of_nobody(page: Page, shop: WindowShop) -> None:
    page.goto(shop.url)
    leave(page)
    sign_up(page, "bea@")
    expect(page.get_by_role("alert").filter(has_text="valid e-mail")).to_be_visible()
    expect(page.get_by_label("Your e-mail address")).to_be_focused()
    assert accessibility_faults(page) == []
    assert shop.app.asked == []


def test_an_address_that_the_app_refuses_can_be_corrected(page: Page, shop: WindowShop) -> None:
    shop.app.answers = [{"state": "invalid"}, {"state": "code", "code": "WELCOME-2"}]
    page.goto(shop.url)
    leave(page)
    sign_up(page, "bea@nowhere.example")
    expect(page.get_by_role("alert").filter(has_text="valid e-mail")).to_be_visible()
    sign_up(page)
    expect(dialog(page).get_by_text("WELCOME-2")).to_be_visible()


def test_a_dry_pool_promises_the_code_instead_of_an_error(page: Page, shop: WindowShop) -> None:
    shop.app.answers = [{"state": "later"}]
    page.goto(shop.url)
    leave(page)
    sign_up(page)
    expect(dialog(page).get_by_text("We will send you your code.")).to_be_visible()


def test_pressed_twice_it_asks_once(page: Page, shop: WindowShop) -> None:
    page.goto(shop.url)
    leave(page)
    page.get_by_label("Your e-mail address").fill("bea@example.com")
    page.evaluate("() => { const form = document.querySelector('.perennial-popup form'); "
                  "form.requestSubmit(); form.requestSubmit(); }")  # fmt: skip
    expect(dialog(page).get_by_text("WELCOME-1")).to_be_visible()
    assert len(shop.app.asked) == 1


def test_by_keyboard_alone_it_is_read_closed_and_left_where_the_visitor_was(page: Page, shop: WindowShop) -> None:
    page.goto(shop.url)
    link = page.get_by_role("link", name="All goods")
    link.focus()
    leave(page)
    expect(dialog(page)).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement === document.body "
                             "|| document.querySelector('dialog').contains(document.activeElement)")  # fmt: skip
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(link).to_be_focused()


def test_closed_without_an_address_it_stays_away_but_can_be_called_back(page: Page, shop: WindowShop) -> None:
    page.goto(shop.url)
    leave(page)
    page.get_by_role("button", name="Close").click()
    expect(dialog(page)).to_have_count(0)
    leave(page)
    page.wait_for_timeout(100)
    expect(dialog(page)).to_have_count(0)
    page.get_by_role("button", name="5.00 off").click()
    expect(dialog(page)).to_be_visible()
    page.goto(f"{shop.url}cart")
    leave(page)
    page.wait_for_timeout(100)
    expect(dialog(page)).to_have_count(0)


def test_it_speaks_the_pages_language(page: Page, shop: WindowShop) -> None:
    page.goto(f"{shop.url}de/")
    leave(page)
    expect(dialog(page).get_by_role("heading")).to_have_text("Bevor Sie gehen")
    expect(dialog(page).get_by_role("button", name="Code erhalten")).to_be_visible()


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


def test_on_a_phone_a_quick_scroll_back_opens_it_and_it_fits(phone: Page, shop: WindowShop) -> None:
    phone.goto(f"{shop.url}products/thyme")
    phone.evaluate("() => { document.body.style.minHeight = '4000px'; scrollTo(0, 2000); }")
    phone.wait_for_timeout(150)
    phone.evaluate("() => scrollTo(0, 1200)")
    expect(dialog(phone)).to_be_visible()
    assert phone.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    box = dialog(phone).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 320
    assert accessibility_faults(phone) == []


def test_an_app_that_is_down_costs_the_visitor_a_sentence(browser: Browser, shop: WindowShop) -> None:
    shop.app.answers = []
    context = browser.new_context()
    page = context.new_page()
    page.goto(shop.url)
    leave(page)
    sign_up(page)
    expect(page.get_by_role("alert").filter(has_text="try again in a moment")).to_be_visible()
    expect(page.get_by_role("button", name="Send me the code")).to_be_enabled()
    context.close()


def test_with_storage_forbidden_and_a_broken_theme_it_still_works(browser: Browser, shop: WindowShop) -> None:
    context = browser.new_context()
    context.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, "
        "{ get() { throw new Error('forbidden'); } }); setTimeout(() => { throw new Error('theme'); });"
    )
    page = context.new_page()
    page.goto(shop.url)
    leave(page)
    sign_up(page)
    expect(dialog(page).get_by_text("WELCOME-1")).to_be_visible()
    context.close()


def test_texts_that_merchants_write_are_text(page: Page, shop: WindowShop) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"
    texts = {"en": dict.fromkeys(POPUP["texts"]["en"], evil) | {"button": "Send me the code"}}
    shop.publish("popups", {"list": [{**POPUP, "texts": texts}]})
    shop.app.answers = [{"state": "code", "code": evil}]
    page.goto(shop.url)
    leave(page)
    sign_up(page)
    expect(dialog(page).locator("code")).to_have_text(evil)
    assert page.title() == "Window Box"


def test_a_friends_code_goes_into_the_cart_once_and_nothing_else_does(page: Page, shop: WindowShop) -> None:
    updates: list[str] = []
    page.on("request", lambda request: updates.append(request.url) if "/cart/update.js" in request.url else None)
    with page.expect_response(re.compile("cart/update")):
        page.goto(f"{shop.url}?ref=ANN-7")
    page.goto(f"{shop.url}?ref=ANN-7")
    page.goto(f"{shop.url}?ref=<script>")
    page.wait_for_timeout(100)
    assert len(updates) == 1
    cart = page.evaluate("() => fetch(`${Shopify.routes.root}cart.js`).then((answer) => answer.json())")
    assert cart["attributes"] == {"_ref": "ANN-7"}


def test_in_the_theme_editor_it_shows_itself_only_while_it_is_edited(page: Page, shop: WindowShop) -> None:
    page.goto(f"{shop.url}?design_mode=1")
    leave(page)
    page.wait_for_timeout(100)
    expect(dialog(page)).to_have_count(0)
    page.evaluate("() => document.dispatchEvent(new CustomEvent('shopify:block:select', {bubbles: true}))")
    expect(dialog(page)).to_be_visible()


def test_it_moves_nothing_and_starts_without_a_long_task(page: Page, shop: WindowShop) -> None:
    page.add_init_script(
        "window.seen = []; new PerformanceObserver((list) => window.seen.push(...list.getEntries()"
        ".map((entry) => entry.entryType + ' ' + (entry.value ?? entry.duration))))"
        ".observe({entryTypes: ['layout-shift', 'longtask']});"
    )
    page.goto(shop.url)
    leave(page)
    expect(dialog(page)).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="5.00 off")).to_be_visible()
    shifts = [entry for entry in page.evaluate("() => window.seen") if entry.startswith("layout-shift")]
    assert shifts == []
