"""A merchant installs Perennial and opens it in a real browser: redirects, cookies, style sheet, policy together."""

import re

import pytest
from playwright.sync_api import Page, expect

from app.demo.world import World
from tests.browser.accessibility import accessibility_faults

pytestmark = pytest.mark.browser


def open_in_admin(page: Page, world: World) -> None:
    page.goto(f"{world.store_origin}/{world.shop}/admin/apps/{world.notes.client_id}")


def test_a_merchant_approves_and_is_led_back_to_an_installed_app(page: Page, world: World) -> None:
    page.goto(f"{world.app_url}/auth?shop={world.shop}")
    expect(page.get_by_text("asks Window Sill for")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=re.compile("^read_orders$"))).to_be_visible()
    page.get_by_role("button", name="Install app").click()

    open_in_admin(page, world)
    expect(page.get_by_role("heading", level=1)).to_have_text("Window Sill is connected")


def test_the_home_says_what_members_get_and_looks_like_it(page: Page, world: World) -> None:
    open_in_admin(page, world)
    expect(page.get_by_text("1 point for each whole EUR of all goods")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="100 points")).to_contain_text("5.00 EUR")
    assert page.evaluate("() => document.styleSheets[0].cssRules.length") > 0


def test_the_home_is_accessible(page: Page, world: World) -> None:
    open_in_admin(page, world)
    assert accessibility_faults(page) == []


def test_the_home_fits_on_a_phone(page: Page, world: World) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    open_in_admin(page, world)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320


def test_without_the_admin_nothing_of_the_shop_is_shown(page: Page, world: World) -> None:
    page.goto(world.app_url)
    expect(page.get_by_role("heading", level=1)).to_have_text("This is Perennial")
    assert "Window Sill" not in page.content()
