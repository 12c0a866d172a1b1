"""A headless Chromium, and a development store with Perennial beside it. `make browser` runs these tests alone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from app.demo.world import World
from dev_store.storefront.blocks import save_theme
from tests.browser import window_shop
from tests.browser.window_shop import POPUP, WindowShop
from tools.browser import open_browser

SHOP = "window-sill.myshopify.com"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with open_browser() as browser:
        yield browser


@pytest.fixture
def expected_faults() -> re.Pattern[str]:
    """What a page may note all the same; a module whose tests cause faults on purpose says which."""
    return re.compile("/favicon.ico$")  # browsers ask for it unasked


@pytest.fixture
def page(browser: Browser, expected_faults: re.Pattern[str]) -> Iterator[Page]:
    """A page with cookies of its own; anything else that fails to load or to run in it fails the test."""
    context = browser.new_context()
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console", lambda line: faults.append(f"{line.text} {line.location['url']}") if line.type == "error" else None
    )
    yield page
    context.close()
    assert [fault for fault in faults if not expected_faults.search(fault)] == []


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Store and app as two programs on this machine; the shop is open, nothing is installed in it."""
    home: Path = tmp_path_factory.mktemp("world") / "home"
    with World(home, SHOP) as world:
        world.store.open_shop(name="Window Sill", currency="EUR", timezone="Europe/Berlin", country="DE")
        yield world


@pytest.fixture(scope="session")
def window() -> Iterator[WindowShop]:
    """One storefront for all tests of the extension; visitors have carts of their own."""
    with window_shop.window_shop() as window:
        yield window


@pytest.fixture
def shop(window: WindowShop) -> WindowShop:
    """With one popup and nothing chosen in its theme; the app has a code and was asked nothing yet."""
    window.publish("popups", {"list": [POPUP]})
    window.publish("program", {})
    save_theme(window.store.state, window_shop.SHOP, {"off": [], "settings": {}})
    window.app.answers, window.app.asked = [{"state": "code", "code": "WELCOME-1"}], []
    return window


@pytest.fixture
def troubled(browser: Browser) -> Iterator[Page]:
    """A page where things go wrong on purpose: what fails to load is expected, an error of a script of ours is not."""
    context = browser.new_context()
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert [fault for fault in faults if "theme" not in fault] == []
