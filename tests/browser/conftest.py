"""A headless Chromium, and a development store with Perennial beside it. `make browser` runs these tests alone."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app.demo.world import World
from tools.browser import chromium

SHOP = "window-sill.myshopify.com"
# Without these a Chromium that has just started asks its makers for updates, which a closed network refuses at length.
QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests. Its sandbox does not work for root."""
    arguments = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with cookies of its own; anything that fails to load or to run in it fails the test."""
    context = browser.new_context()
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console", lambda line: faults.append(f"{line.text} {line.location['url']}") if line.type == "error" else None
    )
    yield page
    context.close()
    assert [fault for fault in faults if not fault.endswith("/favicon.ico")] == []  # browsers ask for it unasked


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Store and app as two programs on this machine; the shop is open, nothing is installed in it."""
    home: Path = tmp_path_factory.mktemp("world") / "home"
    with World(home, SHOP) as world:
        world.store.open_shop(name="Window Sill", currency="EUR", timezone="Europe/Berlin", country="DE")
        yield world
