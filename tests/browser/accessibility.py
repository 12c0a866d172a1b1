"""What axe-core says of a page."""

from typing import Any

from playwright.sync_api import Frame, Page

from tools.fetch_npm import NODE

_AXE = NODE / "node_modules" / "axe-core" / "axe.min.js"


def accessibility_faults(page: Page | Frame) -> list[str]:
    """What axe-core finds wrong on the page as it stands."""
    page.evaluate(_AXE.read_text("utf-8"))
    found: dict[str, Any] = page.evaluate("() => axe.run()")
    return [f"{rule['id']}: {node['html']}" for rule in found["violations"] for node in rule["nodes"]]
