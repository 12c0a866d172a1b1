"""Shopify's published Admin schema, and the table of resolvers that serves a part of it.

The file is fetched by `make` (npm, checksum kept in the repository) and never committed. A resolver is registered under
(type, field) and must exist in the schema: a typing error stops the development store at import. What nothing here
serves is answered `not implemented in the dev store: Type.field`, never with an invented value.
"""

import gzip
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, build_client_schema

from dev_store.graphql.scalars import teach_scalars

API_VERSION = "2026-10"
SCHEMA_VARIABLE = "PERENNIAL_SHOPIFY_SCHEMA"
SCHEMA_FILE = Path(".cache") / "shopify" / f"admin_{API_VERSION}.json.gz"

Resolver = Callable[..., Any]
R = TypeVar("R", bound=Resolver)


class SchemaMissing(Exception):
    """The published schema is not on this machine."""


@cache
def schema_path() -> Path:
    """Where the schema file lies: the variable, else the nearest `.cache` of a parent folder. Raises SchemaMissing."""
    if named := os.environ.get(SCHEMA_VARIABLE):
        return Path(named)
    for folder in (Path.cwd(), *Path(__file__).resolve().parents):
        if (folder / SCHEMA_FILE).exists():
            return folder / SCHEMA_FILE
    raise SchemaMissing(f"{SCHEMA_FILE} is missing: run `make setup`, or point {SCHEMA_VARIABLE} at it")


@cache
def _published() -> dict[str, Any]:
    with gzip.open(schema_path()) as file:
        document: dict[str, Any] = json.load(file)
    return document


@cache
def admin_schema() -> GraphQLSchema:
    """The executable schema with scalars that refuse what Shopify's refuse."""
    schema = build_client_schema(_published()["data"], assume_valid=True)
    teach_scalars(schema)
    return schema


@cache
def required_scopes() -> dict[tuple[str, str | None], tuple[frozenset[str], str]]:
    """(type, field or None) -> any one of these scopes opens it, and how Shopify words the requirement."""
    return {
        (item["typeName"], item.get("fieldName")): (frozenset(item["offlineScopes"]), item["requiredAccess"])
        for item in _published().get("offline_scopes", {}).get("items", [])
        if item["offlineScopes"]
    }


RESOLVERS: dict[tuple[str, str], Resolver] = {}


def resolves(type_name: str, *field_names: str) -> Callable[[R], R]:
    """Registers `resolver(source, context, **arguments)`; argument names are the schema's in
    snake_case, `id_` and `input_` where a builtin has the name.
    """

    def register(resolver: R) -> R:
        for field_name in field_names:
            owner = admin_schema().type_map.get(type_name)
            assert isinstance(owner, GraphQLObjectType | GraphQLInterfaceType), f"the schema has no type {type_name}"
            assert field_name in owner.fields, f"the schema has no field {type_name}.{field_name}"
            assert (type_name, field_name) not in RESOLVERS, f"{type_name}.{field_name} is registered twice"
            RESOLVERS[type_name, field_name] = resolver
        return resolver

    return register


def query(*field_names: str) -> Callable[[R], R]:
    return resolves("QueryRoot", *field_names)


def mutation(*field_names: str) -> Callable[[R], R]:
    return resolves("Mutation", *field_names)
