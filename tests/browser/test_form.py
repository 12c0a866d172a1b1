"""The form that stands in a page: for whom it is there, what it asks, and what it does when something fails."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.states import FORM, log_in, stand_in_page
from tests.browser.window_shop import POPUP, WindowShop

pytestmark = pytest.mark.browser


def form(page: Page) -> Locator:
    return page.locator(FORM)


def sign_up(page: Page, email: str = "bea@example.com") -> None:
    form(page).get_by_label("Your e-mail address").fill(email)
    form(page).get_by_role("button", name="Send me the code").click()


@pytest.mark.requirement(63)
@pytest.mark.requirement(64)
def test_a_landing_page_gives_every_visitor_a_code_of_their_own_once_they_say_who_they_are(
    browser: Browser, shop: WindowShop
) -> None:
    shop.app.answers = [{"state": "code", "code": "WELCOME-1"}, {"state": "code", "code": "WELCOME-2"}]
    stand_in_page(shop, pages=["page"])
    for email, code in (("ann@example.com", "WELCOME-1"), ("bea@example.com", "WELCOME-2")):
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{shop.url}pages/welcome")
        sign_up(page, email)
        expect(form(page).get_by_text(code)).to_be_visible()
        page.goto(shop.url)
        expect(form(page)).to_have_count(0)
        context.close()


@pytest.mark.requirement(191)
def test_who_gives_an_address_gets_a_code_where_the_form_was_and_nothing_is_asked_before(
    page: Page, shop: WindowShop
) -> None:
    stand_in_page(shop)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(shop.url)
    expect(form(page).get_by_role("heading")).to_have_text("Before you go")
    assert [url for url in asked if "_extension" in url or "/apps/" in url] == []
    sign_up(page)
    expect(form(page).get_by_text("WELCOME-1")).to_be_visible()
    expect(form(page).get_by_role("heading")).to_be_focused()
    expect(form(page).get_by_role("heading")).to_have_text("Welcome")
    expect(form(page).get_by_role("status")).to_have_text("The code is in your cart.")
    [wish] = shop.app.asked
    assert (wish["email"], wish["popup"], wish["consent"]) == ("bea@example.com", 1, "2026-11")
    assert (wish["language"], wish["page"], wish["how"], wish["company"]) == ("en", "index", "form", "")


def test_an_address_that_is_none_is_said_so_and_can_be_corrected(page: Page, shop: WindowShop) -> None:
    stand_in_page(shop)
    page.goto(shop.url)
    sign_up(page, "bea@")
    expect(form(page).get_by_role("alert")).to_have_text("Please enter a valid e-mail address.")
    expect(form(page).get_by_label("Your e-mail address")).to_be_focused()
    assert shop.app.asked == []
    sign_up(page)
    expect(form(page).get_by_text("WELCOME-1")).to_be_visible()
    assert len(shop.app.asked) == 1


def test_without_a_network_the_page_stays_and_says_that_it_did_not_work(troubled: Page, shop: WindowShop) -> None:
    stand_in_page(shop)
    troubled.route("**/perennial-dialog.js", lambda route: route.abort())
    troubled.goto(shop.url)
    sign_up(troubled)
    expect(form(troubled).get_by_role("alert")).to_have_text("That did not work. Please try again in a moment.")
    assert troubled.url == shop.url


def test_the_app_is_down_and_the_address_stays_typed(troubled: Page, shop: WindowShop) -> None:
    shop.app.answers = []
    stand_in_page(shop)
    troubled.goto(shop.url)
    sign_up(troubled)
    expect(form(troubled).get_by_role("alert")).to_have_text("That did not work. Please try again in a moment.")
    expect(form(troubled).get_by_label("Your e-mail address")).to_have_value("bea@example.com")


@pytest.mark.requirement(65, partly=True)
@pytest.mark.parametrize(
    ("target", "is_there"),
    [
        ({"countries": ["DE"]}, True),
        ({"countries": ["AT", "CH"]}, False),
        ({"visitors": ["new"]}, True),
        ({"visitors": ["member"]}, False),
        ({"languages": ["en"]}, True),
        ({"languages": ["ja"]}, False),
        ({"pages": ["index"]}, True),
        ({"pages": ["product"]}, False),
    ],
)
def test_it_is_there_for_those_it_is_meant_for(
    page: Page, shop: WindowShop, target: dict[str, list[str]], is_there: bool
) -> None:
    stand_in_page(shop, **target)
    page.goto(shop.url)
    expect(form(page)).to_have_count(int(is_there))


def test_an_offer_for_who_is_new_is_not_there_for_a_customer_who_has_logged_in(page: Page, shop: WindowShop) -> None:
    stand_in_page(shop, visitors=["new"])
    log_in(page, shop, None)
    page.goto(shop.url)
    expect(form(page)).to_have_count(0)


def test_a_popup_that_waits_for_a_moment_does_not_stand_in_the_page(page: Page, shop: WindowShop) -> None:
    shop.publish("popups", {"list": [POPUP]})
    page.goto(shop.url)
    expect(form(page)).to_have_count(0)


def test_what_a_merchant_wrote_is_never_markup(page: Page, shop: WindowShop) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"
    words = dict.fromkeys(("title", "body", "button", "consent", "thanks", "consent_version"), evil)
    shop.publish("popups", {"list": [POPUP | {"trigger": {"form": True}, "texts": {"en": words}}]})
    page.goto(shop.url)
    expect(form(page).get_by_role("heading")).to_have_text(evil)
    form(page).get_by_label("Your e-mail address").fill("bea@example.com")
    form(page).get_by_role("button").click()
    expect(form(page).get_by_text("WELCOME-1")).to_be_visible()
    expect(form(page).get_by_role("heading")).to_have_text(evil)
    assert "owned" not in page.title()
