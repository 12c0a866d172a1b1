"""The people outside: the merchant's browser that installs an app, and members who use the app's public API.

They know the app as any stranger does, by HTTP alone. Called by `app.demo` and the crash tests.
"""

import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

from dev_store.history.remote import RemoteError

SETTLE_SECONDS = 180.0  # a killed worker's code is taken up by another one when its lease ends
PATIENCE = 60.0
AT_ONCE = 8
_REDIRECTS = 10


def install(app_url: str, store_origin: str, shop: str) -> None:
    """Opens the app's install address, agrees on the approval page, and follows the app to its home.

    Raises RemoteError with what the page said when one of the steps is refused.
    """
    browser = requests.Session()
    browser.trust_env = False  # a proxy has no business on this machine
    places = {urlsplit(app_url).netloc, urlsplit(store_origin).netloc}
    approval = _follow(browser, browser.get(f"{app_url}/auth", params={"shop": shop}, **_STEP), places)
    if not approval.url.startswith(store_origin):
        raise RemoteError(f"The app did not ask for approval but led to {approval.url}")
    _follow(browser, browser.post(approval.url, **_STEP), places)


_STEP: dict[str, Any] = {"allow_redirects": False, "timeout": 60}


def _follow(browser: requests.Session, answer: requests.Response, places: set[str]) -> requests.Response:
    """Redirects within this machine; one that leads elsewhere ends the way, as a browser without a network would."""
    for _ in range(_REDIRECTS):
        if answer.status_code >= 400:
            raise RemoteError(f"{answer.url} said {answer.status_code}: {answer.text[:500]}")
        target = urljoin(answer.url, answer.headers.get("Location", ""))
        if not answer.is_redirect or urlsplit(target).netloc not in places:
            return answer
        answer = browser.get(target, **_STEP)
    raise RemoteError(f"The app redirects in circles: {answer.url}")


class Members:
    """Members of one shop at the app's public API; `key` is the shop's bearer key."""

    def __init__(self, app_url: str, key: str) -> None:
        self._base = f"{app_url}/api/v1"
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business on this machine
        self._session.mount("http://", HTTPAdapter(pool_maxsize=AT_ONCE))
        self._session.headers["Authorization"] = f"Bearer {key}"

    def reward(self) -> str:
        """The id of the first reward on offer."""
        return str(_checked(self._call("GET", "/rewards"))["data"][0]["id"])

    def balances(self, customer_ids: Sequence[int]) -> dict[int, int | None]:
        """Points by customer; None for one the app does not know."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(customer_ids, pool.map(self._balance, customer_ids), strict=True))

    def redeem(self, customer_ids: Sequence[int], reward: str) -> dict[int, str]:
        """Codes by customer, of those who have the points and got one."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            codes = pool.map(lambda customer_id: self._redeem(customer_id, reward), customer_ids)
            return {customer_id: code for customer_id, code in zip(customer_ids, codes, strict=True) if code}

    def _balance(self, customer_id: int) -> int | None:
        answer = self._call("GET", f"/customers/{customer_id}")
        return None if answer.status_code == 404 else int(_checked(answer)["points"]["balance"])

    def _redeem(self, customer_id: int, reward: str) -> str | None:
        path, key = f"/customers/{customer_id}/redemptions", {"Idempotency-Key": str(uuid.uuid4())}
        answer = self._call("POST", path, json={"reward_id": reward}, headers=key)
        if answer.status_code in {404, 409, 422}:
            return None
        redemption = _checked(answer)
        deadline = time.monotonic() + SETTLE_SECONDS
        while redemption["state"] == "held":
            if time.monotonic() > deadline:
                raise RemoteError(f"Redemption {redemption['id']} is still held after {SETTLE_SECONDS:.0f} s.")
            time.sleep(0.1)
            redemption = _checked(self._call("GET", f"{path}/{redemption['id']}"))
        return redemption["code"]  # type: ignore[no-any-return]  # JSON

    def _call(self, method: str, path: str, **extra: Any) -> requests.Response:
        """Asks again, with the same idempotency key, where the app is away, busy (429) or out of service (503)."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._session.request(method, self._base + path, timeout=60, **extra)
            except requests.ConnectionError as error:
                if time.monotonic() > deadline:
                    raise RemoteError(f"{method} {self._base + path}: nobody answers: {error}") from error
                time.sleep(0.2)
                continue
            if answer.status_code not in {429, 503} or time.monotonic() > deadline:
                return answer
            time.sleep(float(answer.headers.get("Retry-After", "1")))


def _checked(answer: requests.Response) -> Any:
    if not answer.ok:
        raise RemoteError(f"{answer.request.method} {answer.url} said {answer.status_code}: {answer.text[:500]}")
    return answer.json()
