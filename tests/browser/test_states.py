"""Every state that shoppers see: nothing wrong for those who cannot see or point, nothing wider than the window."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import accessibility_faults
from tests.browser.states import MEMBER, STATES, State, log_in
from tests.browser.window_shop import WindowShop

pytestmark = pytest.mark.browser


@pytest.fixture
def narrow(browser: Browser) -> Iterator[Page]:
    """A small phone, still the hardest window. Some states are errors, so the console is left alone."""
    context = browser.new_context(viewport={"width": 320, "height": 568}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.mark.requirement(162)
@pytest.mark.requirement(191, partly=True)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_every_state_is_accessible_fits_the_smallest_window_and_needs_no_pointer(
    narrow: Page, shop: WindowShop, state: State
) -> None:
    state.show(narrow, shop)
    assert accessibility_faults(narrow) == []
    assert narrow.evaluate("() => document.documentElement.scrollWidth") <= 320
    for box in [
        found.bounding_box() for found in narrow.locator(state.of or ".perennial-popup, .perennial-teaser").all()
    ]:
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
    assert _beyond_the_keyboard(narrow, state.of or ".perennial-popup, .perennial-teaser") == []
    narrow.keyboard.press("Escape")
    expect(narrow.get_by_role("dialog")).to_have_count(0)


_NOT_YET_REACHED = """(places) => [...document.querySelectorAll(places)].flatMap((place) =>
  [...(place.matches("button") ? [place] : []), ...place.querySelectorAll("a[href], button, input")]).filter(
  (one) => one.checkVisibility() && one.tabIndex >= 0 && !one.dataset.reached).map((one) => one.outerHTML)"""
_REACH = "() => { if (document.activeElement) document.activeElement.dataset.reached = 1; }"


def _beyond_the_keyboard(page: Page, places: str) -> list[str]:
    """What can be pressed or filled in there and is not come to by the tabulator."""
    for _ in range(25):
        if not page.evaluate(_NOT_YET_REACHED, places):
            break
        page.keyboard.press("Tab")
        page.evaluate(_REACH)
    left: list[str] = page.evaluate(_NOT_YET_REACHED, places)
    return left


def test_by_keyboard_alone_from_the_small_button_to_the_code_and_back(narrow: Page, shop: WindowShop) -> None:
    narrow.goto(shop.url)
    narrow.evaluate("() => window.perennial.open(1)")
    expect(narrow.get_by_role("dialog")).to_be_visible()
    narrow.keyboard.press("Escape")
    narrow.get_by_role("button", name="5.00 off").focus()
    narrow.keyboard.press("Enter")
    expect(narrow.get_by_role("dialog")).to_be_visible()
    _tab_to(narrow, "input[type=email]")
    narrow.keyboard.type("bea@example.com")
    narrow.keyboard.press("Enter")
    expect(narrow.get_by_role("status")).to_have_text("The code is in your cart.")
    _tab_to(narrow, "button.perennial-main")
    narrow.context.grant_permissions(["clipboard-read", "clipboard-write"])
    narrow.keyboard.press("Enter")
    expect(narrow.get_by_role("status")).to_have_text("Copied.")
    assert narrow.evaluate("() => navigator.clipboard.readText()") == "WELCOME-1"
    narrow.keyboard.press("Escape")
    expect(narrow.get_by_role("dialog")).to_have_count(0)
    expect(narrow.get_by_role("button", name="5.00 off")).to_have_count(0)


def test_a_member_copies_the_link_for_friends_by_keyboard(narrow: Page, shop: WindowShop) -> None:
    narrow.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_in(narrow, shop, MEMBER)
    _tab_to(narrow, "[data-perennial-copy]")
    narrow.keyboard.press("Enter")
    expect(narrow.get_by_role("status")).to_have_text("The link was copied.")
    assert narrow.evaluate("() => navigator.clipboard.readText()").endswith("/?ref=ANN-7Q2K")


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(25):
        if page.evaluate("(selector) => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_who_wants_less_motion_gets_none(narrow: Page, browser: Browser, shop: WindowShop) -> None:
    STATES[0].show(narrow, shop)
    dialog = narrow.get_by_role("dialog")
    assert dialog.evaluate("(dialog) => getComputedStyle(dialog).animationName") == "none"
    context = browser.new_context(reduced_motion="no-preference")
    page = context.new_page()
    STATES[0].show(page, shop)
    assert page.get_by_role("dialog").evaluate("(dialog) => getComputedStyle(dialog).animationName") != "none"
    context.close()
