"""Leaving and being forgotten: app/uninstalled and the three compliance topics.

Shopify sends shop/redact 48 hours after the uninstall and customers/redact 10 days after a request; here they are
verbs of their own, so that a test decides when.
"""

from datetime import datetime
from typing import Any

from dev_store.commerce.verbs import Verbs, verb
from dev_store.refusals import RefusalError
from dev_store.state import Document


class PrivacyVerbs(Verbs):
    @verb
    def uninstall(self, *, at: datetime) -> None:
        """The merchant removes the app: announced, every token revoked, silence after that."""
        if not self.shop_document()["_installed_at"]:
            raise RefusalError(f"the app is not installed in {self.shop}")
        for kind in ("token", "grant"):
            self.state.clear(self.shop, kind)
        self.announce_uninstall(at=at)

    def announce_uninstall(self, *, at: datetime) -> None:
        """Marks the shop as left and sends app/uninstalled, in the transaction of whoever revoked the tokens."""
        shop = self.shop_document()
        shop["_installed_at"], shop["_uninstalled_at"] = None, self._stamp(at)
        shop["updated_at"] = self._stamp(at)
        self.state.put(self.shop, "shop", shop["id"], shop)
        self._emit(at, ("app/uninstalled", shop))

    @verb
    def request_customer_data(self, customer_id: int, *, at: datetime) -> int:
        """A buyer asks what is stored; returns the request's id."""
        customer, key = self._document("customer", customer_id), self._new("data_request")
        body = {**self._about(customer), "orders_requested": self._orders_of(customer_id), "data_request": {"id": key}}
        self._emit(at, ("customers/data_request", body))
        return key

    @verb
    def redact_customer(self, customer_id: int, *, at: datetime) -> None:
        """A buyer is to be forgotten: the app is told, and the shop itself forgets name, address and consent."""
        customer = self._document("customer", customer_id)
        body = {**self._about(customer), "orders_to_redact": self._orders_of(customer_id)}
        self._emit(at, ("customers/redact", body))
        for field in ("first_name", "last_name", "email", "phone"):
            customer[field] = None
        customer["_email_marketing_consent"]["state"] = "redacted"
        customer["updated_at"] = self._stamp(at)
        self.state.put(self.shop, "customer", customer_id, customer)

    @verb
    def redact_shop(self, *, at: datetime) -> None:
        """The last word after an uninstall. RefusalError while the app is installed."""
        shop = self.shop_document()
        if shop["_installed_at"] or not shop["_uninstalled_at"]:
            raise RefusalError("shop/redact is sent only after the app was uninstalled")
        self._emit(at, ("shop/redact", {"shop_id": shop["id"], "shop_domain": self.shop}))

    def _about(self, customer: Document) -> dict[str, Any]:
        who = {field: customer[field] for field in ("id", "email", "phone")}
        return {"shop_id": self.shop_document()["id"], "shop_domain": self.shop, "customer": who}

    def _orders_of(self, customer_id: int) -> list[int]:
        return [order["id"] for order in self.state.find(self.shop, "order", "customer_id", customer_id)]
