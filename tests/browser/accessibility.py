"""What axe-core says of a page."""

from functools import cache
from typing import Any

from playwright.sync_api import Frame, Page

from tools.fetch_npm import NODE

_AXE = NODE / "node_modules" / "axe-core" / "axe.min.js"


def accessibility_faults(page: Page | Frame) -> list[str]:
    """What axe-core finds wrong on the page as it stands."""
    page.evaluate(_source())
    # All rules run; of what is in order nothing is described, which would take longer than finding it.
    found: dict[str, Any] = page.evaluate("() => axe.run({resultTypes: ['violations']})")
    return [f"{rule['id']}: {node['html']}" for rule in found["violations"] for node in rule["nodes"]]


@cache
def _source() -> str:
    return _AXE.read_text("utf-8")
