"""Says what is wrong with an operation in Shopify's words: graphql-core finds it, this module translates.

Shopify's server is graphql-ruby; its static errors carry a `path` through the document and a `code`. `executor` sends
every validation error through `translated`; one that no rule here knows keeps graphql-core's words.
"""

import re
from collections.abc import Callable
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    Node,
    OperationDefinitionNode,
)

Extensions = dict[str, Any]
Wording = tuple[re.Pattern[str], Callable[[re.Match[str]], tuple[str, Extensions]]]


def parse_error(error: GraphQLError) -> dict[str, Any]:
    """A document that is no GraphQL."""
    return {"message": error.message.replace("Syntax Error: ", "syntax error, "), "locations": _locations(error)}


def translated(error: GraphQLError, document: DocumentNode) -> dict[str, Any]:
    """One static error as it stands in the response's `errors`."""
    message = error.message
    extensions: Extensions = {}
    for pattern, words in _WORDINGS:
        if match := pattern.match(error.message):
            message, extensions = words(match)
            break
    answer: dict[str, Any] = {"message": message, "locations": _locations(error)}
    if error.nodes:
        answer["path"] = _path(document, error.nodes[0])
    if extensions:
        answer["extensions"] = extensions
    return answer


def _locations(error: GraphQLError) -> list[dict[str, int]]:
    return [{"line": place.line, "column": place.column} for place in error.locations or []][:1]


def _path(document: DocumentNode, wanted: Node) -> list[str]:
    """The names on the way from the operation down to the node."""
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            named = f" {definition.name.value}" if definition.name else ""
            start = [f"{definition.operation.value}{named}"]
        elif isinstance(definition, FragmentDefinitionNode):
            start = [f"fragment {definition.name.value}"]
        else:
            continue
        if (found := _descend(definition, wanted)) is not None:
            return start + found
    return []


def _descend(node: Node, wanted: Node) -> list[str] | None:
    if node is wanted:
        return []
    for key in node.keys:
        child = getattr(node, key, None)
        for part in child if isinstance(child, tuple | list) else (child,):
            if isinstance(part, Node) and (below := _descend(part, wanted)) is not None:
                return _label(part) + below
    return None


def _label(node: Node) -> list[str]:
    if isinstance(node, FieldNode):
        return [node.alias.value if node.alias else node.name.value]
    return [node.name.value] if isinstance(node, ArgumentNode) else []


def _no_field(match: re.Match[str]) -> tuple[str, Extensions]:
    field, owner = match["field"], match["owner"]
    extensions = {"code": "undefinedField", "typeName": owner, "fieldName": field}
    return f"Field '{field}' doesn't exist on type '{owner}'", extensions


def _no_argument(match: re.Match[str]) -> tuple[str, Extensions]:
    field, argument = match["field"], match["argument"]
    extensions = {"code": "argumentNotAccepted", "name": field, "typeName": "Field", "argumentName": argument}
    return f"Field '{field}' doesn't accept argument '{argument}'", extensions


def _argument_missing(match: re.Match[str]) -> tuple[str, Extensions]:
    field, argument = match["field"], match["argument"]
    extensions = {"code": "missingRequiredArguments", "className": "Field", "name": field, "arguments": argument}
    return f"Field '{field}' is missing required arguments: {argument}", extensions


def _no_selection(match: re.Match[str]) -> tuple[str, Extensions]:
    field, owner = match["field"], match["owner"].strip("!")
    extensions = {"code": "selectionMismatch", "nodeName": f"field '{field}'", "typeName": owner}
    hint = f"Did you mean '{field} {{ ... }}'?"
    return f"Field must have selections (field '{field}' returns {owner} but has no selections. {hint})", extensions


def _leaf_selection(match: re.Match[str]) -> tuple[str, Extensions]:
    field, owner = match["field"], match["owner"].strip("!")
    extensions = {"code": "selectionMismatch", "nodeName": f"field '{field}'", "typeName": owner}
    return f"Selections can't be made on scalars (field '{field}' returns {owner} but has selections)", extensions


def _variable_undeclared(match: re.Match[str]) -> tuple[str, Extensions]:
    name, operation = match["name"], match["operation"] or "anonymous query"
    extensions = {"code": "variableNotDefined", "variableName": name}
    return f"Variable ${name} is used by {operation} but not declared", extensions


def _variable_unused(match: re.Match[str]) -> tuple[str, Extensions]:
    name, operation = match["name"], match["operation"] or "anonymous query"
    extensions = {"code": "variableNotUsed", "variableName": name}
    return f"Variable ${name} is declared by {operation} but not used", extensions


def _no_type(match: re.Match[str]) -> tuple[str, Extensions]:
    extensions = {"code": "undefinedType", "typeName": match["type"]}
    return f"No such type {match['type']}, so it can't be a fragment condition", extensions


def _literal(match: re.Match[str]) -> tuple[str, Extensions]:
    return match[0], {"code": "argumentLiteralsIncompatible", "typeName": "CoercionError"}


_WORDINGS: tuple[Wording, ...] = (
    (re.compile(r"Cannot query field '(?P<field>\w+)' on type '(?P<owner>\w+)'"), _no_field),
    (re.compile(r"Unknown argument '(?P<argument>\w+)' on field '\w+\.(?P<field>\w+)'"), _no_argument),
    (re.compile(r"Argument '\w+\.(?P<field>\w+)\((?P<argument>\w+):\)' of type .* is required"), _argument_missing),
    (re.compile(r"Field '(?P<field>\w+)' argument '(?P<argument>\w+)' of type .* is required"), _argument_missing),
    (re.compile(r"Field '(?P<field>\w+)' of type '(?P<owner>.+)' must have a selection"), _no_selection),
    (re.compile(r"Field '(?P<field>\w+)' must not have a selection since type '(?P<owner>.+)' has"), _leaf_selection),
    (
        re.compile(r"Variable '\$(?P<name>\w+)' is not defined(?: by operation '(?P<operation>\w+)')?"),
        _variable_undeclared,
    ),
    (re.compile(r"Variable '\$(?P<name>\w+)' is never used(?: in operation '(?P<operation>\w+)')?"), _variable_unused),
    (re.compile(r"Unknown type '(?P<type>\w+)'"), _no_type),
    (re.compile(r"(?:Expected value of|Value .* does not exist|Int cannot|String cannot|Boolean cannot).*"), _literal),
)
