"""A merchant's own discount codes, for the command line and for tests; the app makes its codes through GraphQL."""

from datetime import UTC, datetime
from typing import Any

from dev_store.commerce.verbs import Verbs, verb
from dev_store.refusals import RefusalError


class DiscountVerbs(Verbs):
    @verb
    def create_discount(
        self,
        *,
        at: datetime,
        code: str,
        amount: str | None = None,
        percentage: str | None = None,
        ends_at: str | None = None,
        customers: list[int] | None = None,
        products: list[int] | None = None,
        minimum_subtotal: str | None = None,
        usage_limit: int | None = None,
        once_per_customer: bool = False,
        combines: bool = False,
    ) -> int:
        """Makes a basic code; exactly one of `amount` ('5.00') and `percentage` ('0.1'). Returns the discount's id."""
        if (amount is None) == (percentage is None):
            raise RefusalError("a discount takes off an amount or a percentage, one of them")
        if self.state.find(self.shop, "discount", "code", code.strip().lower()):
            raise RefusalError(f"the code {code} is taken")
        key, now = self._new("discount"), at.astimezone(UTC).isoformat(timespec="seconds")
        value: dict[str, Any] = {"amount": amount, "each_item": False} if amount else {"percentage": percentage}
        items: dict[str, Any] = {"products": products, "variants": []} if products else {"all": True}
        document = {
            "id": key,
            "title": code,
            "codes": [{"id": self._new("redeem_code"), "code": code, "usage_count": 0}],
            "starts_at": now,
            "ends_at": ends_at,
            "context": {"customers": customers} if customers else {"all": True},
            "customer_gets": {"value": value, "items": items},
            "minimum_requirement": {"subtotal": minimum_subtotal} if minimum_subtotal else None,
            "combines_with": dict.fromkeys(("order_discounts", "product_discounts", "shipping_discounts"), combines),
            "usage_limit": usage_limit,
            "applies_once_per_customer": once_per_customer,
            "tags": [],
            "created_at": now,
            "updated_at": now,
        }
        self.state.put(self.shop, "discount", key, document)
        return key
