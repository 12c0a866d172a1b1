"""Takes the pictures of the admin's pages, empty and full: `python -m tools.admin_pictures`, into docs/pictures/admin.

It makes a small shop of its own, looks at every page as a member of its staff, and at some of them as narrow as a
telephone. Run it by hand after a page has changed, and look at the result.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Browser, Page, Route
from sqlalchemy import text

from app.shops.models import Shop
from app.shops.secrets import seal
from benchmarks.admin_world import admin_world, id_token, shop_of
from benchmarks.world import World
from tools.browser import open_browser

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures" / "admin"
WIDE, NARROW = (1100, 800), (320, 640)
EMPTY = {name: f"/{name}" for name in ("members", "popups", "referrals", "codes", "activity", "settings")}
EMPTY |= {"home": "/", "setup": "/setup", "merges": "/members/merges", "imports": "/activity/imports"}
FULL = {
    "home": "/",
    "members": "/members",
    "member": "/members/7",
    "merges": "/members/merges",
    "program": "/program",
    "program-change": "/program/change",
    "program-past": "/program/past",
    "rewards": "/rewards",
    "popups": "/popups",
    "popup": "/popups/1",
    "popup-new": "/popups/new",
    "referrals": "/referrals",
    "segments": "/segments",
    "segment": "/segments/6",
    "segment-editor": "/segments/3/edit?query=amount_spent+%3E%3D+100",
    "codes": "/codes",
    "activity": "/activity",
    "webhooks": "/activity/webhooks",
    "changes": "/activity/changes",
    "settings": "/settings",
}
PHONE = ("home", "members", "member", "merges", "segment", "popup", "activity", "settings")
_MEMBERS = 400
_NAMES = text("""
update customers set
    first_name = (array['Ada', 'Grace', 'Bea', 'Carl', 'Dora', 'Emil', 'Frieda', 'Hedy', 'Ida', 'Jonas'])[1 + id % 10],
    last_name = (array['Lindner', 'Moss', 'Park', 'Sato', 'Yilmaz', 'Okafor', 'Weber'])[1 + id % 7]
""")
# The benchmark's world has reasons of its own making.
_REASONS = text("""
update ledger_entries set reason = case reason when 'order_adjusted' then 'order_refunded' else 'returned' end
where reason in ('order_adjusted', 'redemption_cancelled')
""")
# Two who share a telephone, and messages that nobody could use.
_ALIKE = text("""
update customers set phone = '+4915112345678' where id in (select id from customers order by id limit 2)
""")
_PARKED = text("""
update inbox_events set state = 'parked', reason = case when id % 2 = 0 then 'wrong-money' else 'missing-time' end
where id % 97 = 0
""")


def main() -> int:
    """All pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with open_browser() as browser:
        with World("pictures", shops=1) as bare:
            _connect(bare)
            _take(browser, bare, "empty", EMPTY)
        with admin_world(_MEMBERS, 5 * _MEMBERS) as full:
            with full.runtime.database.system() as session:
                session.execute(_NAMES)
                for statement in (_REASONS, _ALIKE, _PARKED):
                    session.execute(statement)
            _take(browser, full, "full", FULL)
            _take(browser, full, "phone", {name: FULL[name] for name in PHONE}, NARROW)
    return 0


def _connect(world: World) -> None:
    """As after the first open."""
    shop_id, _domain = shop_of(world)
    with world.runtime.database.system() as session:
        shop = session.get_one(Shop, shop_id)
        shop.scopes = ",".join(world.runtime.settings.scopes)
        shop.access_token = seal(world.runtime.keyring, shop_id, "access_token", b"pictures")


def _take(browser: Browser, world: World, kind: str, pages: Mapping[str, str], size: tuple[int, int] = WIDE) -> None:
    child, port = world.web()
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    context.set_extra_http_headers({"Authorization": f"Bearer {id_token(shop_of(world)[1])}"})
    # Shopify's script is not here; the pages show what they are without it.
    context.route("**/app-bridge.js", _nothing)
    page = context.new_page()
    for name, path in pages.items():
        page.goto(f"http://127.0.0.1:{port}{path}", wait_until="networkidle")
        _settled(page)
        page.screenshot(path=PICTURES / f"{kind}-{name}.png")
    context.close()
    world.stop(child)


def _nothing(route: Route) -> None:
    route.fulfill(body="", content_type="text/javascript")


def _settled(page: Page) -> None:
    """Frames of previews have painted, and nothing has the focus."""
    page.wait_for_timeout(600)
    page.evaluate("() => document.activeElement?.blur()")


if __name__ == "__main__":
    sys.exit(main())
