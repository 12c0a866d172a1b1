"""Metafields of customers, orders, products, the shop and the installation: set (with compare-and-set), read, delete.

`$app` and a missing namespace mean the app's own reserved one. A call is atomic: one bad entry and nothing is written.
"""

import json
from hashlib import sha256
from typing import Any

from dev_store.graphql.connections import connection
from dev_store.graphql.context import Context
from dev_store.graphql.errors import user_error
from dev_store.graphql.gids import gid, split
from dev_store.graphql.installation import APP_NUMBER
from dev_store.graphql.metafield_checks import MOST, problems
from dev_store.graphql.schema import mutation, resolves
from dev_store.state import Document

Payload = dict[str, Any]

KINDS = {
    "Customer": "customer", "Order": "order", "Product": "product", "Shop": "shop", "DiscountCodeNode": "discount",
}  # fmt: skip
_OWNER_TYPES = {
    "Customer": "CUSTOMER", "Order": "ORDER", "Product": "PRODUCT", "Shop": "SHOP", "DiscountCodeNode": "DISCOUNT",
    "AppInstallation": "API_PERMISSION",
}  # fmt: skip


def namespace_of(name: str | None) -> str:
    """The stored namespace: `$app:points` and nothing at all are the app's own."""
    own = f"app--{APP_NUMBER}"
    if name is None or name == "$app":
        return own
    return f"{own}--{name.removeprefix('$app:')}" if name.startswith("$app:") else name


def digest(type_name: str, value: str) -> str:
    """`compareDigest`: equal for equal content, whoever wrote it and when."""
    return sha256(f"{type_name}\n{value}".encode()).hexdigest()


@mutation("metafieldsSet")
def metafields_set(_source: Any, context: Context, metafields: list[dict[str, Any]]) -> Payload:
    if len(metafields) > MOST:
        message = f"Exceeded the maximum metafields input limit of {MOST}."
        error = user_error(["metafields"], message, "LESS_THAN_OR_EQUAL_TO", elementIndex=None)
        return {"metafields": None, "userErrors": [error]}
    errors = []
    for place, wanted in enumerate(metafields):
        held = find(context, wanted["ownerId"], namespace_of(wanted.get("namespace")), wanted["key"])
        errors += problems(wanted, held, str(place), owner_is_known=owner_exists(context, wanted["ownerId"]))
    if errors:
        return {"metafields": [], "userErrors": errors}
    return {"metafields": [_write(context, wanted) for wanted in metafields], "userErrors": []}


@mutation("metafieldsDelete")
def metafields_delete(_source: Any, context: Context, metafields: list[dict[str, Any]]) -> Payload:
    """What was not there is null in the list, and no error."""
    deleted: list[dict[str, Any] | None] = []
    for wanted in metafields:
        held = find(context, wanted["ownerId"], namespace_of(wanted["namespace"]), wanted["key"])
        if held:
            context.state.delete(context.shop, "metafield", held["id"])
        gone = {"ownerId": wanted["ownerId"], "namespace": wanted["namespace"], "key": wanted["key"]}
        deleted.append(gone if held else None)
    return {"deletedMetafields": deleted, "userErrors": []}


@resolves("Customer", "metafield")
@resolves("Order", "metafield")
@resolves("Product", "metafield")
@resolves("Shop", "metafield")
@resolves("AppInstallation", "metafield")
@resolves("DiscountCodeNode", "metafield")
@resolves("DiscountNode", "metafield")
def metafield(source: Document, context: Context, key: str, namespace: str | None = None) -> Document | None:
    """One field of an owner; `key` may carry its namespace before a dot."""
    if namespace is None and "." in key:
        namespace, key = key.split(".", 1)
    return find(context, _owner(source), namespace_of(namespace), key)


@resolves("Customer", "metafields")
@resolves("Order", "metafields")
@resolves("Product", "metafields")
@resolves("Shop", "metafields")
@resolves("AppInstallation", "metafields")
@resolves("DiscountCodeNode", "metafields")
@resolves("DiscountNode", "metafields")
def metafields(
    source: Document,
    context: Context,
    namespace: str | None = None,
    keys: list[str] | None = None,
    **page: Any,
) -> dict[str, Any]:
    wanted = None if keys is None else {_full_key(key) for key in keys}
    found = [
        doc
        for doc in context.state.find(context.shop, "metafield", "owner", _owner(source))
        if (namespace is None or doc["namespace"] == namespace_of(namespace))
        and (wanted is None or f"{doc['namespace']}.{doc['key']}" in wanted)
    ]
    return connection(found, **page)


@resolves("Metafield", "jsonValue")
def json_value(source: Document, _context: Context) -> Any:
    """Numbers, truth values, lists and objects as JSON; texts and decimals as text."""
    kind = source["type"]
    plain = kind in ("number_integer", "boolean", "json", "rich_text_field", "link", "money", "rating")
    return json.loads(source["value"]) if plain or kind.startswith("list.") else source["value"]


@resolves("Metafield", "ownerType")
def owner_type(source: Document, _context: Context) -> str:
    kind = (split(source["owner"]) or ("", 0))[0]
    return _OWNER_TYPES.get(kind, kind.upper())


@resolves("Metafield", "legacyResourceId")
def legacy_resource_id(source: Document, _context: Context) -> int:
    return int(source["id"])


@resolves("Metafield", "definition", "reference", "description")
def nothing(_source: Document, _context: Context) -> None:
    return None


@resolves("Metafield", "owner")
def owner(source: Document, context: Context) -> Document | None:
    parts = split(source["owner"])
    assert parts is not None
    document = context.state.get(context.shop, KINDS.get(parts[0], ""), parts[1])
    return {**document, "__typename": parts[0]} if document else None


def find(context: Context, owner_gid: str, namespace: str, key: str) -> Document | None:
    for document in context.state.find(context.shop, "metafield", "owner", owner_gid):
        if (document["namespace"], document["key"]) == (namespace, key):
            return document
    return None


def owner_exists(context: Context, owner_gid: str) -> bool:
    parts = split(owner_gid)
    if parts is None:
        return False
    if parts[0] == "AppInstallation":
        return bool(parts[1] == context.shop_document["id"])
    return parts[0] in KINDS and context.state.get(context.shop, KINDS[parts[0]], parts[1]) is not None


def _write(context: Context, wanted: dict[str, Any]) -> Document:
    namespace = namespace_of(wanted.get("namespace"))
    held = find(context, wanted["ownerId"], namespace, wanted["key"])
    now = context.at.isoformat()
    document = held or {
        "id": context.state.next_id(context.shop, "metafield"),
        "owner": wanted["ownerId"],
        "namespace": namespace,
        "key": wanted["key"],
        "created_at": now,
    }
    kind = wanted.get("type") or document["type"]
    value = wanted["value"]
    document |= {"type": kind, "value": value, "compare_digest": digest(kind, value), "updated_at": now}
    document["size_in_bytes"] = len(value.encode())
    context.state.put(context.shop, "metafield", document["id"], document)
    return {**document, "__typename": "Metafield"}


def _owner(source: Document) -> str:
    """Nodes made by resolvers carry a global id, documents their own."""
    if isinstance(source["id"], str):
        return source["id"]
    named = source.get("admin_graphql_api_id")
    return str(named) if named else gid("Shop", source["id"])


def _full_key(key: str) -> str:
    namespace, _, name = key.rpartition(".")
    return f"{namespace_of(namespace or None)}.{name}"
