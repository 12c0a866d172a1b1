"""Takes the pictures of README and docs from a running demo: `python tools/pictures.py ADDRESS`.

ADDRESS is the app's, as `make demo` prints it. Run it by hand after a page has changed, and look at the result.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = {"home": (1100, 720)}


def main(address: str) -> None:
    """One picture a page, in the size of a laptop's window."""
    chromium = (ROOT / ".cache" / "chromium").read_text(encoding="utf-8").strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (width, height) in PICTURES.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(address)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=ROOT / "docs" / "pictures" / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
