"""A Flask request as an operation wants it: parameters and body, checked against the table, refused with reasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from app.api.checks import Schema, faults
from app.api.operation import Operation, Parameter
from app.api.problems import UnsupportedMediaType
from app.api.table import PATH
from app.errors import Invalid


@dataclass(frozen=True)
class Asked:
    """What a request says, after the checks."""

    query: Mapping[str, Any]
    body: Mapping[str, Any]


def receive(request: Request, operation: Operation) -> None:
    """Wait for the whole body, which may come slowly, so that nothing is held while waiting; raises Werkzeug's 413."""
    if operation.body is not None:
        _raw_body(request, operation.largest_body)


def read(request: Request, operation: Operation, path: Mapping[str, str]) -> Asked:
    """Read a request; raises Invalid with every fault found, and Werkzeug's 413 for a body that is too large."""
    query, wrong = _query(request, operation)
    found = [*_path_faults(path), *wrong]
    if found:
        raise _refused(found)
    return Asked(query, _body(request, operation.body, operation.largest_body) if operation.body is not None else {})


def _path_faults(path: Mapping[str, str]) -> list[dict[str, str]]:
    return [fault for name, value in path.items() for fault in faults(value, PATH[name].schema, name)]


def _query(request: Request, operation: Operation) -> tuple[dict[str, Any], list[dict[str, str]]]:
    known = {parameter.name: parameter for parameter in operation.query}
    values: dict[str, Any] = {}
    wrong: list[dict[str, str]] = []
    for name, given in request.args.lists():
        if name not in known or len(given) > 1:
            detail = "is given more than once" if name in known else f"is not known here; known: {', '.join(known)}"
            wrong.append({"pointer": name, "detail": detail})
            continue
        values[name] = _typed(known[name], given[0])
        wrong += faults(values[name], known[name].schema, name)
    return values, wrong


def _typed(parameter: Parameter, text: str) -> str | int:
    """Query strings hold text only; where the schema wants an integer, plain digits become one."""
    wanted = parameter.schema["type"] == "integer" and text.isascii() and text.isdigit() and len(text) < 10
    return int(text) if wanted else text


def _raw_body(request: Request, largest: int) -> bytes:
    """The body as sent. One that does not tell its length is cut off at the limit in silence, hence the one more."""
    request.max_content_length = largest + 1
    raw = request.get_data()
    if len(raw) > largest:
        raise RequestEntityTooLarge
    return raw


def _body(request: Request, schema: Schema, largest: int) -> dict[str, Any]:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send the body as Content-Type: application/json.")
    try:
        value = orjson.loads(_raw_body(request, largest))
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The body is not JSON: {error.msg} at character {error.pos}.", kind="broken-json") from error
    found = list(faults(value, schema))
    if found:
        raise _refused(found)
    assert isinstance(value, dict)
    return value


def _refused(found: list[dict[str, str]]) -> Invalid:
    first = found[0]
    return Invalid(f"{first['pointer'] or 'The body'} {first['detail']}.", errors=found)
