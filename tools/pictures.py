"""Takes the pictures of the storefront in docs. Run it after something visible has changed, and look at the result.

`python -m tools.pictures [state …]` takes every state that shoppers may see, at three widths, from a shop of its own;
the first word may be `storefront`. The admin's are taken by `tools.admin_pictures`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.states import STATES, State
from tests.browser.window_shop import WindowShop, window_shop
from tools.browser import open_browser
from tools.terminal import ROOT

PICTURES = ROOT / "docs" / "pictures"
WINDOWS = {320: 568, 768: 760, 1280: 760}


def main(arguments: Sequence[str]) -> None:
    """The states that are named, or all."""
    names = [name for name in arguments if name != "storefront"]
    with open_browser() as browser:
        _storefront(browser, [state for state in STATES if not names or state.name in names])


def picture_of(state: str, width: int) -> Path:
    """Where the picture of a state is."""
    return PICTURES / "storefront" / f"{state}-{width}.png"


def _storefront(browser: Browser, states: Sequence[State]) -> None:
    with window_shop() as shop:
        for state in states:
            for width, height in WINDOWS.items():
                shop.app.answers = [{"state": "code", "code": "WELCOME-1"}]
                _take(browser, shop, state, width, height)


def _take(browser: Browser, shop: WindowShop, state: State, width: int, height: int) -> None:
    # Without motion, so that nothing is caught on its way.
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page = context.new_page()
    state.show(page, shop)
    path = picture_of(state.name, width)
    if state.of:
        page.locator(state.of).screenshot(path=path)
    else:
        page.screenshot(path=path)
    context.close()


if __name__ == "__main__":
    main(sys.argv[1:])
