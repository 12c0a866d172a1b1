"""Checks the variables of an operation as Shopify does and words what is wrong as Shopify does.

graphql-core would refuse the same values in other words; apps read these. `executor` calls `problems_with` before it
executes. What was recorded: all problems of one variable in one error, unknown keys first, then the type's fields in
their order; a variable that is missing has the value null.
"""

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    is_required_input_field,
)
from graphql.error import GraphQLError
from graphql.pyutils import Undefined
from graphql.utilities import type_from_ast

from dev_store.graphql.scalars import Unacceptable, parse_id

Path = tuple[str | int, ...]
Problem = dict[str, Any]


def problems_with(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: dict[str, Any]
) -> list[dict[str, Any]]:
    """One error for each variable whose value the schema forbids, as it stands in the response's `errors`."""
    errors = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        value = given.get(name, Undefined)
        if value is Undefined and definition.default_value is not None:
            continue
        problems = list(_problems(type_from_ast(schema, definition.type), None if value is Undefined else value, ()))
        if problems:
            errors.append(_error(definition, None if value is Undefined else value, problems))
    return errors


def _error(definition: VariableDefinitionNode, value: Any, problems: list[Problem]) -> dict[str, Any]:
    name, wanted = definition.variable.name.value, _type_text(definition)
    message = f"Variable ${name} of type {wanted} was provided invalid value"
    places = [
        f"{'.'.join(map(str, problem['path']))} ({problem['explanation']})" for problem in problems if problem["path"]
    ]
    if places:
        message += " for " + ", ".join(places)
    location = GraphQLError("", definition).formatted["locations"]
    extensions = {"code": "INVALID_VARIABLE", "value": value, "problems": problems}
    return {"message": message, "locations": location, "extensions": extensions}


def _type_text(definition: VariableDefinitionNode) -> str:
    source = definition.type.loc
    assert source is not None
    return "".join(source.source.body[source.start : source.end].split())


def _problems(wanted: Any, value: Any, path: Path) -> Iterator[Problem]:
    if isinstance(wanted, GraphQLNonNull):
        if value is None:
            yield _problem(path, "Expected value to not be null")
            return
        wanted = wanted.of_type
    if value is None:
        return
    if isinstance(wanted, GraphQLList):
        items = value if isinstance(value, list) else [value]
        for place, item in enumerate(items):
            yield from _problems(wanted.of_type, item, (*path, place) if isinstance(value, list) else path)
    elif isinstance(wanted, GraphQLInputObjectType):
        yield from _object_problems(wanted, value, path)
    else:
        yield from _leaf_problems(wanted, value, path)


def _object_problems(wanted: GraphQLInputObjectType, value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _problem(path, f"Expected {_quoted(value)} to be a key-value object.")
        return
    for key in value:
        if key not in wanted.fields:
            yield _problem((*path, key), f"Field is not defined on {wanted.name}")
    for name, field in wanted.fields.items():
        if name in value:
            yield from _problems(field.type, value[name], (*path, name))
        elif is_required_input_field(field):
            yield _problem((*path, name), "Expected value to not be null")
    chosen = [key for key in value if key in wanted.fields]
    if wanted.is_one_of and len(chosen) != 1:
        count = f"{len(chosen)} were provided."
        yield _problem(path, f"'{wanted.name}' requires exactly one argument, but {count}")


def _leaf_problems(wanted: Any, value: Any, path: Path) -> Iterator[Problem]:
    if isinstance(wanted, GraphQLEnumType):
        if not isinstance(value, str) or value not in wanted.values:
            yield _problem(path, f"Expected {_quoted(value)} to be one of: {', '.join(wanted.values)}")
        return
    assert isinstance(wanted, GraphQLScalarType)
    try:
        parse_id(value) if wanted.name == "ID" else wanted.coerce_input_value(value)
    except Unacceptable as error:
        yield _problem(path, str(error)) | {"message": str(error)}
    except GraphQLError:
        yield _problem(path, f"Could not coerce value {_quoted(value)} to {wanted.name}")


def _problem(path: Path, explanation: str) -> Problem:
    return {"path": list(path), "explanation": explanation}


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
