"""From a popup that a merchant makes to a code that works once: application and shop run, a visitor clicks.

Both run in this process and speak HTTP, so that the story can wait for webhooks and jobs instead of guessing.
"""

from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from app.api.keys import create_key
from tests.browser.test_popup import dialog, leave
from tests.storefront.conftest import SHOP, Street, app_port, dev_store, settings, street  # noqa: F401 - fixtures

pytestmark = pytest.mark.browser

WORDS = "I agree to receive offers by e-mail and can stop them at any time."
POPUP: dict[str, Any] = {
    "name": "Leaving",
    "definition": {
        "trigger": {"exit": True},
        "texts": {
            "en": {
                "title": "Before you go",
                "body": "5.00 off your first order.",
                "button": "Send me the code",
                "consent": WORDS,
                "thanks": "Welcome",
            }
        },
    },
    "offer": {"title": "Welcome", "kind": "amount_off", "value": "5.00"},
}


def ask(running: Street, key: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    answer = requests.request(
        method,
        f"{running.app_url}/api/v1{path}",
        json=body,
        headers={"Authorization": f"Bearer {key}"},
        timeout=10,
    )
    assert answer.status_code < 300, answer.text
    document: dict[str, Any] = answer.json()
    return document


def published(running: Street) -> tuple[str, str]:
    """A key of the API, and a popup that the merchant has made and switched on with it."""
    with running.runtime.database.system() as session:
        key = create_key(session, running.shop.id, "story")
    popup = ask(running, key, "POST", "/popups", POPUP)
    ask(running, key, "PATCH", f"/popups/{popup['id']}", {"active": True})
    for _ in range(3):  # the pool is filled in steps
        running.settle()
    return key, popup["id"]


def put_into_cart(page: Page, shop: str) -> None:
    page.goto(f"{shop}products/thyme")
    page.get_by_role("button", name="Add to cart").click()
    page.wait_for_url("**/cart")


def pay(page: Page, shop: str, email: str) -> None:
    page.goto(f"{shop}checkout")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Pay").click()


@pytest.mark.requirement(162)
@pytest.mark.requirement(13, partly=True)
@pytest.mark.requirement(191, partly=True)
def test_a_visitor_who_leaves_gets_a_code_that_works_once(page: Page, browser: Browser, street: Street) -> None:  # noqa: F811 - the fixture
    street.commerce.create_product(at=street.store.clock.now(), title="Thyme", variants=[{"price": "12.00"}])
    key, popup_id = published(street)
    shop = f"{street.origin}/{SHOP}/"

    put_into_cart(page, shop)
    leave(page)
    expect(dialog(page)).to_have_accessible_name("Before you go")
    expect(dialog(page).get_by_text(WORDS)).to_be_visible()
    page.get_by_label("Your e-mail address").fill("bea@example.com")
    page.get_by_role("button", name="Send me the code").click()
    expect(dialog(page).get_by_role("heading")).to_have_text("Welcome")
    expect(dialog(page).get_by_role("status")).to_have_text("The code is in your cart.")
    code = dialog(page).locator("code").inner_text()
    with page.expect_request("**/apps/perennial/seen"):
        page.keyboard.press("Escape")

    page.goto(f"{shop}cart")
    expect(page.get_by_text(code).first).to_be_visible()
    pay(page, shop, "bea@example.com")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you for your order")
    expect(page.get_by_text(f"7.00 USD, with the code {code}")).to_be_visible()

    street.settle()
    [customer] = [one for one in street.store.state.all(SHOP, "customer") if one["email"] == "bea@example.com"]
    assert customer["_email_marketing_consent"]["state"] == "subscribed"
    counted = ask(street, key, "GET", f"/popups/{popup_id}")["statistics"]
    assert counted == {
        "views": 1,
        "closes": 0,
        "sign_ups": 1,
        "codes_used": 1,
        "revenue": {"amount": "7.00", "currency": "USD"},
    }
    _is_refused(browser, shop, code)


def _is_refused(browser: Browser, shop: str, code: str) -> None:
    """Somebody else was given the code: at the checkout it is said that it was used, and nothing is ordered."""
    context = browser.new_context()
    page = context.new_page()
    put_into_cart(page, shop)
    page.goto(f"{shop.rstrip('/')}/discount/{code}?redirect=/cart")
    pay(page, shop, "cem@example.com")
    expect(page.get_by_text(code).first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Checkout")
    expect(page.locator("main")).to_contain_text("used")
    context.close()
