"""`node` and `nodes`: anything the development store keeps, by its global id."""

from typing import Any

from dev_store.graphql.context import Context
from dev_store.graphql.discount_reads import node_of
from dev_store.graphql.errors import invalid_id
from dev_store.graphql.gids import gid, split
from dev_store.graphql.installation import current_app_installation
from dev_store.graphql.schema import query
from dev_store.state import Document

KINDS = {
    "Customer": "customer", "Order": "order", "Refund": "refund", "Product": "product", "Collection": "collection",
    "Segment": "segment", "Metafield": "metafield", "Shop": "shop", "DiscountRedeemCodeBulkCreation": "bulk_creation",
}  # fmt: skip


@query("node")
def node(_source: Any, context: Context, id_: str) -> Document | None:
    return find_node(context, id_)


@query("nodes")
def nodes(_source: Any, context: Context, ids: list[str]) -> list[Document | None]:
    return [find_node(context, one) for one in ids]


def find_node(context: Context, text: str) -> Document | None:
    """The object with its type's name; None when there is none. An id that is none is a top-level error."""
    parts = split(text)
    if parts is None:
        raise invalid_id(text)
    kind, number = parts
    if kind == "AppInstallation":
        return current_app_installation(None, context) if gid(kind, context.shop_document["id"]) == text else None
    if kind in ("DiscountCodeNode", "DiscountNode"):
        return node_of(context.state.get(context.shop, "discount", number), kind)
    document = context.state.get(context.shop, KINDS[kind], number) if kind in KINDS else None
    return {**document, "__typename": kind} if document else None
