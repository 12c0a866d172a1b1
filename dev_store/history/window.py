"""The seeded shop's window: a popup made through the app's public API, and visitors who meet it on the storefront.

They know the app as any stranger does, by HTTP alone, and do what the theme's script does: tell that a popup was seen,
and sign up, each from an address of its own. Called by `app.demo`.
"""

import itertools
from typing import Any

import requests

from dev_store.history.catalogue import PRODUCTS
from dev_store.history.figures import ADVOCATE_POINTS, FRIEND_POINTS
from dev_store.history.remote import RemoteError, StoreClient

TITLE = "Welcome to Fern & Moss"
_CONSENT = "I agree to receive offers by e-mail and can stop them at any time."
_ENGLISH = {
    "title": "Before you go",
    "body": "5.00 off your first order, for your address.",
    "button": "Send me the code",
    "consent": _CONSENT,
    "thanks": "Welcome",
    "teaser": "5.00 off",
}
_GERMAN = {
    "title": "Bevor Sie gehen",
    "body": "5,00 auf Ihre erste Bestellung, für Ihre Adresse.",
    "button": "Code schicken",
    "consent": "Ich möchte Angebote per E-Mail erhalten und kann sie jederzeit abbestellen.",
    "thanks": "Willkommen",
    "teaser": "5,00 Rabatt",
}
_POPUP = {
    "name": "Leaving the shop",
    "definition": {
        "trigger": {"exit": True},
        "target": {"visitors": ["new", "known", "member"]},
        "texts": {"en": _ENGLISH, "de": _GERMAN},
    },
    "offer": {"title": TITLE, "kind": "amount_off", "value": "5.00", "combines": True},
}
_FRIENDS = {"advocate": ADVOCATE_POINTS, "friend": FRIEND_POINTS, "waiting_days": 14}
_SEEN = 4  # times a popup is seen for each visitor who signs up


class Visitors:
    """People on the storefront of a shop (full myshopify domain), and the popup that waits for them.

    `key` is the shop's bearer key. Everything raises RemoteError when it is refused.
    """

    def __init__(self, app_url: str, store_origin: str, shop: str, key: str) -> None:
        self._api = f"{app_url}/api/v1"
        self._shop = f"{store_origin}/{shop}"
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business on this machine
        self._key = {"Authorization": f"Bearer {key}"}
        self._popup: dict[str, Any] = {}
        self._numbers = itertools.count(1)

    def open_window(self) -> None:
        """Make the popup and switch it on, its codes come soon; reward members who bring friends from now on."""
        program = self._ask("GET", f"{self._api}/programs", None, self._key)["data"][0]
        rules = program["rules"] | {"referral": _FRIENDS}
        self._ask("POST", f"{self._api}/programs/{program['id']}/versions", {"rules": rules}, self._key)
        made = self._ask("POST", f"{self._api}/popups", _POPUP, self._key)
        self._popup = self._ask("PATCH", f"{self._api}/popups/{made['id']}", {"active": True}, self._key)

    def sign_up(self, email: str) -> str | None:
        """The code that an address is shown; None while there is none. Others look and go on."""
        popup = int(self._popup["id"])
        for closed in (True,) * (_SEEN - 1) + (False,):
            self._visit("seen", {"popup": popup, "closed": closed})
        words = self._popup["definition"]["texts"]["en"]["consent_version"]
        wish = {"popup": popup, "email": email, "company": "", "consent": words, "language": "en", "how": "exit"}
        code: str | None = self._visit("sign-up", wish | {"page": "product", "ref": None}).get("code")
        return code

    def link(self, customer: int) -> str | None:
        """The code in a member's link for friends."""
        referral = self._ask("GET", f"{self._api}/customers/{customer}", None, self._key)["referral"]
        return str(referral["code"]) if referral else None

    def statistics(self) -> dict[str, Any]:
        """What came of all popups, by title of their offers."""
        popups = self._ask("GET", f"{self._api}/popups", None, self._key)["data"]
        return {popup["offer"]["title"]: popup["statistics"] for popup in popups}

    def _visit(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        address = {"X-Forwarded-For": f"198.18.{number >> 8 & 255}.{number & 255}"}
        return self._ask("POST", f"{self._shop}/apps/perennial/{path}", body, address)

    def _ask(self, method: str, url: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        answer = self._session.request(method, url, json=body, headers=headers, timeout=60)
        if not answer.ok:
            raise RemoteError(f"{method} {url} said {answer.status_code}: {answer.text[:300]}")
        document: dict[str, Any] = answer.json()
        return document


def fill_shelves(store: StoreClient) -> None:
    """The goods that the year's orders name, for visitors to look at."""
    variants = ((product, [{"sku": product.sku, "price": str(product.price)}]) for product in PRODUCTS)
    store.batch(
        [
            {"verb": "create_product", "title": product.title, "handle": product.sku.lower(), "variants": variant}
            for product, variant in variants
        ]
    )
