"""The development store's control plane, spoken to from another process. Called by `app.demo` and the crash tests."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import requests

DRAIN_SECONDS = 10.0
PATIENCE = 600.0


class RemoteError(Exception):
    """The other side refused or did not keep its word; the message quotes it."""


class StoreClient:
    """Speaks to `/_dev/…` about one shop (full myshopify domain). One per thread."""

    def __init__(self, origin: str, shop: str) -> None:
        self.origin = origin
        self.shop = shop
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business on this machine

    def open_shop(self, *, name: str, currency: str, timezone: str, country: str) -> None:
        details = {"domain": self.shop, "name": name, "currency": currency, "timezone": timezone, "country": country}
        self._call("POST", "/_dev/shops", details)

    def batch(self, verbs: Sequence[dict[str, Any]]) -> list[Any]:
        """Carries verbs out in order; an answer is {"result": …} or {"error": why}."""
        return list(self._call("POST", f"/_dev/shops/{self.shop}/batch", {"verbs": list(verbs)})["results"])

    def line_ids(self, order_id: int) -> list[int]:
        """The ids of an order's lines, in their order."""
        page = self._call("GET", f"/_dev/shops/{self.shop}/orders?after={order_id - 1}&limit=1")
        return [line["id"] for line in page["data"][0]["line_items"]]

    def customer(self, customer_id: int) -> dict[str, Any]:
        """A customer as the shop keeps it."""
        page = self._call("GET", f"/_dev/shops/{self.shop}/customers?after={customer_id - 1}&limit=1")
        return dict(page["data"][0])

    def figures(self) -> dict[str, Any]:
        """What the store counted and computed from its own documents."""
        return dict(self._call("GET", f"/_dev/shops/{self.shop}/figures"))

    def delivery(self, **switches: object) -> None:
        """Sets switches of the webhook delivery."""
        self._call("PUT", "/_dev/delivery", switches)

    def delivery_stats(self) -> dict[str, int]:
        return dict(self._call("GET", "/_dev/delivery/stats"))

    def lost(self) -> list[dict[str, Any]]:
        """What was dropped so far: topic, and id of the thing that it told of."""
        return list(self._call("GET", "/_dev/delivery/lost")["data"])

    def drain(self) -> None:
        """Returns when no delivery waits any more; raises RemoteError when that takes too long."""
        for _ in range(int(PATIENCE // DRAIN_SECONDS)):
            if self._call("POST", "/_dev/delivery/drain", {"hurry": True, "timeout_seconds": DRAIN_SECONDS})["empty"]:
                return
        raise RemoteError(f"Webhooks are still not delivered after {PATIENCE:.0f} s: {self.delivery_stats()}")

    def set_clock(self, offset: timedelta) -> None:
        """Moves the store's clock away from the machine's."""
        self._call("PUT", "/_dev/clock", {"offset_seconds": offset.total_seconds()})

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = self._session.request(method, self.origin + path, json=body, timeout=PATIENCE)
        if not answer.ok:
            raise RemoteError(f"The development store refused {method} {path}: {answer.text[:500]}")
        return answer.json()
