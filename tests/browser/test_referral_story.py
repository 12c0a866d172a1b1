"""A member's link, from the account page to the reward: application and shop run, a member and a friend click.

Both run in this process and speak HTTP, so that the story can wait for webhooks and jobs; the clock moves over the
return window.
"""

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from app import clock
from app.api.keys import create_key
from app.storefront import dirty
from dev_store.commerce import OrderLine
from tests.browser.test_popup import dialog
from tests.browser.test_sign_up_story import WORDS, ask, pay, put_into_cart
from tests.storefront.conftest import SHOP, Street, app_port, dev_store, settings, street  # noqa: F401 - fixtures
from tests.storefront.test_joining import reward_friends

pytestmark = pytest.mark.browser

WAITING = 14
RULES: dict[str, Any] = {
    "earning": [{"kind": "per_unit", "points": 1}],
    "referral": {"advocate": 500, "friend": 200, "minimum": "10.00", "waiting_days": WAITING},
}
GREETING: dict[str, Any] = {
    "name": "Invited",
    "definition": {
        "trigger": {"invited": True},
        "texts": {
            "en": {
                "title": "A friend sent you",
                "body": "2.00 off your first order.",
                "button": "Send me the code",
                "consent": WORDS,
                "thanks": "Welcome",
            }
        },
    },
    "offer": {"title": "Welcome, friend", "kind": "amount_off", "value": "2.00"},
}


def open_program(running: Street) -> str:
    """Friends are rewarded and greeted from now on; Ann has bought before. Returns a key of the API."""
    now = running.store.clock.now()
    running.commerce.create_product(at=now, title="Thyme", variants=[{"price": "12.00"}])
    ann = running.commerce.create_customer(at=now, email="ann@example.com", first_name="Ann")
    running.commerce.place_order(
        at=now, customer_id=ann, lines=[OrderLine(title="Sage", quantity=1, price="30.00")], email="ann@example.com"
    )
    with running.runtime.database.system() as session:
        key = create_key(session, running.shop.id, "story")
    program = ask(running, key, "GET", "/programs")["data"][0]["id"]
    ask(running, key, "POST", f"/programs/{program}/versions", {"rules": RULES})
    popup = ask(running, key, "POST", "/popups", GREETING)
    ask(running, key, "PATCH", f"/popups/{popup['id']}", {"active": True})
    published(running)
    return key


def published(running: Street) -> None:
    """Webhooks, pools in steps, metafields after their pause."""
    for _ in range(3):
        running.settle()
        with running.runtime.database.system() as session:
            session.execute(text("update member_changes set due_at = :now"), {"now": clock.now()})
            dirty.wake_due(session)
    running.settle()


def log_in(page: Page, shop: str, email: str) -> None:
    page.goto(f"{shop}login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/account")


def copied_link(page: Page) -> str:
    """The member copies the link with the keyboard alone."""
    field = page.get_by_label("Your link for friends")
    link = field.input_value()
    field.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".perennial-referral [role=status]")).to_have_text("The link was copied.")
    assert page.evaluate("() => navigator.clipboard.readText()") == link
    return link


def referral(running: Street, key: str) -> dict[str, Any]:
    [only] = ask(running, key, "GET", "/referrals")["data"]
    return dict(only)


def points(running: Street, key: str, customer: str) -> tuple[int, int]:
    held = ask(running, key, "GET", f"/customers/{customer}")["points"]
    return held["available"], held["pending"]


@pytest.mark.requirement(37)
@pytest.mark.requirement(12, partly=True)
@pytest.mark.requirement(42, partly=True)
@pytest.mark.requirement(63, partly=True)
@pytest.mark.requirement(64, partly=True)
def test_a_friend_follows_the_link_and_buys_and_both_are_rewarded_until_a_refund(
    page: Page,
    browser: Browser,
    street: Street,  # noqa: F811 - the fixture
) -> None:
    key, shop = open_program(street), f"{street.origin}/{SHOP}/"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=street.origin)
    log_in(page, shop, "ann@example.com")
    link = copied_link(page)
    assert link.startswith(f"{shop.rstrip('/')}/?ref=")

    order_id = _buy_as_friend(browser, street, shop, link)
    made = referral(street, key)
    assert (made["state"], made["matched_by"], made["order"]["id"]) == ("waiting", "code", str(order_id))
    ann, ben = made["advocate"]["customer"], made["friend"]["customer"]
    assert (made["advocate"]["points"], made["friend"]["points"]) == (500, 200)
    assert (points(street, key, ann), points(street, key, ben)) == ((30, 500), (10, 200))
    page.reload()
    expect(page.get_by_text("500 more points are on their way.")).to_be_visible()

    clock.set_offset(street.runtime.settings.home, timedelta(days=WAITING + 1))
    published(street)
    assert referral(street, key)["state"] == "rewarded"
    assert (points(street, key, ann), points(street, key, ben)) == ((530, 0), (210, 0))
    page.reload()
    expect(page.get_by_text("You have 530 points.")).to_be_visible()

    _refund(street, order_id)
    made = referral(street, key)
    assert (made["state"], made["reason"], made["advocate"]["points"]) == ("reversed", "refunded", 0)
    assert (points(street, key, ann), points(street, key, ben)) == ((30, 0), (0, 0))
    page.reload()
    expect(page.get_by_text("You have 30 points.")).to_be_visible()


@pytest.mark.requirement(133)
@pytest.mark.requirement(42, partly=True)
def test_a_customer_becomes_a_member_by_a_button_and_has_a_link(page: Page, street: Street) -> None:  # noqa: F811 - the fixture
    reward_friends(street)
    street.commerce.create_customer(at=street.store.clock.now(), email="cem@example.com")
    published(street)
    shop = f"{street.origin}/{SHOP}/"
    log_in(page, shop, "cem@example.com")
    expect(page.get_by_label("Your link for friends")).to_be_hidden()
    page.get_by_role("button", name="Become a member").press("Enter")
    field = page.get_by_label("Your link for friends")
    expect(field).to_be_focused()
    link = field.input_value()
    assert link.startswith(f"{shop.rstrip('/')}/?ref=")
    assert len(link.rpartition("=")[2]) == 8
    expect(page.get_by_role("button", name="Become a member")).to_be_hidden()
    published(street)
    page.reload()
    expect(page.get_by_label("Your link for friends")).to_have_value(link)
    expect(page.get_by_text("You have 20 points.")).to_be_visible()


def _buy_as_friend(browser: Browser, running: Street, shop: str, link: str) -> int:
    """Follow the link, take the code of the greeting, and buy with it."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    expect(dialog(page)).to_have_accessible_name("A friend sent you")
    page.get_by_label("Your e-mail address").fill("ben@example.com")
    page.get_by_role("button", name="Send me the code").click()
    expect(dialog(page).get_by_role("heading")).to_have_text("Welcome")
    expect(dialog(page).locator("code")).to_be_visible()
    page.keyboard.press("Escape")
    put_into_cart(page, shop)
    pay(page, shop, "ben@example.com")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you for your order")
    expect(page.get_by_text("10.00 USD, with the code")).to_be_visible()
    context.close()
    published(running)
    order = max(running.store.state.all(SHOP, "order"), key=lambda one: int(one["id"]))
    assert order["note_attributes"][0]["name"] == "_ref"
    assert order["landing_site"].startswith("/?ref=")
    return int(order["id"])


def _refund(running: Street, order_id: int) -> None:
    order = running.store.state.get(SHOP, "order", order_id)
    assert order is not None
    lines = {line["id"]: line["quantity"] for line in order["line_items"]}
    running.commerce.refund(order_id, at=running.store.clock.now(), lines=lines)
    published(running)
