"""Every operation against the Admin schema that Shopify publishes for our version, and the scopes we ask for."""

import gzip
import json
import os
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_named_type,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.validation import NoDeprecatedCustomRule

from app.shopify import operations

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(operations.FOLDER.glob("*.graphql"))
IDS = [path.stem for path in FILES]


@cache
def published() -> dict[str, Any]:
    path = os.environ.get("PERENNIAL_SHOPIFY_SCHEMA") or ROOT / ".cache" / "shopify" / "admin_2026-10.json.gz"
    with gzip.open(path) as file:
        document: dict[str, Any] = json.load(file)
    return document


@cache
def schema() -> GraphQLSchema:
    return build_client_schema(published()["data"], assume_valid=True)


@cache
def scopes_by_place() -> dict[tuple[str, str | None], set[str]]:
    """(type, field or None for the type itself) -> any of these scopes opens it."""
    items = published()["offline_scopes"]["items"]
    return {(item["typeName"], item.get("fieldName")): set(item["offlineScopes"]) for item in items}


@cache
def asked_for() -> set[str]:
    """The scopes of shopify.app.toml, with the reading that each writing implies."""
    document = tomllib.loads((ROOT / "shopify.app.toml").read_text())
    scopes = set(document["access_scopes"]["scopes"].split(","))
    return scopes | {scope.replace("write_", "read_") for scope in scopes}


class Places(Visitor):
    """Collects the types and fields a document touches."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info, self.found = info, set[tuple[str, str | None]]()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent, kind = self.info.get_parent_type(), self.info.get_type()
        if parent is not None:
            self.found.add((parent.name, node.name.value))
        named = get_named_type(kind) if kind is not None else None
        if isinstance(named, GraphQLObjectType):
            self.found.add((named.name, None))


def places(document: DocumentNode) -> set[tuple[str, str | None]]:
    info = TypeInfo(schema())
    collector = Places(info)
    visit(document, TypeInfoVisitor(info, collector))
    return collector.found


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_the_published_schema_knows_everything_the_operation_uses(path: Path) -> None:
    document = parse(path.read_text())
    assert [error.message for error in validate(schema(), document, [*specified_rules, NoDeprecatedCustomRule])] == []


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_the_scopes_we_ask_for_suffice(path: Path) -> None:
    needed = {
        place: scopes for place in places(parse(path.read_text())) if (scopes := scopes_by_place().get(place, set()))
    }
    assert {place: scopes for place, scopes in needed.items() if not scopes & asked_for()} == {}


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_the_file_is_named_as_its_operation_and_loads(path: Path) -> None:
    name = operations.parse(path.read_text()).name
    assert operations.load(name).text == path.read_text()


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_mutation_asks_for_its_user_errors(path: Path) -> None:
    [operation] = [node for node in parse(path.read_text()).definitions if isinstance(node, OperationDefinitionNode)]
    assert operations.load(operations.parse(path.read_text()).name).changes is (
        operation.operation is OperationType.MUTATION
    )
    if operation.operation is not OperationType.MUTATION:
        return
    for mutation in operation.selection_set.selections:
        assert isinstance(mutation, FieldNode)
        assert mutation.selection_set is not None
        selected = {
            field.name.value: field for field in mutation.selection_set.selections if isinstance(field, FieldNode)
        }
        [errors] = [field for name, field in selected.items() if name.lower().endswith("usererrors")]
        assert errors.selection_set is not None
        names = {field.name.value for field in errors.selection_set.selections if isinstance(field, FieldNode)}
        assert {"field", "message"} <= names


def test_no_other_file_writes_graphql() -> None:
    """A document in a string would escape the tests above."""
    document = re.compile(r"\b(query|mutation)\s+\w+\s*(\([^)]*\$|\{)")
    sources = [path for folder in ("app", "webhooks") for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in sources if document.search(path.read_text())] == []


def test_an_operation_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match=r"no_such_thing\.graphql"):
        operations.load("NoSuchThing")
