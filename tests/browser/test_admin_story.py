"""A shop owner who has never seen Perennial: from the Install button to a launched program, by clicking alone.

The admin frame of the development store and the application are two origins, as at Shopify; what the pages ask of App
Bridge goes through the frame. Every page on the way is looked at by axe, at 320 px, and by keyboard.
"""

import re

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from app.demo.world import World
from tests.browser.accessibility import accessibility_faults

pytestmark = pytest.mark.browser


@pytest.fixture
def expected_faults() -> re.Pattern[str]:
    """What a browser notes of forms that were refused and of the connection that a test cuts."""
    return re.compile("status of 422|net::ERR_FAILED|Failed to fetch|favicon.ico$")


def open_in_admin(page: Page, world: World, path: str = "") -> FrameLocator:
    """The app as its owner sees it; everything of it is inside the frame."""
    page.goto(f"{world.store_origin}/{world.shop}/admin/apps/{world.notes.client_id}{path}")
    return page.frame_locator("#app")


def faults_at(page: Page) -> list[str]:
    """What axe finds in the app's own document."""
    (frame,) = [frame for frame in page.frames if frame.parent_frame is not None]
    return accessibility_faults(frame)


def fits(page: Page) -> bool:
    """Whether nothing is wider than the frame."""
    (frame,) = [frame for frame in page.frames if frame.parent_frame is not None]
    return bool(frame.evaluate("() => document.documentElement.scrollWidth <= innerWidth"))


def heading(app: FrameLocator, text: str | re.Pattern[str]) -> None:
    expect(app.get_by_role("heading", level=1)).to_have_text(text)


@pytest.mark.requirement(57)
def test_from_install_to_a_launched_program(page: Page, world: World) -> None:
    page.goto(f"{world.app_url}/auth?shop={world.shop}")
    page.get_by_role("button", name="Install app").click()
    app = page.frame_locator("#app")
    heading(app, "Window Sill is connected")

    app.get_by_role("link", name="Set up the program").click()
    heading(app, "Set up your program")
    app.get_by_role("radio", name="Orders become larger").check()
    app.get_by_role("button", name="Continue").click()

    expect(app.get_by_role("radio", name=re.compile("suits your goal"))).to_be_checked()
    app.get_by_role("button", name="Continue").click()

    app.get_by_label("Points for each whole EUR").fill("2")
    app.get_by_role("button", name="Continue").click()

    app.get_by_label("Name of the program").fill("Sill Club")
    app.get_by_role("button", name="Continue").click()

    expect(app.get_by_text("2 points for each whole EUR of all goods.")).to_be_visible()
    expect(app.get_by_text("Until now nobody has got anything.")).to_be_visible()
    app.get_by_role("button", name="Launch the program").click()
    heading(app, "Window Sill is connected")
    expect(page.get_by_role("status").get_by_text("Your program is live")).to_be_visible()
    expect(app.get_by_role("link", name="Set up the program")).to_have_count(0)


def test_every_page_of_the_way_is_accessible_and_fits_on_a_phone(page: Page, world: World) -> None:
    paths = ("", "/setup", "/setup/program", "/setup/numbers", "/setup/look", "/setup/preview", "/settings")
    for path in paths:
        page.set_viewport_size({"width": 1280, "height": 800})
        app = open_in_admin(page, world, path)
        expect(app.get_by_role("heading", level=1)).to_be_visible()
        assert (path, faults_at(page)) == (path, [])
        page.set_viewport_size({"width": 320, "height": 640})
        assert (path, fits(page)) == (path, True)


def test_the_menu_of_the_admin_leads_through_the_app(page: Page, world: World) -> None:
    app = open_in_admin(page, world)
    menu = page.get_by_role("navigation", name="Perennial")
    menu.get_by_role("link", name="Settings").click()
    heading(app, "Settings")
    expect(page).to_have_url(re.compile("/settings$"))
    expect(menu.get_by_role("link", name="Settings")).to_have_attribute("aria-current", "page")
    page.reload()
    heading(app, "Settings")


def test_unsaved_changes_are_kept_in_the_save_bar(page: Page, world: World) -> None:
    app = open_in_admin(page, world, "/settings")
    bar = page.get_by_role("region", name="Unsaved changes")
    expect(bar).to_be_hidden()
    app.get_by_label("Accent colour").fill("#aa0000")
    expect(bar).to_be_visible()
    bar.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").get_by_text("Your brand is saved")).to_be_visible()
    expect(bar).to_be_hidden()
    expect(app.get_by_label("Accent colour")).to_have_value("#aa0000")


def test_a_key_is_made_and_revoked_after_a_question(page: Page, world: World) -> None:
    app = open_in_admin(page, world, "/settings")
    app.get_by_label("What the key is for").fill("Till")
    app.get_by_role("button", name="Make a key").click()
    expect(app.get_by_text(re.compile("^prk_"))).to_be_visible()
    app.get_by_role("link", name="Settings").click()
    row = app.get_by_role("row").filter(has_text="Till")
    row.get_by_role("button", name="Revoke").click()
    app.get_by_role("dialog").get_by_role("button", name="Continue").click()
    expect(row).to_contain_text("Revoked")


def test_what_is_wrong_is_said_beside_the_field_and_reached_by_keyboard(page: Page, world: World) -> None:
    app = open_in_admin(page, world, "/settings")
    app.get_by_label("What the key is for").fill(" ")
    app.get_by_label("What the key is for").press("Enter")
    expect(app.get_by_text("This is needed.")).to_be_visible()
    expect(app.get_by_label("What the key is for")).to_be_focused()


def test_a_lost_connection_is_said_and_loses_nothing(page: Page, world: World) -> None:
    app = open_in_admin(page, world, "/settings")
    field = app.get_by_label("What the key is for")
    field.fill("Till")
    page.route(f"{world.app_url}/settings/keys", lambda route: route.abort())
    app.get_by_role("button", name="Make a key").click()
    expect(page.get_by_role("status").get_by_text("Perennial cannot be reached")).to_be_visible()
    expect(field).to_have_value("Till")


def test_an_address_that_is_loaded_without_a_token_gets_one(page: Page, world: World) -> None:
    """A reload within the frame: the bounce page asks App Bridge and comes back."""
    app = open_in_admin(page, world, "/settings")
    heading(app, "Settings")
    (frame,) = [frame for frame in page.frames if frame.parent_frame is not None]
    frame.goto(f"{world.app_url}/setup?again=1")
    heading(app, "Set up your program")


def test_a_page_stands_alone_in_development(page: Page, world: World) -> None:
    answer = page.request.post(f"{world.store_origin}/_dev/shops/{world.shop}/id-token")
    page.goto(answer.json()["url"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Window Sill is connected")
    page.get_by_role("navigation").get_by_role("link", name="Settings").or_(
        page.locator("ui-nav-menu a", has_text="Settings")
    ).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
    page.get_by_label("What the key is for").fill("Alone")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_text(re.compile("^prk_"))).to_be_visible()


def test_back_and_forward_walk_through_the_pages(page: Page, world: World) -> None:
    app = open_in_admin(page, world)
    menu = page.get_by_role("navigation", name="Perennial")
    menu.get_by_role("link", name="Settings").click()
    heading(app, "Settings")
    (frame,) = [frame for frame in page.frames if frame.parent_frame is not None]
    frame.evaluate("() => history.back()")
    heading(app, "Window Sill is connected")
