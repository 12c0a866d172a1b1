"""Whatever is wrong around a popup, the shop goes on, and nobody sees more than a sentence."""

import pytest
from playwright.sync_api import Page, expect

from dev_store.storefront.blocks import save_theme
from tests.browser.states import MEMBER, log_in
from tests.browser.test_popup import dialog, leave, sign_up
from tests.browser.window_shop import POPUP, SHOP, WindowShop

pytestmark = pytest.mark.browser


EVIL = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>{{ shop.name }}"


def test_an_app_that_is_down_costs_the_visitor_a_sentence(troubled: Page, shop: WindowShop) -> None:
    shop.app.answers = []
    troubled.goto(shop.url)
    leave(troubled)
    sign_up(troubled)
    expect(troubled.get_by_role("alert").filter(has_text="try again in a moment")).to_be_visible()
    expect(troubled.get_by_role("button", name="Send me the code")).to_be_enabled()
    shop.app.answers = [{"state": "code", "code": "WELCOME-1"}]
    sign_up(troubled)
    expect(dialog(troubled).get_by_text("WELCOME-1")).to_be_visible()


@pytest.mark.parametrize(
    "answer", ["<html>An error page</html>", "[]", '{"state": "code"}', '{"code": {"a": 1}}', "null"]
)
def test_an_answer_that_is_none_is_never_shown(troubled: Page, shop: WindowShop, answer: str) -> None:
    troubled.route("**/apps/perennial/sign-up", lambda route: route.fulfill(body=answer))
    troubled.goto(shop.url)
    leave(troubled)
    sign_up(troubled)
    expect(troubled.get_by_role("alert").filter(has_text="try again in a moment")).to_be_visible()


def test_with_storage_forbidden_and_a_broken_theme_it_still_works(troubled: Page, shop: WindowShop) -> None:
    troubled.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, "
        "{ get() { throw new Error('forbidden'); } }); "
        "document.addEventListener('mouseout', () => { throw new Error('theme'); }); throw new Error('theme');"
    )
    troubled.goto(shop.url)
    leave(troubled)
    sign_up(troubled)
    expect(dialog(troubled).get_by_text("WELCOME-1")).to_be_visible()


@pytest.mark.parametrize("missing", ["perennial.js", "perennial-dialog.js", "perennial.css"])
def test_a_part_of_it_that_cannot_be_had_leaves_the_shop_as_it_is(
    troubled: Page, shop: WindowShop, missing: str
) -> None:
    troubled.route(f"**/{missing}", lambda route: route.abort())
    troubled.goto(shop.url)
    leave(troubled)
    troubled.wait_for_timeout(150)
    # Without its style sheet it is the browser's own dialog; without a script there is none.
    expect(dialog(troubled)).to_have_count(1 if missing == "perennial.css" else 0)
    troubled.keyboard.press("Escape")
    troubled.get_by_role("link", name="All goods").click()
    expect(troubled.get_by_role("heading", name="All goods")).to_be_visible()


def test_on_a_slow_network_it_waits_is_asked_once_and_can_be_left(troubled: Page, shop: WindowShop) -> None:
    troubled.goto(shop.url)
    slow = {"offline": False, "latency": 150, "downloadThroughput": 40_000, "uploadThroughput": 10_000}
    troubled.context.new_cdp_session(troubled).send("Network.emulateNetworkConditions", slow)
    leave(troubled)
    sign_up(troubled)
    waiting = troubled.get_by_role("button", name="One moment")
    expect(waiting).to_be_visible()
    waiting.dispatch_event("click")
    expect(dialog(troubled).get_by_text("WELCOME-1")).to_be_visible()
    assert len(shop.app.asked) == 1
    troubled.keyboard.press("Escape")
    expect(dialog(troubled)).to_have_count(0)


def test_texts_that_merchants_write_are_text(page: Page, shop: WindowShop) -> None:
    texts = {"en": dict.fromkeys(POPUP["texts"]["en"], EVIL) | {"button": "Send me the code"}}
    shop.publish("popups", {"list": [{**POPUP, "texts": texts}]})
    shop.app.answers = [{"state": "code", "code": EVIL}]
    page.goto(shop.url)
    leave(page)
    sign_up(page)
    expect(dialog(page).locator("code")).to_have_text(EVIL)
    assert page.title() == "Window Box"


def test_settings_and_metafields_are_text_as_well(page: Page, shop: WindowShop) -> None:
    settings = {
        "popups": {"accent": EVIL, "teaser_corner": EVIL},
        "points": {"heading": EVIL},
        "referral": {"heading": EVIL},
    }
    save_theme(shop.store.state, SHOP, {"off": [], "settings": settings})
    evil = {
        "next_reward": {"title": EVIL, "missing": 60},
        "expires": {"points": 80, "day": EVIL},
        "referral_code": EVIL,
    }
    log_in(page, shop, MEMBER | evil)
    expect(page.locator(".perennial-points h2")).to_have_text(EVIL)
    expect(page.locator(".perennial-referral h2")).to_have_text(EVIL)
    assert page.get_by_label("Your link for friends").input_value().count("<") == 0
    expect(page.locator(".perennial-points")).to_contain_text(f"60 more points for {EVIL}.")
    leave(page)
    expect(dialog(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="5.00 off")).to_be_visible()
    assert page.title() == "Account – Window Box"
