"""What the Admin API refuses before anything runs, in Shopify's words."""

from typing import Any

import pytest

from dev_store.graphql.schema import resolves
from tests.dev_store.graphql.admin import Admin, install


def test_an_unknown_token_is_401(admin: Admin) -> None:
    response = admin.post({"query": "{ shop { id } }"}, **{"X-Shopify-Access-Token": "shpat_stolen"})
    assert response.status_code == 401
    assert response.get_json()["errors"].startswith("[API] Invalid API key or access token")


def test_another_version_is_404(admin: Admin) -> None:
    assert admin.post({"query": "{ shop { id } }"}, version="2020-01").status_code == 404


@pytest.mark.parametrize("body", [None, [], {"query": 5}, {"query": "{ shop { id } }", "variables": []}])
def test_a_body_that_is_no_request_is_400_or_answered_without_variables(admin: Admin, body: Any) -> None:
    assert admin.post(body).status_code in (200, 400)


@pytest.mark.parametrize(
    ("query", "message", "code"),
    [
        ("{ shop { foo } }", "Field 'foo' doesn't exist on type 'Shop'", "undefinedField"),
        ("{ shop(a: 1) { id } }", "Field 'shop' doesn't accept argument 'a'", "argumentNotAccepted"),
        ("{ customer { id } }", "Field 'customer' is missing required arguments: id", "missingRequiredArguments"),
        (
            "{ customer(id: $id) { id } }",
            "Variable $id is used by anonymous query but not declared",
            "variableNotDefined",
        ),
        ("query Q($id: ID) { shop { id } }", "Variable $id is declared by Q but not used", "variableNotUsed"),
        (
            "{ shop }",
            "Field must have selections (field 'shop' returns Shop but has no selections."
            " Did you mean 'shop { ... }'?)",
            "selectionMismatch",
        ),
    ],
)
def test_an_operation_shopify_would_refuse_is_refused(admin: Admin, query: str, message: str, code: str) -> None:
    body = admin(query)
    assert "data" not in body
    assert [(error["message"], error["extensions"]["code"]) for error in body["errors"]] == [(message, code)]


def test_a_static_error_names_its_path_through_the_document(admin: Admin) -> None:
    assert admin("query Q { mine: shop { plan { foo } } }")["errors"][0]["path"] == ["query Q", "mine", "plan", "foo"]


def test_a_document_that_does_not_parse_is_an_error_of_its_place(admin: Admin) -> None:
    error = admin("{ shop {")["errors"][0]
    assert error["message"].startswith("syntax error")
    assert error["locations"] == [{"line": 1, "column": 9}]


def test_all_problems_of_a_variable_are_one_error(admin: Admin) -> None:
    query = """mutation M($i: CustomerEmailMarketingConsentUpdateInput!) {
      customerEmailMarketingConsentUpdate(input: $i) { customer { id } } }"""
    given = {
        "what": 1,
        "customerId": "5",
        "emailMarketingConsent": {"marketingState": "MAYBE", "consentUpdatedAt": "then"},
    }
    error = admin(query, i=given)["errors"][0]
    assert error["extensions"]["code"] == "INVALID_VARIABLE"
    assert error["extensions"]["value"] == given
    explained = {".".join(one["path"]): one["explanation"] for one in error["extensions"]["problems"]}
    assert explained["what"] == "Field is not defined on CustomerEmailMarketingConsentUpdateInput"
    assert explained["customerId"] == "Invalid global id '5'"
    assert explained["emailMarketingConsent.marketingState"].startswith('Expected "MAYBE" to be one of: ')
    assert explained["emailMarketingConsent.consentUpdatedAt"] == "invalid DateTime 'then'"
    assert error["message"].startswith(
        "Variable $i of type CustomerEmailMarketingConsentUpdateInput! was provided invalid value for what ("
    )


def test_a_variable_that_is_missing_is_null(admin: Admin) -> None:
    error = admin("query ($id: ID!) { customer(id: $id) { id } }")["errors"][0]
    assert error["message"] == "Variable $id of type ID! was provided invalid value"
    assert error["extensions"]["value"] is None


def test_one_of_wants_exactly_one(admin: Admin) -> None:
    query = "query ($by: CustomerIdentifierInput!) { customerByIdentifier(identifier: $by) { id } }"
    problems = admin(query, by={})["errors"][0]["extensions"]["problems"]
    assert problems == [
        {"path": [], "explanation": "'CustomerIdentifierInput' requires exactly one argument, but 0 were provided."}
    ]


def test_an_id_of_another_type_is_not_found(admin: Admin) -> None:
    body = admin('{ customer(id: "gid://shopify/Order/1") { id } }')
    assert body["data"] == {"customer": None}
    assert body["errors"][0]["extensions"]["code"] == "RESOURCE_NOT_FOUND"


def test_what_nobody_serves_says_so_and_leaves_the_rest_answered(admin: Admin) -> None:
    body = admin('{ job(id: "gid://shopify/Job/1") { done } shop { name } }')
    assert body["data"] == {"job": None, "shop": {"name": "Tea"}}
    assert body["errors"][0]["message"] == "not implemented in the dev store: QueryRoot.job"


def test_a_field_needs_its_scope() -> None:
    admin = install(("read_orders",))
    body = admin('{ shop { name } discountNodesCount { count } customer(id: "gid://shopify/Customer/1") { id } }')
    assert {error["extensions"]["code"] for error in body["errors"]} == {"ACCESS_DENIED"}
    assert "read_customers" in body["errors"][1]["extensions"]["requiredAccess"]
    assert body["data"]["shop"] == {"name": "Tea"}


def test_a_resolver_for_a_field_that_does_not_exist_stops_the_store_at_import() -> None:
    with pytest.raises(AssertionError, match=r"no field Shop\.nonsense"):
        resolves("Shop", "nonsense")(lambda: None)
