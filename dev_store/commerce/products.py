"""Products: what the catalogue holds, for orders, GraphQL reads, the storefront and what apps keep of it."""

from datetime import datetime
from typing import Any

from dev_store.commerce.verbs import Verbs, gid, verb
from dev_store.refusals import RefusalError
from dev_store.state import Document

_CHANGEABLE = ("title", "vendor", "product_type", "status")


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
            **_plain(key, stamp),
            "title": title,
            "handle": handle or "-".join(title.lower().split()),
            "vendor": vendor,
            "product_type": product_type,
            "tags": ", ".join(tags or []),
            "options": [_option(self._new("option"), key, variants)],
            "variants": [self._variant(key, place, entry, stamp) for place, entry in enumerate(variants, 1)],
        }
        document["variant_gids"] = [
            {"admin_graphql_api_id": variant["admin_graphql_api_id"], "updated_at": stamp}
            for variant in document["variants"]
        ]
        self.state.put(self.shop, "product", key, document)
        self._emit(at, ("products/create", document))
        return key

    @verb
    def update_product(self, product_id: int, /, *, at: datetime, tags: list[str] | None = None, **fields: str) -> None:
        """Changes tags and plain fields; RefusalError for a field that a product does not have."""
        product = self._document("product", product_id)
        for field, value in fields.items():
            if field not in _CHANGEABLE:
                raise RefusalError(f"a product has no {field} that could be changed")
            product[field] = value
        product["tags"] = product["tags"] if tags is None else ", ".join(tags)
        product["updated_at"] = self._stamp(at)
        self.state.put(self.shop, "product", product_id, product)
        self._emit(at, ("products/update", product))

    @verb
    def delete_product(self, product_id: int, *, at: datetime) -> None:
        """Orders keep their lines; the product leaves its collections silently."""
        self._document("product", product_id)
        self.state.delete(self.shop, "product", product_id)
        for collection in self.state.find(self.shop, "collection", "product", product_id):
            collection["_products"].remove(product_id)
            self.state.put(self.shop, "collection", collection["id"], collection)
        self._emit(at, ("products/delete", {"id": product_id}))

    @verb
    def create_collection(self, *, at: datetime, title: str, products: list[int] | None = None) -> int:
        """Adds a collection of these products and returns its id."""
        key = self._new("collection")
        self._save_collection(_collection(key, title, self._stamp(at)) | {"_products": products or []})
        self._emit(at, ("collections/create", self._document("collection", key)))
        return key

    @verb
    def update_collection(
        self, collection_id: int, *, at: datetime, add: list[int] | None = None, remove: list[int] | None = None
    ) -> None:
        """Puts products in and takes products out. What is announced names the collection and none of them."""
        collection = self._document("collection", collection_id)
        kept = [product for product in collection["_products"] if product not in (remove or [])]
        collection["_products"] = list(dict.fromkeys([*kept, *(add or [])]))
        collection["updated_at"] = self._stamp(at)
        self._save_collection(collection)
        self._emit(at, ("collections/update", collection))

    @verb
    def delete_collection(self, collection_id: int, *, at: datetime) -> None:
        """Its products stay."""
        collection = self._document("collection", collection_id)
        self.state.delete(self.shop, "collection", collection_id)
        fields = ("id", "admin_graphql_api_id", "published_scope")
        self._emit(at, ("collections/delete", {field: collection[field] for field in fields}))

    def _save_collection(self, collection: Document) -> None:
        for product_id in collection["_products"]:
            self._document("product", product_id)
        self.state.put(self.shop, "collection", collection["id"], collection)

    def _variant(self, product_id: int, place: int, entry: dict[str, Any], stamp: str) -> dict[str, Any]:
        key = self._new("variant")
        return {
            "id": key,
            "admin_graphql_api_id": gid("ProductVariant", key),
            "product_id": product_id,
            "title": entry.get("title", "Default Title"),
            "sku": entry.get("sku", ""),
            "price": entry["price"],
            "taxable": entry.get("taxable", True),
            "position": place,
            "option1": entry.get("title", "Default Title"),
            "option2": None,
            "option3": None,
            "barcode": None,
            "compare_at_price": None,
            "image_id": None,
            "inventory_item_id": None,
            "inventory_policy": "deny",
            "inventory_quantity": 0,
            "old_inventory_quantity": 0,
            "created_at": stamp,
            "updated_at": stamp,
        }


def _plain(key: int, stamp: str) -> Document:
    """What every new product has in common."""
    return {
        "id": key,
        "admin_graphql_api_id": gid("Product", key),
        "status": "active",
        "body_html": "",
        "category": None,
        "has_variants_that_requires_components": False,
        "image": None,
        "images": [],
        "media": [],
        "template_suffix": None,
        "published_scope": "global",
        "published_at": stamp,
        "created_at": stamp,
        "updated_at": stamp,
    }


def _option(key: int, product_id: int, variants: list[dict[str, Any]]) -> dict[str, Any]:
    titles = [entry.get("title", "Default Title") for entry in variants]
    return {"id": key, "product_id": product_id, "name": "Title", "position": 1, "values": titles}


def _collection(key: int, title: str, stamp: str) -> Document:
    return {
        "id": key,
        "admin_graphql_api_id": gid("Collection", key),
        "title": title,
        "handle": "-".join(title.lower().split()),
        "body_html": "",
        "sort_order": "best-selling",
        "template_suffix": None,
        "published_scope": "global",
        "published_at": stamp,
        "updated_at": stamp,
    }
