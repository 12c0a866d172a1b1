"""The popup as a visitor meets it: what it asks, what it does to the cart, and when it stays away."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.browser.window_shop import WindowShop

pytestmark = pytest.mark.browser


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
    page.add_init_script(
        "const kept = localStorage; Object.defineProperty(window, 'localStorage', "
        "{ get() { window.touched = true; return kept; } });"
    )
    page.goto(shop.url)
    assert page.evaluate("() => window.touched ?? false") is False
    assert [name for name in map(_of_the_extension, asked) if name] == []
    page.mouse.move(300, 300)
    page.wait_for_function("() => window.touched")
    page.wait_for_timeout(300)
    expect(dialog(page)).to_have_count(0)
    assert [url for url in asked if "/apps/" in url or "/cart/" in url] == []
    assert [name for name in map(_of_the_extension, asked) if name] == ["perennial.js"]


def _of_the_extension(url: str) -> str:
    return url.rpartition("/")[2] if "_extension" in url else ""


def test_who_leaves_before_the_script_is_there_is_asked_when_it_is(page: Page, shop: WindowShop) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/perennial.js", hold)
    page.goto(shop.url)
    with page.expect_request("**/perennial.js"):
        page.mouse.move(300, 200)
    leave(page)
    page.mouse.move(320, 220)
    held.pop().continue_()
    expect(dialog(page)).to_be_visible()


@pytest.mark.requirement(64, partly=True)
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
    sign_up(page)
    expect(dialog(page).get_by_text("WELCOME-1")).to_be_visible()
    expect(dialog(page).get_by_role("heading")).to_have_text("Welcome")
    expect(dialog(page).get_by_role("heading")).to_be_focused()
    expect(dialog(page).get_by_role("status")).to_have_text("The code is in your cart.")
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
    assert shop.app.asked == []


def test_an_address_that_the_app_refuses_can_be_corrected(page: Page, shop: WindowShop) -> None:
    shop.app.answers = [{"state": "invalid"}, {"state": "code", "code": "WELCOME-2"}]
    page.goto(shop.url)
    leave(page)
    sign_up(page, "bea@nowhere.example")
    expect(page.get_by_role("alert").filter(has_text="valid e-mail")).to_be_visible()
    sign_up(page)
    expect(dialog(page).get_by_text("WELCOME-2")).to_be_visible()


def sign_up_in_vain(page: Page, shop: WindowShop, answers: list[dict[str, Any]], told: str) -> None:
    """Under a clock that stands still, with what the app answers now and later."""
    shop.app.answers = answers
    page.clock.install()
    page.goto(shop.url)
    leave(page)
    sign_up(page)
    expect(dialog(page).get_by_text(told)).to_be_visible()


def test_a_dry_pool_is_asked_again_while_the_visitor_waits(page: Page, shop: WindowShop) -> None:
    code = {"state": "code", "code": "WELCOME-3"}
    sign_up_in_vain(page, shop, [{"state": "later"}, {"state": "later"}, code], "Your code is being made")
    page.clock.run_for(2_000)
    assert len(shop.app.asked) == 1
    _let_pass(page, dialog(page).get_by_text("WELCOME-3"))
    assert [wish["email"] for wish in shop.app.asked] == ["bea@example.com"] * 3


def test_a_pool_that_stays_dry_ends_in_a_sentence_and_the_code_is_there_at_the_next_visit(
    page: Page, shop: WindowShop
) -> None:
    sign_up_in_vain(page, shop, [{"state": "later"}], "Your code is being made")
    _let_pass(page, dialog(page).get_by_text("takes longer than usual"))
    assert len(shop.app.asked) == 6
    shop.app.answers = [{"state": "code", "code": "WELCOME-4"}]
    page.goto(f"{shop.url}cart")
    page.mouse.move(100, 100)
    page.get_by_role("button", name="Your code").click()
    expect(dialog(page).get_by_text("Enter your address again")).to_be_visible()
    assert len(shop.app.asked) == 6  # nothing before the visitor acts
    sign_up(page)
    expect(dialog(page).get_by_text("WELCOME-4")).to_be_visible()
    page.goto(shop.url)
    expect(page.get_by_role("button", name="Your code")).to_have_count(0)


def test_where_mail_is_sent_a_late_code_is_promised_by_mail(page: Page, shop: WindowShop) -> None:
    sign_up_in_vain(page, shop, [{"state": "later", "mail": True}], "We will send it to you, and show it here")
    _let_pass(page, dialog(page).get_by_text("takes longer than usual. We will send it to you."))


def _let_pass(page: Page, until: Locator) -> None:
    """Three seconds after three seconds, which is how long it waits at least; while an answer is on its way, none."""
    flying: set[Request] = set()

    def begins(request: Request) -> None:
        flying.add(request)

    def ends(request: Request) -> None:
        flying.discard(request)

    page.on("request", begins)
    page.on("requestfinished", ends)
    page.on("requestfailed", ends)
    for _ in range(1_000):
        if until.is_visible():
            return
        if not flying:
            page.clock.run_for(3_000)
        page.wait_for_timeout(20)
    raise AssertionError("it did not come")


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
