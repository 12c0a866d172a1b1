"""Checking values against the schemas of the API's table: the part of JSON Schema 2020-12 that the table uses.

The same schemas are published in the OpenAPI document, so what is documented is what is checked. A keyword that is not
known here raises when the table is read, at import; a property test holds `faults` against the `jsonschema` package.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Check = Callable[[Any, Any], bool]

_NOTES = {"description", "title", "default", "examples", "format"}
_STRUCTURE = {"type", "properties", "required", "additionalProperties"}


def _is_integer(value: Any) -> bool:
    """JSON has one kind of number: 5.0 is an integer, true is not."""
    return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": _is_integer,
}
# Keyword: whether it holds, and what to tell the caller. Each looks only at the type it is about.
_RULES: dict[str, tuple[Check, str]] = {
    "minLength": (lambda v, n: not isinstance(v, str) or len(v) >= n, "must have at least {} characters"),
    "maxLength": (lambda v, n: not isinstance(v, str) or len(v) <= n, "must have at most {} characters"),
    "pattern": (lambda v, p: not isinstance(v, str) or bool(re.fullmatch(p, v)), "must match {}"),
    "minimum": (lambda v, n: not _is_number(v) or v >= n, "must be at least {}"),
    "maximum": (lambda v, n: not _is_number(v) or v <= n, "must be at most {}"),
    "enum": (lambda v, allowed: v in allowed, "must be one of {}"),
    "not": (lambda v, schema: next(faults(v, schema), None) is not None, "must not be {}"),
    "const": (lambda v, only: v == only, "must be {}"),
}


def faults(value: Any, schema: Schema, pointer: str = "") -> Iterator[dict[str, str]]:
    """What is wrong with a value: JSON pointer and sentence for each fault, none when it is valid."""
    types = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
    if types and not any(_TYPES[name](value) for name in types):
        yield {"pointer": pointer, "detail": f"must be of type {' or '.join(types)}"}
        return
    for keyword, (holds, sentence) in _RULES.items():
        if keyword in schema and not holds(value, schema[keyword]):
            yield {"pointer": pointer, "detail": sentence.format(_in_words(schema[keyword]))}
    if isinstance(value, dict):
        yield from _faults_of_members(value, schema, pointer)


def _faults_of_members(value: dict[str, Any], schema: Schema, pointer: str) -> Iterator[dict[str, str]]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield {"pointer": f"{pointer}/{name}", "detail": "is missing"}
    for name, member in value.items():
        if name in properties:
            yield from faults(member, properties[name], f"{pointer}/{name}")
        elif schema.get("additionalProperties") is False:
            known = ", ".join(properties) or "none"
            yield {"pointer": f"{pointer}/{name}", "detail": f"is not known here; known: {known}"}


def _in_words(argument: Any) -> str:
    if isinstance(argument, Mapping):
        return str(argument.get("const", argument))
    return ", ".join(map(str, argument)) if isinstance(argument, list | tuple) else str(argument)


def require_known_keywords(schema: Schema) -> None:
    """Raise ValueError when a schema uses what `faults` would silently ignore."""
    unknown = set(schema) - _NOTES - _STRUCTURE - set(_RULES)
    if unknown:
        raise ValueError(f"checks.py does not know the schema keywords {sorted(unknown)}")
    for member in schema.get("properties", {}).values():
        require_known_keywords(member)
    if "not" in schema:
        require_known_keywords(schema["not"])
