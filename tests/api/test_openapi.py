"""The document: valid, complete, and the same as what is checked."""

import json
import re

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from app.api import schemas
from app.api.checks import faults
from app.api.openapi import refusals
from app.api.table import OPERATIONS, PATH
from app.api.words import REASONS, sentence
from tests.api.conformity import published
from tests.api.conftest import Api

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["points", "reason", "allow_negative", "reward_id", "other"])
BODIES = VALUES | st.dictionaries(NAMES, VALUES | st.sampled_from([0, 5, "5", "x", True, 5.0]), max_size=4)


def test_it_is_public_and_lists_every_route_and_no_other(api: Api, flask_app: Flask) -> None:
    document = api.client.get("/api/v1/openapi.json").get_json()
    documented = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods if method in METHODS
    }
    routed = {
        (method, re.sub(r"<(\w+)>", r"{\1}", str(rule)).removeprefix("/api/v1"))
        for rule in flask_app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert documented == routed


def test_its_structure_is_that_of_openapi_3_1() -> None:
    """What we use of the specification; every schema is valid JSON Schema."""
    document = published()
    assert document["openapi"].startswith("3.1.")
    assert {"title", "version"} <= set(document["info"])
    seen: set[str] = set()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["operationId"] not in seen
            seen.add(operation["operationId"])
            in_path = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", path))
            assert all(re.fullmatch("[1-5][0-9][0-9]", status) for status in operation["responses"])
            for parameter in operation.get("parameters", []):
                assert parameter["required"] is (parameter["in"] == "path")
                Draft202012Validator.check_schema(parameter["schema"])
            body = operation.get("requestBody", {"content": {}})
            for content in body["content"].values():
                Draft202012Validator.check_schema(content["schema"])
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    text = json.dumps(published())
    references = set(re.findall(r'"\$ref": "#/components/(\w+)/(\w+)"', text))
    components = published()["components"]
    defined = {(kind, name) for kind in ("schemas", "responses", "headers") for name in components[kind]}
    assert references == defined


def test_answers_that_differ_from_the_document_would_be_found() -> None:
    for operation in OPERATIONS:
        assert set(operation.answers.values()) <= set(schemas.COMPONENTS)
        assert not set(operation.answers) & set(refusals(operation))
        assert set(operation.path_names) <= set(PATH)


@given(BODIES)
def test_our_checks_and_json_schema_agree_on_every_body(body: object) -> None:
    for operation in OPERATIONS:
        if operation.body is not None:
            by_schema = Draft202012Validator(json.loads(json.dumps(operation.body))).is_valid(body)
            assert (next(faults(body, operation.body), None) is None) == by_schema


# Python's `$`, which jsonschema uses, also matches before a newline at the end; ours and ECMAScript's do not.
@given(st.text().filter(lambda text: not text.endswith("\n")) | st.integers(-5, 500))
def test_our_checks_and_json_schema_agree_on_every_parameter(value: object) -> None:
    for parameter in (*PATH.values(), *(one for operation in OPERATIONS for one in operation.query)):
        by_schema = Draft202012Validator(json.loads(json.dumps(parameter.schema))).is_valid(value)
        found = next(faults(value, parameter.schema), None)
        assert (found is None) == by_schema


def test_every_reason_of_the_ledger_has_its_own_words() -> None:
    assert len({sentence(reason, "#1001") for reason in REASONS}) == len(REASONS)
    assert sentence("order_refunded", "#1001") == "Points taken back for a refund on order #1001"
    assert sentence("order_refunded", None) == "Points taken back for a refund on an order"
    assert sentence("something_newer", None) == "Points changed"
