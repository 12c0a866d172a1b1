"""The JSONL file of a bulk operation: the query is executed page by page, every object becomes a line.

Nested connections become lines of their own that name their parent in `__parentId`. Shopify promises only that a parent
comes before its children; here they are as far apart as they can be, all children behind all parents.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import orjson
from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    IntValueNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_named_type,
    visit,
)

from dev_store.graphql.context import Context
from dev_store.graphql.executor import Request, answer
from dev_store.graphql.schema import admin_schema

PAGE = 250
_AFTER = "bulkAfter"


@dataclass
class Count:
    """Objects written: roots, and all of them."""

    roots: int = 0
    objects: int = 0


class Denied(Exception):
    """The query asks for what the token's scopes do not open."""


def write(context: Context, document: DocumentNode, file: Path) -> Iterator[Count]:
    """Write the file, yielding what is done after each page. Raises Denied; a broken resolver raises RuntimeError."""
    paged = _paged(document)
    count, children = Count(), file.with_suffix(".children")
    with file.open("wb") as out, children.open("wb") as behind:
        for node in _roots(context, paged):
            count.roots += 1
            _emit(out, behind, node, None, count)
            if count.roots % PAGE == 0:
                yield count
    with file.open("ab") as out, children.open("rb") as behind:
        shutil.copyfileobj(behind, out)
    children.unlink()
    yield count


def _emit(out: IO[bytes], behind: IO[bytes], node: dict[str, Any], parent: str | None, count: Count) -> None:
    """Its own line, without its connections, and a line for each object in them."""
    count.objects += 1
    own = {key: value for key, value in node.items() if not _is_connection(value)}
    if parent is not None:
        own["__parentId"] = parent
    out.write(orjson.dumps(own) + b"\n")
    for value in node.values():
        if _is_connection(value):
            for edge in value["edges"]:
                _emit(behind, behind, edge["node"], node["id"], count)


def _is_connection(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"edges"}


def _roots(context: Context, document: DocumentNode) -> Iterator[dict[str, Any]]:
    [operation] = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    after: str | None = None
    while True:
        body = answer(context, document, operation, Request("", {_AFTER: after}, None))
        if errors := body.get("errors"):
            code = errors[0].get("extensions", {}).get("code")
            raise Denied(errors[0]["message"]) if code == "ACCESS_DENIED" else RuntimeError(errors[0]["message"])
        [found] = body["data"].values()
        yield from (edge["node"] for edge in found["edges"])
        if not found["pageInfo"]["hasNextPage"]:
            return
        after = found["pageInfo"]["endCursor"]


def _paged(document: DocumentNode) -> DocumentNode:
    """The same query with sizes for its connections, and a cursor for the one at the root."""
    info = TypeInfo(admin_schema())
    paged: DocumentNode = visit(document, TypeInfoVisitor(info, _Sizes(info)))
    return paged


class _Sizes(Visitor):
    """Nodes are immutable: each one left behind is replaced by its paged form."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info, self.depth = info, 0

    def leave_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> OperationDefinitionNode:
        kind = NamedTypeNode(name=NameNode(value="String"))
        variable = VariableDefinitionNode(variable=_CURSOR, type=kind, directives=())
        return replace(node, variable_definitions=(variable,))

    def enter_field(self, *_: Any) -> None:
        self.depth += 1

    def leave_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        self.depth -= 1
        kind = self.info.get_type()
        if kind is None or not get_named_type(kind).name.endswith("Connection"):
            return None
        kept = [one for one in node.arguments or () if one.name.value not in ("first", "last", "after", "before")]
        kept.append(ArgumentNode(name=NameNode(value="first"), value=IntValueNode(value=str(PAGE))))
        if self.depth:
            return replace(node, arguments=tuple(kept))
        kept.append(ArgumentNode(name=NameNode(value="after"), value=_CURSOR))
        selected = node.selection_set.selections if node.selection_set else ()
        return replace(
            node, arguments=tuple(kept), selection_set=SelectionSetNode(selections=(*selected, _page_information()))
        )


_CURSOR = VariableNode(name=NameNode(value=_AFTER))


def _page_information() -> FieldNode:
    fields = tuple(_field(name) for name in ("hasNextPage", "endCursor"))
    return replace(_field("pageInfo"), selection_set=SelectionSetNode(selections=fields))


def _field(name: str) -> FieldNode:
    return FieldNode(name=NameNode(value=name), alias=None, arguments=(), directives=(), selection_set=None)
