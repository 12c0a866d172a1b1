"""What Shopify refuses in a bulk query, in its own words; the query itself must be valid against the schema as well.

Facts from recordings of the real API: connections are selected by `edges { node {`, at most five of them, at most two
levels deep, none within a list field, and whoever has nested connections selects its `id`.
"""

from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    get_nullable_type,
    is_list_type,
    parse,
    validate,
    visit,
)

from dev_store.graphql.schema import admin_schema

MOST_CONNECTIONS = 5
DEEPEST = 2


def document_of(text: str) -> DocumentNode:
    """The parsed query. Raises ValueError with the words of the user error."""
    try:
        document = parse(text)
    except GraphQLError as error:
        found = "unexpected end of file" if "<EOF>" in error.message else error.message.replace("Syntax Error: ", "")
        raise ValueError(f"Invalid bulk query: syntax error, {found}") from error
    [operation, *others] = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if others or operation.operation is not OperationType.QUERY:
        raise ValueError("Invalid operation type. Only `query` operations are supported.")
    if errors := validate(admin_schema(), document):
        raise ValueError(f"Invalid bulk query: {errors[0].message}")
    return document


def refusals(document: DocumentNode) -> list[str]:
    """Why a valid query cannot be run in bulk; empty when it can."""
    info = TypeInfo(admin_schema())
    found = _Connections(info)
    visit(document, TypeInfoVisitor(info, found))
    return found.refusals()


@dataclass
class _Connections(Visitor):
    """Walks a query and notes its connections."""

    info: TypeInfo
    count: int = 0
    deepest: int = 0
    in_list: bool = False
    top_level_node: bool = False
    by_nodes: list[str] = field(default_factory=list)
    without_id: list[str] = field(default_factory=list)
    # Fields around the one in hand: its name, and whether it is a connection, a list, or neither.
    around: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        kind = self.info.get_type()
        name, role = node.name.value, ""
        if not self.around and name in ("node", "nodes"):
            self.top_level_node = True
        if kind is not None and get_named_type(kind).name.endswith("Connection"):
            role = "connection"
            self._connection(node)
        elif kind is not None and is_list_type(get_nullable_type(kind)) and name not in ("edges", "nodes"):
            role = "list"
        self.around.append((name, role))

    def leave_field(self, *_: Any) -> None:
        self.around.pop()

    def _connection(self, node: FieldNode) -> None:
        self.count += 1
        outer = [place for place in self.around if place[1] == "connection"]
        self.deepest = max(self.deepest, len(outer))
        self.in_list = self.in_list or any(role == "list" for _, role in self.around)
        selected = _fields(node)
        if "nodes" in selected:
            self.by_nodes.append(node.name.value)
        edges = selected.get("edges")
        inner = _fields(edges).get("node") if edges else None
        if inner is not None and _nests(inner) and "id" not in _fields(inner):
            self.without_id.append(node.name.value)

    def refusals(self) -> list[str]:
        """In Shopify's order."""
        words = []
        if self.by_nodes:
            invalid = "', '".join(self.by_nodes)
            words.append(
                "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
                f"'{self.by_nodes[0]} {{ edges {{ node {{'. Selecting via 'nodes' is not supported. "
                f"Invalid connection fields: '{invalid}'."
            )
        if self.top_level_node:
            words.append("Bulk queries cannot contain a top level `node` field.")
        if self.deepest > DEEPEST:
            words.append("Bulk queries cannot contain connections with a nesting depth greater than 2.")
        if self.count > MOST_CONNECTIONS:
            words.append("Bulk queries cannot contain more than 5 connections.")
        if self.without_id:
            words.append(
                "The parent 'node' field for a nested connection must select the 'id' field without an alias and must "
                f"be of 'ID' return type. Connection fields without 'id': {', '.join(self.without_id)}."
            )
        if self.in_list:
            words.append("Queries that contain a connection field within a list field are not currently supported.")
        if not self.count:
            words.append("Bulk queries must contain at least one connection.")
        return words


def _fields(node: FieldNode) -> dict[str, FieldNode]:
    selections = node.selection_set.selections if node.selection_set else ()
    return {child.name.value: child for child in selections if isinstance(child, FieldNode) and child.alias is None}


def _nests(node: FieldNode) -> bool:
    return any("edges" in _fields(child) for child in _fields(node).values())
