"""Products: what the catalogue holds, for orders that name one and for the GraphQL reads.

No webhooks: the app does not listen to products yet.
"""

from datetime import datetime
from typing import Any

from dev_store.commerce.verbs import Verbs, gid, verb


class ProductVerbs(Verbs):
    @verb
    def create_product(
        self,
        *,
        at: datetime,
        title: str,
        variants: list[dict[str, Any]],
        vendor: str = "",
        product_type: str = "",
        handle: str | None = None,
        tags: list[str] | None = None,
    ) -> int:
        """Adds a product and returns its id; `variants` are {"title", "sku", "price"}, the price a decimal string."""
        key, stamp = self._new("product"), self._stamp(at)
        document = {
            "id": key,
            "admin_graphql_api_id": gid("Product", key),
            "title": title,
            "handle": handle or "-".join(title.lower().split()),
            "vendor": vendor,
            "product_type": product_type,
            "status": "active",
            "tags": ", ".join(tags or []),
            "created_at": stamp,
            "updated_at": stamp,
            "variants": [self._variant(key, entry, stamp) for entry in variants],
        }
        self.state.put(self.shop, "product", key, document)
        return key

    def _variant(self, product_id: int, entry: dict[str, Any], stamp: str) -> dict[str, Any]:
        key = self._new("variant")
        return {
            "id": key,
            "admin_graphql_api_id": gid("ProductVariant", key),
            "product_id": product_id,
            "title": entry.get("title", "Default Title"),
            "sku": entry.get("sku", ""),
            "price": entry["price"],
            "taxable": entry.get("taxable", True),
            "created_at": stamp,
            "updated_at": stamp,
        }
