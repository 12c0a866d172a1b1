"""tagsAdd and tagsRemove, for customers, orders, products and discounts."""

from typing import Any

from dev_store.graphql.context import Context
from dev_store.graphql.errors import refusal, user_error
from dev_store.graphql.gids import split
from dev_store.graphql.nodes import find_node
from dev_store.graphql.scalars import instant_text
from dev_store.graphql.schema import mutation
from dev_store.state import Document

_KINDS = {"Order": "order", "Product": "product", "DiscountCodeNode": "discount"}
LONGEST_TAG = 255
Payload = dict[str, Any]


@mutation("tagsAdd")
def tags_add(_source: Any, context: Context, id_: str, tags: list[str]) -> Payload:
    wanted = [tag.strip() for tag in tags if tag.strip()]
    if any(len(tag) > LONGEST_TAG for tag in wanted):
        return {"node": None, "userErrors": [user_error(["tags"], f"Tags exceeded {LONGEST_TAG} characters")]}

    def added(held: list[str]) -> list[str]:
        known = {tag.lower() for tag in held}
        return held + [tag for tag in dict.fromkeys(wanted) if tag.lower() not in known]

    return _change(context, id_, added)


@mutation("tagsRemove")
def tags_remove(_source: Any, context: Context, id_: str, tags: list[str]) -> Payload:
    gone = {tag.strip().lower() for tag in tags}
    return _change(context, id_, lambda held: [tag for tag in held if tag.lower() not in gone])


def _change(context: Context, text: str, change: Any) -> Payload:
    kind, number = split(text) or ("", 0)
    if kind == "Customer":
        document = context.state.get(context.shop, "customer", number)
        if document:
            _scope(context, "write_customers")
            context.commerce.update_customer(
                number, at=context.at, tags=sorted(change(document["_tags"]), key=str.lower)
            )
    elif kind in _KINDS:
        document = context.state.get(context.shop, _KINDS[kind], number)
        if document:
            _scope(context, {"Order": "write_orders", "Product": "write_products"}.get(kind, "write_discounts"))
            _write(context, kind, document, change)
    else:
        document = None
    if document is None:
        return {"node": None, "userErrors": [user_error(["id"], f"{kind or 'Node'} does not exist")]}
    return {"node": find_node(context, text), "userErrors": []}


def _write(context: Context, kind: str, document: Document, change: Any) -> None:
    """Orders and products keep their tags as one comma-separated text, as their webhooks carry it."""
    if isinstance(document["tags"], list):
        document["tags"] = change(document["tags"])
    else:
        document["tags"] = ", ".join(sorted(change([tag for tag in document["tags"].split(", ") if tag])))
    if kind == "Order":
        context.commerce.update_order(document["id"], at=context.at, tags=document["tags"])
        return
    document["updated_at"] = instant_text(context.at)
    context.state.put(context.shop, _KINDS[kind], document["id"], document)


def _scope(context: Context, scope: str) -> None:
    """The schema lists no scope for these mutations, because it depends on what is tagged."""
    if not context.grants(frozenset({scope})):
        raise refusal(f"Access denied for tags field. Required access: `{scope}` access scope.", "ACCESS_DENIED")
