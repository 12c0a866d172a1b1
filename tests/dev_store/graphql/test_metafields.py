"""Metafields: the app's own namespace, compare-and-set, all or nothing."""

from typing import Any

import pytest

from tests.dev_store.graphql.admin import Admin

SET = """mutation ($m: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $m) {
  metafields { id namespace key type value compareDigest ownerType }
  userErrors { field code message elementIndex } } }"""


@pytest.fixture
def owner(admin: Admin) -> str:
    return f"gid://shopify/Customer/{admin.shop.create_customer(at=admin.store.clock.now(), email='a@x.org')}"


def put(admin: Admin, *entries: dict[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = admin.data(SET, m=list(entries))["metafieldsSet"]
    return payload


def points(owner: str, value: str = "5", **more: Any) -> dict[str, Any]:
    return {"ownerId": owner, "key": "points", "type": "number_integer", "value": value, **more}


def test_without_a_namespace_it_is_the_apps_own(admin: Admin, owner: str) -> None:
    assert put(admin, points(owner))["metafields"][0]["namespace"] == "app--1"
    assert put(admin, points(owner, "6", namespace="$app"))["metafields"][0]["value"] == "6"
    assert put(admin, points(owner, namespace="$app:club"))["metafields"][0]["namespace"] == "app--1--club"
    query = """query ($id: ID!) { customer(id: $id) { one: metafield(namespace: "$app", key: "points") { jsonValue }
      none: metafield(namespace: "custom", key: "points") { id }
      metafields(first: 5, namespace: "$app") { nodes { key } } } }"""
    assert admin.data(query, id=owner)["customer"] == {
        "one": {"jsonValue": 6},
        "none": None,
        "metafields": {"nodes": [{"key": "points"}]},
    }


def test_a_digest_says_whether_somebody_else_wrote_since(admin: Admin, owner: str) -> None:
    first = put(admin, points(owner, compareDigest=None))["metafields"][0]
    second = put(admin, points(owner, "6", compareDigest=first["compareDigest"]))["metafields"][0]
    assert second["id"] == first["id"]
    assert second["compareDigest"] != first["compareDigest"]
    for stale in (first["compareDigest"], None):
        errors = put(admin, points(owner, "7", compareDigest=stale))["userErrors"]
        assert [(one["field"], one["code"]) for one in errors] == [(["metafields", "0"], "STALE_OBJECT")]


def test_one_bad_entry_writes_nothing(admin: Admin, owner: str) -> None:
    payload = put(admin, points(owner), points(owner, "many", key="more"))
    assert [(one["field"], one["code"]) for one in payload["userErrors"]] == [
        (["metafields", "1", "value"], "INVALID_VALUE")
    ]
    query = "query ($id: ID!) { customer(id: $id) { metafields(first: 5) { nodes { key } } } }"
    assert admin.data(query, id=owner)["customer"]["metafields"]["nodes"] == []


def test_26_are_too_many(admin: Admin, owner: str) -> None:
    payload = put(admin, *(points(owner, key=f"key_{place}") for place in range(26)))
    assert payload == {
        "metafields": None,
        "userErrors": [
            {
                "field": ["metafields"],
                "code": "LESS_THAN_OR_EQUAL_TO",
                "message": "Exceeded the maximum metafields input limit of 25.",
                "elementIndex": None,
            }
        ],
    }
    assert len(put(admin, *(points(owner, key=f"key_{place}") for place in range(25)))["metafields"]) == 25


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"ownerId": "gid://shopify/Customer/9"}, "ownerId", "INVALID"),
        ({"type": None}, "type", "BLANK"),
        ({"type": "number"}, "type", "INCLUSION"),
        ({"key": "k"}, "key", "TOO_SHORT"),
        ({"key": "a key"}, "key", "INVALID"),
        ({"namespace": "ab"}, "namespace", "TOO_SHORT"),
        ({"value": ""}, "value", "BLANK"),
        ({"type": "json", "value": "{"}, "value", "INVALID_VALUE"),
        ({"type": "boolean", "value": "yes"}, "value", "INVALID_VALUE"),
        ({"type": "date", "value": "soon"}, "value", "INVALID_VALUE"),
    ],
)
def test_an_entry_that_cannot_be_is_refused_at_its_field(
    admin: Admin, owner: str, changes: dict[str, Any], field: str, code: str
) -> None:
    errors = put(admin, points(owner) | changes)["userErrors"]
    assert [(one["field"], one["code"]) for one in errors] == [(["metafields", "0", field], code)]


def test_deleting_tells_what_was_there(admin: Admin, owner: str) -> None:
    put(admin, points(owner, namespace="custom"))
    query = """mutation ($m: [MetafieldIdentifierInput!]!) { metafieldsDelete(metafields: $m) {
      deletedMetafields { key } userErrors { message } } }"""
    named = {"ownerId": owner, "namespace": "custom", "key": "points"}
    answer = admin.data(query, m=[named, named | {"key": "other"}])["metafieldsDelete"]
    assert answer == {"deletedMetafields": [{"key": "points"}, None], "userErrors": []}


def test_the_shop_and_the_installation_own_metafields_too(admin: Admin) -> None:
    ids = admin.data("{ shop { id } currentAppInstallation { id } }")
    for owner in (ids["shop"]["id"], ids["currentAppInstallation"]["id"]):
        assert put(admin, points(owner))["userErrors"] == []
    query = """{ shop { metafield(key: "points") { value } }
      currentAppInstallation { metafield(key: "points") { ownerType } } }"""
    assert admin.data(query) == {
        "shop": {"metafield": {"value": "5"}},
        "currentAppInstallation": {"metafield": {"ownerType": "API_PERMISSION"}},
    }
