"""A merchant approves the installation in a real browser: redirects, cookies and policy together."""

import re

import pytest
from playwright.sync_api import Page, expect

from app.demo.world import World

pytestmark = pytest.mark.browser


def test_a_merchant_approves_and_is_led_back_to_an_installed_app(page: Page, world: World) -> None:
    page.goto(f"{world.app_url}/auth?shop={world.shop}")
    expect(page.get_by_text("asks Window Sill for")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=re.compile("^read_orders$"))).to_be_visible()
    page.get_by_role("button", name="Install app").click()
    home = page.frame_locator("#app").get_by_role("heading", level=1)
    expect(home).to_have_text("Window Sill is connected")


def test_without_the_admin_nothing_of_the_shop_is_shown(page: Page, world: World) -> None:
    page.goto(world.app_url)
    expect(page.get_by_role("heading", level=1)).to_have_text("This is Perennial")
    assert "Window Sill" not in page.content()
