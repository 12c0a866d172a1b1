"""What every resolver is handed: the shop it may touch, the app's scopes, the store behind it, one instant."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dev_store.commerce import Commerce
from dev_store.state import Document, State
from dev_store.store import DevStore


@dataclass(frozen=True)
class Context:
    """One request. `at` is the store's clock when it came in, so that all its writes carry one instant."""

    store: DevStore
    shop: str
    scopes: frozenset[str]
    at: datetime
    memo: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> State:
        return self.store.state

    @property
    def commerce(self) -> Commerce:
        return self.store.commerce(self.shop)

    @property
    def shop_document(self) -> Document:
        if "shop" not in self.memo:
            self.memo["shop"] = self.state.shop_document(self.shop)
        document: Document = self.memo["shop"]
        return document

    @property
    def currency(self) -> str:
        return str(self.shop_document["currency"])

    def money(self, amount: Any) -> dict[str, Any]:
        """A `MoneyV2` in the shop's currency."""
        return {"amount": amount, "currencyCode": self.currency}

    def bag(self, amount: Any) -> dict[str, Any]:
        """A `MoneyBag` for an amount that exists in the shop's currency only."""
        return {"shopMoney": self.money(amount), "presentmentMoney": self.money(amount)}

    def grants(self, wanted: frozenset[str]) -> bool:
        """Whether any of the scopes is held; a write scope implies its read scope."""
        return any(scope in self.scopes or scope.replace("read_", "write_", 1) in self.scopes for scope in wanted)
