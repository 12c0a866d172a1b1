"""Makes a query out of a recorded answer where the recording kept none: the answer's shape says what was asked.

A key the type has no field for is an alias: of `metafield`, whose arguments its value shows, or of a root field that
finds the object by its id. An alias of something that was null cannot be told and is left out, on both sides.
"""

import json
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from tests.contract.recordings import deleted_id

Json = dict[str, Any]


class CannotTell(Exception):
    """The answer does not say what was asked."""


def rebuilt(schema: GraphQLSchema, data: Json, variables: Json) -> tuple[str, Json]:
    """(query, the answer's data without what could not be asked). Raises CannotTell."""
    mutation = schema.mutation_type
    assert mutation is not None
    assert schema.query_type is not None
    root = mutation if all(key in mutation.fields for key in data) else schema.query_type
    fields, kept = [], {}
    declared: dict[str, str] = {}
    for key, value in data.items():
        field = _root_field(schema, root, key, value, variables, declared)
        if field is not None:
            fields.append(field)
            kept[key] = _without_unknown(schema, _named(root, key, value, schema), value)
    if not fields:
        raise CannotTell("none of its root fields can be told from the answer")
    kind = "mutation" if root is mutation else "query"
    heading = ", ".join(f"${name}: {type_name}" for name, type_name in declared.items())
    return f"{kind} Rebuilt{f'({heading})' if heading else ''} {{ {' '.join(fields)} }}", kept


def _named(root: GraphQLObjectType, key: str, value: Any, schema: GraphQLSchema) -> Any:
    field = root.fields.get(key)
    return get_named_type(field.type) if field else _type_of(schema, value)


def _root_field(
    schema: GraphQLSchema, root: GraphQLObjectType, key: str, value: Any, variables: Json, declared: dict[str, str]
) -> str | None:
    field = root.fields.get(key)
    if field is None:
        kind = _type_of(schema, value)
        finder = kind.name[0].lower() + kind.name[1:] if kind else ""
        if finder not in root.fields:
            return None
        return f'{key}: {finder}(id: "{value["id"]}") {_selection(schema, kind, value)}'
    arguments = []
    unmatched = [name for name in variables if name not in field.args]
    for name, argument in field.args.items():
        given = name if name in variables else None
        if given is None and is_required_argument(argument) and len(unmatched) == 1:
            given = unmatched[0]
        if given is None and is_required_argument(argument):
            if literal := _told_by_answer(name, argument, value):
                arguments.append(literal)
                continue
            raise CannotTell(f"the recording does not hold {key}'s argument {name}")
        if given is not None:
            declared[given] = str(argument.type)
            arguments.append(f"{name}: ${given}")
    kind = get_named_type(field.type)
    if kind.name.endswith("Connection") and "first" not in variables:
        arguments.append("first: 10")
    call = f"({', '.join(arguments)})" if arguments else ""
    return f"{key}{call} {_selection(schema, kind, value)}"


def _told_by_answer(name: str, argument: Any, value: Any) -> str | None:
    """The id a mutation was given, which its payload shows: what it deleted, or the one object it answers with."""
    objects = [child for child in value.values() if isinstance(child, dict) and "id" in child] if value else []
    told = deleted_id(value) or (objects[0]["id"] if len(objects) == 1 else None)
    if told is None:
        return None
    if get_named_type(argument.type).name == "ID":
        return f'{name}: "{told}"'
    fields = getattr(get_named_type(argument.type), "fields", {})
    return (
        f'{name}: {{ id: "{told}" }}'
        if [key for key in fields if is_required_input_field(fields[key])] == ["id"]
        else None
    )


def _type_of(schema: GraphQLSchema, value: Any) -> Any:
    """The type an object's own global id names."""
    identifier = value.get("id") if isinstance(value, dict) else None
    name = identifier.split("/")[3] if isinstance(identifier, str) and identifier.startswith("gid://") else ""
    return schema.type_map.get(name)


def _selection(schema: GraphQLSchema, kind: Any, value: Any) -> str:
    if is_leaf_type(kind):
        return ""
    merged = _merged(value)
    if merged is None:
        known = [name for name in ("field", "message", "code") if name in getattr(kind, "fields", {})]
        return f"{{ {' '.join(known)} }}" if kind.name.endswith("Error") else "{ __typename }"
    if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
        concrete = schema.type_map.get(merged.get("__typename") or "") or _type_of(schema, merged)
        if concrete is None:
            return "{ __typename }"
        return f"{{ __typename ... on {concrete.name} {_selection(schema, concrete, merged)} }}"
    parts = [part for key, child in merged.items() if (part := _field(schema, kind, key, child))]
    return f"{{ {' '.join(parts) or '__typename'} }}"


def _field(schema: GraphQLSchema, kind: GraphQLObjectType, key: str, value: Any) -> str | None:
    if key == "__typename":
        return key
    field = kind.fields.get(key)
    if field is None:
        return _aliased_metafield(schema, kind, key, value)
    below = get_named_type(field.type)
    arguments = "(first: 10)" if "first" in field.args and below.name.endswith("Connection") else ""
    if any(is_required_argument(argument) for argument in field.args.values()):
        return None
    return f"{key}{arguments} {_selection(schema, below, value)}"


def _aliased_metafield(schema: GraphQLSchema, kind: GraphQLObjectType, key: str, value: Any) -> str | None:
    if "metafield" not in kind.fields or not isinstance(value, dict) or not {"namespace", "key"} <= set(value):
        return None
    call = f"metafield(namespace: {json.dumps(value['namespace'])}, key: {json.dumps(value['key'])})"
    return f"{key}: {call} {_selection(schema, schema.type_map['Metafield'], value)}"


def _merged(value: Any) -> Json | None:
    """One object that has the keys of all of a list's objects; None when there is nothing to look at."""
    if isinstance(value, dict):
        return value
    merged: Json = {}
    for item in value if isinstance(value, list) else ():
        for key, child in (_merged(item) or {}).items():
            if child is not None or key not in merged:
                merged[key] = child
    return merged or None


def _without_unknown(schema: GraphQLSchema, kind: Any, value: Any) -> Any:
    """The answer as the rebuilt query would get it: without aliases that could not be told."""
    if isinstance(value, list):
        return [_without_unknown(schema, kind, item) for item in value]
    if not isinstance(value, dict) or kind is None:
        return value
    if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
        kind = schema.type_map.get(value.get("__typename") or "") or _type_of(schema, value)
    kept = {}
    for key, child in value.items():
        field = kind.fields.get(key) if isinstance(kind, GraphQLObjectType) else None
        if field is not None:
            kept[key] = _without_unknown(schema, get_named_type(field.type), child)
        elif key == "__typename" or (isinstance(child, dict) and "namespace" in child):
            kept[key] = child
    return kept
