"""Holding an answer against the OpenAPI document: status, media type, each member of the body, nothing else."""

import json
import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from werkzeug.test import TestResponse

from app.api import openapi

formats = FormatChecker()


@formats.checks("date-time")
def is_instant(value: object) -> bool:
    """RFC 3339 in UTC with Z, as the API promises; stricter than the format's own rule."""
    return not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value))


@cache
def published() -> dict[str, Any]:
    """The document as a client reads it."""
    document = json.loads(json.dumps(openapi.document()))
    assert isinstance(document, dict)
    return document


def require_documented(method: str, path: str, answer: TestResponse) -> None:
    """Fail unless the document describes this answer; unknown addresses only have to be problem documents."""
    content = _content(_operation(method, path.partition("?")[0]), answer)
    assert answer.mimetype in content, f"{answer.status} {answer.mimetype}"
    schema = _closed(_resolved(content[answer.mimetype]["schema"]))
    found = list(Draft202012Validator(schema, format_checker=formats).iter_errors(answer.get_json(force=True)))
    assert found == [], found
    if answer.status_code >= 400:
        assert answer.get_json(force=True)["status"] == answer.status_code


def _operation(method: str, path: str) -> dict[str, Any]:
    for template, methods in published()["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
            return dict(methods.get(method.lower(), {}))
    return {}


def _content(operation: dict[str, Any], answer: TestResponse) -> dict[str, Any]:
    if not operation:
        assert answer.status_code in {404, 405}
        return {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses = operation["responses"]
    assert str(answer.status_code) in responses, f"{operation['operationId']} does not document {answer.status}"
    return dict(_resolved_once(responses[str(answer.status_code)])["content"])


def _resolved_once(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = published()
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _resolved(node: Any) -> Any:
    """The schema with every reference replaced; ours are never circular."""
    if isinstance(node, dict):
        return {name: _resolved(member) for name, member in _resolved_once(node).items()}
    return [_resolved(member) for member in node] if isinstance(node, list) else node


def _closed(node: Any) -> Any:
    """The schema without room for members it does not name, unless it says that there is."""
    if isinstance(node, list):
        return [_closed(member) for member in node]
    if not isinstance(node, dict):
        return node
    closed = {name: _closed(member) for name, member in node.items()}
    return {"additionalProperties": False, **closed} if isinstance(node.get("properties"), dict) else closed
