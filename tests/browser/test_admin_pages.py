"""Every page of the admin in a real browser, empty and full: axe finds nothing, 320 px are enough, a keyboard too.

The application runs in this process; the ID token comes with every request, as App Bridge would add it.
"""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from app import job_table
from app.customers.models import Customer
from app.factory import create_app
from app.runtime import Runtime
from tests.admin.world import Admin, member, order, staff
from tests.browser.accessibility import accessibility_faults
from webhooks.routes import EXTENSION

pytestmark = pytest.mark.browser
POPUP = {
    "name": "Exit", "accent": "#1d5b4f", "teaser": "1", "title.en": "Before you go", "body.en": "Ten per cent off.",
    "consent.en": "I agree to offers by e-mail.", "exit": "1", "days": "14", "times": "3", "offer": "Welcome",
    "kind": "percent_off", "value": "10",
}  # fmt: skip
EMPTY = (
    "/",
    "/members",
    "/members/merges",
    "/program",
    "/popups",
    "/referrals",
    "/segments",
    "/codes",
    "/activity",
    "/activity/imports",
)


@pytest.fixture
def admin(runtime: Runtime) -> Iterator[Admin]:
    """Somebody of the staff of a shop that is served on this machine; `origin` is where."""
    job_table.load()
    flask_app = create_app(runtime)
    server = make_server("127.0.0.1", 0, flask_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    somebody = staff(flask_app.test_client(), runtime)
    somebody.origin = f"http://127.0.0.1:{server.server_port}"
    yield somebody
    server.shutdown()
    server.server_close()
    thread.join()
    flask_app.extensions[EXTENSION].close()


@pytest.fixture
def page(browser: Browser, admin: Admin) -> Iterator[Page]:
    """A page whose every request carries the token; whatever fails to run in it fails the test."""
    context = browser.new_context(extra_http_headers=admin.headers())
    context.route("**/app-bridge.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []


def fits(page: Page) -> bool:
    """Whether nothing sticks out at 320 px."""
    page.set_viewport_size({"width": 320, "height": 640})
    return bool(page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"))


def looked_at(page: Page, admin: Admin, paths: Iterator[str] | tuple[str, ...] | list[str]) -> dict[str, object]:
    """What is wrong with each of these pages."""
    wrong: dict[str, object] = {}
    for path in paths:
        page.set_viewport_size({"width": 1100, "height": 800})
        page.goto(f"{admin.origin}{path}")
        faults = accessibility_faults(page)
        if faults or not fits(page) or page.get_by_role("heading", level=1).count() != 1:
            wrong[path] = faults or "too wide, or without its heading"
    return wrong


def filled(admin: Admin) -> list[str]:
    """A shop in which every page has something to show; returns the addresses."""
    with admin.runtime.database.shop(admin.shop_id) as session:
        account = member(session, admin.shop_id, 7001, first="Ada", last="Lovelace", points=50)
        order(session, admin.shop_id, account, 1001, 12_00)
        member(session, admin.shop_id, 7002, first="Bea")
        for customer in (7001, 7002):
            session.get_one(Customer, (admin.shop_id, customer)).phone = "+4915112345678"
    assert admin.post("/popups", **POPUP).status_code == 204
    assert admin.post("/segments", key="s", name="Big", query="amount_spent >= 1").status_code == 204
    ask = {"seen": "1", "unit_points": "2", "unit_per": "1", "expiry": "never", "days": "730"}
    assert admin.post("/program/preview", key="p", **ask).status_code == 204
    return [
        "/", "/members/merges",
        "/members", "/members?q=ada", f"/members/{account}", "/program", "/program/change", "/program/change?as=rules",
        "/program/preview/1?base=1", "/rewards", "/rewards/1", "/popups", "/popups/1", "/popups/new", "/segments",
        "/segments/1", "/segments/1/edit?query=amount_spent+%3E%3D+x", "/activity/changes",
    ]  # fmt: skip


def test_every_page_empty_and_full_is_for_everybody_and_fits_a_narrow_telephone(page: Page, admin: Admin) -> None:
    assert looked_at(page, admin, EMPTY) == {}
    assert looked_at(page, admin, filled(admin)) == {}


def test_points_are_given_by_keyboard_alone(page: Page, admin: Admin) -> None:
    filled(admin)
    page.goto(f"{admin.origin}/members?q=ada")
    page.get_by_role("link", name="Ada Lovelace").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    page.get_by_label("Give points").focus()
    page.keyboard.press("Tab")
    page.keyboard.type("30")
    page.keyboard.press("Tab")
    page.keyboard.type("late parcel")
    page.keyboard.press("Enter")
    expect(page.get_by_text("late parcel")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("92")


def test_the_preview_shows_what_is_typed_by_the_storefronts_own_script(page: Page, admin: Admin) -> None:
    page.goto(f"{admin.origin}/popups/new")
    page.get_by_label("Title", exact=True).first.fill("Stay a moment")
    page.get_by_label("What the visitor agrees to").first.fill("I agree.")
    stage = page.frame_locator("iframe").first
    expect(stage.get_by_role("dialog")).to_be_visible()
    expect(stage.get_by_role("heading", name="Stay a moment")).to_be_visible()
    stage.get_by_role("textbox").first.fill("bea@example.com")
    # Drawn smaller, the button may lie where a pointer of the outer page does not reach.
    stage.get_by_role("dialog").locator("form button").dispatch_event("click")
    expect(stage.get_by_text("EXAMPLE")).to_be_visible()


def test_a_form_that_was_refused_keeps_what_was_typed_and_says_where(page: Page, admin: Admin) -> None:
    page.goto(f"{admin.origin}/segments/new")
    page.get_by_role("textbox", name="Name").fill("Big")
    page.get_by_role("textbox", name="Query").fill("amount_spent >= 'lots'")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Line 1 Column")).to_be_visible()
    expect(page.get_by_role("textbox", name="Query")).to_be_focused()
    expect(page.get_by_role("textbox", name="Query")).to_have_value("amount_spent >= 'lots'")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Big")
