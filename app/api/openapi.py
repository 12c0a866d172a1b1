"""The OpenAPI 3.1 document, made from the table of operations; GET /api/v1/openapi.json answers it."""

from typing import Any

from app.api import rate, schemas, shapes
from app.api.idempotency import KEY_PATTERN
from app.api.jobs import KEPT_FOR
from app.api.operation import Operation, Parameter
from app.api.problems import MEDIA_TYPE
from app.api.table import OPERATIONS, PATH

VERSION = "1.0.0"
# Refusals that any operation may have, and those that only some have. The words are the responses' descriptions.
_COMMON = (400, 401, 403, 405, 429, 500, 503)
_OF_WRITES = (409, 422)
_OF_BODIES = (413, 415)
_WORDS = {
    400: "The request is not valid; `errors` says where",
    401: "No living API key",
    403: "The shop has uninstalled the app",
    404: "Nothing of that id in this shop",
    405: "The address does not take this method",
    409: "The present state does not allow it, or the first request of this key is still running",
    413: "The body is larger than 64 KiB, or than the operation says",
    415: "The body is not sent as application/json",
    422: "A rule refuses it, or the Idempotency-Key came with another request before",
    429: "Too many requests; see Retry-After",
    500: "A bug of ours; the log names it by `incident`",
    503: "The database did not answer; see Retry-After",
}
_ABOUT = f"""Points, rewards and the event log of one shop.

Every answer is about the shop whose key is sent. Ids are strings, because Shopify's exceed what a double holds.
Instants are RFC 3339 in UTC, money is a decimal string with a currency. Lists are walked with `next`; rows that are
added meanwhile do not disturb the walk.

Writes take an `Idempotency-Key`: the same key with the same request gives the same answer for {KEPT_FOR.days} days,
marked by the header `Idempotent-Replayed: true`. A success and a refusal with 422 are final for their key. After 404,
409 or 429 nothing has happened, after 5xx perhaps: the same key may be sent again and has at most one effect.

A key may ask {rate.REQUESTS_PER_SECOND} times a second of each web process, with bursts of {rate.BURST}."""


def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    paths["/openapi.json"] = {"get": _SELF}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Perennial", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": "/api/v1"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "perennial api-key create --shop S"}
            },
            "schemas": schemas.COMPONENTS,
            "responses": {f"Refusal{status}": _refusal(words) for status, words in _WORDS.items()},
            "headers": {
                "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
                "Replayed": {"description": "true when the answer was given before.", "schema": {"type": "string"}},
            },
        },
    }


_SELF: dict[str, Any] = {
    "operationId": "get_document",
    "summary": "This document",
    "security": [],
    "responses": {
        "200": {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}},
        "405": {"$ref": "#/components/responses/Refusal405"},
    },
}


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": {str(status): _success(name, operation) for status, name in operation.answers.items()}
        | {str(status): {"$ref": f"#/components/responses/Refusal{status}"} for status in refusals(operation)},
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": operation.body}}}
    return described


def refusals(operation: Operation) -> list[int]:
    """Statuses with which an operation may be refused."""
    of_body = _OF_BODIES if operation.body is not None else ()
    return sorted({*_COMMON, *(_OF_WRITES if operation.writes else ()), *of_body, *operation.refusals})


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    described = [_parameter(PATH[name], "path") for name in operation.path_names]
    described += [_parameter(parameter, "query") for parameter in operation.query]
    if operation.writes:
        key = Parameter("Idempotency-Key", "Makes a repeated request safe.", {"type": "string", "pattern": KEY_PATTERN})
        described.append(_parameter(key, "header"))
    return described


def _parameter(parameter: Parameter, place: str) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        "required": place == "path",
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _success(name: str, operation: Operation) -> dict[str, Any]:
    headers = (
        {"headers": {"Idempotent-Replayed": {"$ref": "#/components/headers/Replayed"}}} if operation.writes else {}
    )
    content = {"application/json": {"schema": shapes.reference(name)}}
    return {"description": operation.summary, **headers, "content": content}


def _refusal(words: str) -> dict[str, Any]:
    return {
        "description": words,
        "headers": {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}},
        "content": {MEDIA_TYPE: {"schema": shapes.reference("Problem")}},
    }
