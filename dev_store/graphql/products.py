"""Products, their variants and collections, as far as orders, discounts and rules name them; productCreate by title."""

from typing import Any

from dev_store.graphql.connections import connection, count
from dev_store.graphql.context import Context
from dev_store.graphql.errors import user_error
from dev_store.graphql.gids import gid, number_of
from dev_store.graphql.scalars import decimal_text, instant
from dev_store.graphql.schema import mutation, query, resolves
from dev_store.graphql.search import Reader, matches, parse
from dev_store.money import exponent
from dev_store.state import Document

_SEARCH: dict[str, Reader] = {
    "default": lambda doc: f"{doc['title']} {doc['vendor']}",
    "title": lambda doc: doc["title"],
    "id": lambda doc: doc["id"],
    "handle": lambda doc: doc["handle"],
    "vendor": lambda doc: doc["vendor"],
    "product_type": lambda doc: doc["product_type"],
    "status": lambda doc: doc["status"],
    "tag": lambda doc: _split(doc["tags"]),
    "sku": lambda doc: [variant["sku"] for variant in doc["variants"]],
    "updated_at": lambda doc: instant(doc["updated_at"]),
    "created_at": lambda doc: instant(doc["created_at"]),
}


@query("product")
def product(_source: Any, context: Context, id_: str) -> Document | None:
    return context.state.get(context.shop, "product", number_of(id_, "Product"))


@query("products")
def products(_source: Any, context: Context, query: str | None = None, **page: Any) -> dict[str, Any]:
    for unused in ("sort_key", "saved_search_id"):
        page.pop(unused, None)
    return connection(_found(context, query), **page)


@query("productsCount")
def products_count(
    _source: Any, context: Context, query: str | None = None, limit: int | None = 10_000, **_more: Any
) -> dict[str, Any]:
    return count(len(_found(context, query)), limit)


def _found(context: Context, text: str | None) -> list[Document]:
    terms = parse(text)
    return [doc for doc in context.state.all(context.shop, "product") if matches(terms, doc, _SEARCH)]


@mutation("productCreate")
def product_create(
    _source: Any,
    context: Context,
    product: dict[str, Any] | None = None,
    input_: dict[str, Any] | None = None,
    media: list[Any] | None = None,
) -> dict[str, Any]:
    """A product with one variant that costs nothing, as Shopify makes it when only a title is given."""
    del media
    wanted = product or input_ or {}
    if not (wanted.get("title") or "").strip():
        return {"product": None, "userErrors": [user_error(["title"], "Title can't be blank")]}
    number = context.commerce.create_product(
        at=context.at,
        title=wanted["title"],
        vendor=wanted.get("vendor") or "",
        product_type=wanted.get("productType") or "",
        handle=wanted.get("handle"),
        tags=wanted.get("tags"),
        variants=[{"title": "Default Title", "sku": "", "price": f"{0:.{exponent(context.currency)}f}"}],
    )
    return {"product": context.state.get(context.shop, "product", number), "userErrors": []}


@mutation("productDelete")
def product_delete(_source: Any, context: Context, input_: dict[str, Any], **_more: Any) -> dict[str, Any]:
    number = number_of(input_["id"], "Product")
    answer = {"shop": context.shop_document, "productDeleteOperation": None}
    if context.state.get(context.shop, "product", number) is None:
        return {**answer, "deletedProductId": None, "userErrors": [user_error(["id"], "Product does not exist")]}
    context.commerce.delete_product(number, at=context.at)
    return {**answer, "deletedProductId": gid("Product", number), "userErrors": []}


@query("collection")
def collection(_source: Any, context: Context, id_: str) -> Document | None:
    return context.state.get(context.shop, "collection", number_of(id_, "Collection"))


@resolves("Product", "collections")
def collections(source: Document, context: Context, **page: Any) -> dict[str, Any]:
    for unused in ("sort_key", "query"):
        page.pop(unused, None)
    return connection(context.state.find(context.shop, "collection", "product", source["id"]), **page)


@resolves("Collection", "products")
def members(source: Document, context: Context, **page: Any) -> dict[str, Any]:
    page.pop("sort_key", None)
    found = (context.state.get(context.shop, "product", number) for number in source["_products"])
    return connection([one for one in found if one], **page)


@resolves("Collection", "legacyResourceId")
@resolves("Product", "legacyResourceId")
@resolves("ProductVariant", "legacyResourceId")
def legacy_resource_id(source: Document, _context: Context) -> int:
    return int(source["id"])


def _split(tags: str) -> list[str]:
    return [tag for tag in tags.split(", ") if tag]


@resolves("Product", "tags")
def tags(source: Document, _context: Context) -> list[str]:
    return _split(source["tags"])


@resolves("Product", "hasOnlyDefaultVariant")
def has_only_default_variant(source: Document, _context: Context) -> bool:
    return [variant["title"] for variant in source["variants"]] == ["Default Title"]


@resolves("Product", "variants")
def variants(source: Document, _context: Context, **page: Any) -> dict[str, Any]:
    page.pop("sort_key", None)
    return connection([{**variant, "_product": source} for variant in source["variants"]], **page)


@resolves("Product", "variantsCount")
def variants_count(source: Document, _context: Context) -> dict[str, Any]:
    return count(len(source["variants"]))


@resolves("Product", "priceRangeV2")
def price_range(source: Document, context: Context) -> dict[str, Any]:
    prices = sorted(float(variant["price"]) for variant in source["variants"]) or [0.0]
    low, high = context.money(decimal_text(prices[0])), context.money(decimal_text(prices[-1]))
    return {"minVariantPrice": low, "maxVariantPrice": high}


@resolves("ProductVariant", "product")
def product_of_variant(source: Document, _context: Context) -> Document:
    document: Document = source["_product"]
    return document


@resolves("ProductVariant", "displayName")
def variant_display_name(source: Document, _context: Context) -> str:
    return f"{source['_product']['title']} - {source['title']}"
