"""Every state in which shoppers may see Perennial, and how a page gets there. Tests look at each of them, and
`tools/pictures.py` takes its picture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.window_shop import POPUP, WindowShop

NAMESPACE = "app--1"
MEMBER: dict[str, Any] = {
    "available": 240,
    "pending": 36,
    "next_reward": {"title": "10.00 EUR off", "missing": 60},
    "expires": {"points": 80, "day": "2027-01-31"},
    "referral_code": "ANN-7Q2K",
}
_ARABIC = {
    "title": "قبل أن تغادر",
    "body": "خصم 5.00 على طلبك الأول.",
    "button": "أرسل لي الرمز",
    "consent": "أوافق على تلقي العروض عبر البريد الإلكتروني ويمكنني إيقافها في أي وقت.",
    "consent_version": "1",
}
_GREETING = {
    "title": "Ann sent you",
    "body": "Your friend likes this shop. 5.00 off your first order.",
    "button": "Get my code",
    "consent": "I agree to receive offers by e-mail and can stop them at any time.",
    "consent_version": "1",
}


_NO_ANSWER = """{
  const ask = window.fetch;
  window.fetch = (url, ...rest) => (String(url).includes("sign-up") ? new Promise(() => {}) : ask(url, ...rest));
}"""


@dataclass(frozen=True)
class State:
    """`show` brings a page there; `of` is the part that a picture shows, all that is in the window if there is none."""

    name: str
    show: Callable[[Page, WindowShop], None]
    of: str = ""


def open_popup(page: Page, shop: WindowShop, popup: dict[str, Any] | None = None) -> None:
    """The popup, opened as the theme may do it; a narrow window has no pointer that could leave."""
    shop.publish("popups", {"list": [popup or POPUP]})
    page.goto(f"{shop.url}products/thyme")
    page.evaluate("() => window.perennial.open(1)")
    expect(page.get_by_role("dialog")).to_be_visible()


def ask(page: Page, email: str = "bea@example.com") -> None:
    """Give an address and press the button."""
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_role("dialog").locator("form button").click()


def log_in(page: Page, shop: WindowShop, member: dict[str, Any] | None) -> None:
    """Be a customer, whose account the app has told of or not, and look at the blocks."""
    email = "ann@example.com"
    known = shop.store.state.find(shop.commerce.shop, "customer", "email", email)
    customer = known[0]["id"] if known else shop.commerce.create_customer(at=shop.store.clock.now(), email=email)
    shop.publish("program", {"customer_namespace": NAMESPACE})
    shop.publish("member", member, owner="Customer", owner_id=customer)
    page.goto(f"{shop.url}login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/account")


def _refused(page: Page, shop: WindowShop) -> None:
    open_popup(page, shop)
    ask(page, "bea@")
    expect(page.get_by_role("alert").filter(has_text="valid e-mail")).to_be_visible()


def _asking(page: Page, shop: WindowShop) -> None:
    page.add_init_script(_NO_ANSWER)
    open_popup(page, shop)
    ask(page)
    expect(page.get_by_role("button", name="One moment")).to_be_visible()


def _down(page: Page, shop: WindowShop) -> None:
    shop.app.answers = []
    open_popup(page, shop)
    ask(page)
    expect(page.get_by_role("alert").filter(has_text="try again")).to_be_visible()


def _code(page: Page, shop: WindowShop) -> None:
    shop.app.answers = [{"state": "code", "code": "WELCOME-7Q2K4M"}]
    open_popup(page, shop)
    ask(page)
    expect(page.get_by_role("status")).to_have_text("The code is in your cart.")


def _waiting(page: Page, shop: WindowShop) -> None:
    shop.app.answers = [{"state": "later"}]
    open_popup(page, shop)
    ask(page)
    expect(page.get_by_text("Your code is being made")).to_be_visible()


def _waiting_for_mail(page: Page, shop: WindowShop) -> None:
    shop.app.answers = [{"state": "later", "mail": True}]
    open_popup(page, shop)
    ask(page)
    expect(page.get_by_text("We will send it to you")).to_be_visible()


def _teaser(page: Page, shop: WindowShop) -> None:
    open_popup(page, shop)
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="5.00 off")).to_be_visible()


def _owed(page: Page, shop: WindowShop) -> None:
    _waiting(page, shop)
    page.goto(shop.url)
    page.mouse.move(100, 100)
    page.get_by_role("button", name="Your code").click()
    expect(page.get_by_text("Enter your address again")).to_be_visible()


def _right_to_left(page: Page, shop: WindowShop) -> None:
    open_popup(page, shop, POPUP | {"texts": {"en": _ARABIC}})
    page.evaluate("() => { document.documentElement.dir = 'rtl'; }")


def _greeting(page: Page, shop: WindowShop) -> None:
    shop.publish("popups", {"list": [POPUP | {"trigger": {"invited": True}, "texts": {"en": _GREETING}}]})
    page.goto(f"{shop.url}?ref=ANN-7Q2K")
    expect(page.get_by_role("dialog")).to_be_visible()


def _friend_without_popup(page: Page, shop: WindowShop) -> None:
    greet_friends(shop)
    page.goto(f"{shop.url}?ref=ANN-7Q2K")
    expect(page.get_by_text("200 points")).to_be_visible()


def greet_friends(shop: WindowShop, friend: int = 200) -> None:
    """Bringing friends is rewarded, and no popup of the merchant's is switched on."""
    shop.publish("popups", {"list": []})
    shop.publish("program", {"referrals": {"friend": friend, "minimum": "10.00 EUR"}})


def _visitor(page: Page, shop: WindowShop) -> None:
    page.goto(shop.url)


def _member(page: Page, shop: WindowShop) -> None:
    log_in(page, shop, MEMBER)
    expect(page.get_by_text("240 points")).to_be_visible()


def _newcomer(page: Page, shop: WindowShop) -> None:
    log_in(page, shop, None)


def stand_in_page(shop: WindowShop, **target: list[str]) -> None:
    """The offer waits for nothing: it stands where the theme has the block."""
    shop.publish("popups", {"list": [POPUP | {"trigger": {"form": True}, "target": target}]})


def _form(page: Page, shop: WindowShop) -> None:
    stand_in_page(shop)
    page.goto(shop.url)
    expect(page.locator(FORM)).to_be_visible()


def _form_refused(page: Page, shop: WindowShop) -> None:
    _form(page, shop)
    page.locator(FORM).get_by_role("button").click()
    expect(page.get_by_role("alert").filter(has_text="valid e-mail")).to_be_visible()


def _form_code(page: Page, shop: WindowShop) -> None:
    shop.app.answers = [{"state": "code", "code": "WELCOME-7Q2K4M"}]
    _form(page, shop)
    page.get_by_label("Your e-mail address").fill("bea@example.com")
    page.locator(FORM).get_by_role("button").click()
    expect(page.get_by_role("status").filter(has_text="in your cart")).to_be_visible()


FORM, POINTS, REFERRAL = ".perennial-form", ".perennial-points", ".perennial-referral"
STATES = (
    State("popup", open_popup),
    State("popup-refused", _refused),
    State("popup-asking", _asking),
    State("popup-app-down", _down),
    State("popup-code", _code),
    State("popup-code-later", _waiting),
    State("popup-code-by-mail", _waiting_for_mail),
    State("popup-code-owed", _owed),
    State("popup-right-to-left", _right_to_left),
    State("teaser", _teaser),
    State("friend", _greeting),
    State("friend-without-popup", _friend_without_popup),
    State("points-visitor", _visitor, POINTS),
    State("points-member", _member, POINTS),
    State("points-newcomer", _newcomer, POINTS),
    State("referral-visitor", _visitor, REFERRAL),
    State("referral-member", _member, REFERRAL),
    State("form", _form, FORM),
    State("form-refused", _form_refused, FORM),
    State("form-code", _form_code, FORM),
)
