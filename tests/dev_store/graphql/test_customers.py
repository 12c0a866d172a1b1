"""Customers: reading, searching, customerSet, consent, tags."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev_store.commerce import OrderLine
from tests.dev_store.graphql.admin import Admin

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SET = """mutation ($input: CustomerSetInput!, $by: CustomerSetIdentifiers) {
  customerSet(input: $input, identifier: $by) {
  customer { id email firstName tags note locale defaultPhoneNumber { phoneNumber }
             addressesV2(first: 3) { nodes { formattedArea } } }
  userErrors { field message code } } }"""


def customer_gid(number: int) -> str:
    return f"gid://shopify/Customer/{number}"


def set_customer(admin: Admin, wanted: dict[str, Any], by: dict[str, Any] | None = None) -> tuple[Any, Any]:
    payload = admin.data(SET, input=wanted, by=by)["customerSet"]
    return payload["customer"], [(error["field"], error["code"]) for error in payload["userErrors"]]


def test_a_customer_is_found_by_id_address_and_phone(admin: Admin) -> None:
    number = admin.shop.create_customer(at=NOW, email="ann@example.com", phone="+15550001", first_name="Ann")
    query = "query ($by: CustomerIdentifierInput!) { customerByIdentifier(identifier: $by) { id displayName } }"
    for by in ({"id": customer_gid(number)}, {"emailAddress": "Ann@Example.com"}, {"phoneNumber": "+15550001"}):
        found = admin.data(query, by=by)["customerByIdentifier"]
        assert found == {"id": customer_gid(number), "displayName": "Ann"}
    assert admin.data(query, by={"emailAddress": "nobody@example.com"}) == {"customerByIdentifier": None}


def test_a_custom_id_needs_a_definition_nobody_made(admin: Admin) -> None:
    by = {"customId": {"namespace": "custom", "key": "no", "value": "1"}}
    body = admin("query ($by: CustomerIdentifierInput!) { customerByIdentifier(identifier: $by) { id } }", by=by)
    assert body["errors"][0]["extensions"]["code"] == "NOT_FOUND"


def test_spending_and_orders_are_counted(admin: Admin) -> None:
    number = admin.shop.create_customer(at=NOW, email="ann@example.com")
    for price in ("10.00", "2.50"):
        admin.shop.place_order(at=NOW, customer_id=number, lines=[OrderLine("Tea", 1, price)])
    query = (
        "query ($id: ID!) { customer(id: $id) { numberOfOrders amountSpent { amount } canDelete lastOrder { name } } }"
    )
    found = admin.data(query, id=customer_gid(number))["customer"]
    assert found["numberOfOrders"] == "2"
    assert found["amountSpent"] == {"amount": "12.5"}
    assert found["canDelete"] is False
    assert found["lastOrder"] == {"name": "#1002"}


def test_customers_are_searched_and_paged(admin: Admin) -> None:
    for place in range(5):
        admin.shop.create_customer(
            at=NOW + timedelta(days=place), email=f"c{place}@example.com", tags=["vip"] if place else []
        )
    query = """query ($q: String, $after: String) { customers(first: 2, query: $q, after: $after, sortKey: UPDATED_AT) {
      nodes { email } pageInfo { hasNextPage hasPreviousPage endCursor } } }"""
    seen, after = [], None
    while True:
        page = admin.data(query, q="tag:vip updated_at:>=2026-03-03", after=after)["customers"]
        seen += [node["email"] for node in page["nodes"]]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == ["c2@example.com", "c3@example.com", "c4@example.com"]


@pytest.mark.parametrize("arguments", ["", "(first: 2, last: 2)", "(first: 251)"])
def test_a_page_has_one_size_of_at_most_250(admin: Admin, arguments: str) -> None:
    assert admin(f"{{ customers{arguments} {{ nodes {{ id }} }} }}")["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_customer_set_creates_and_then_updates_by_address(admin: Admin) -> None:
    home = {"address1": "1 Tea St", "city": "Ottawa", "countryCode": "CA", "provinceCode": "ON"}
    wanted = {"email": "ann@example.com", "firstName": "Ann", "tags": ["b", "a"], "addresses": [home]}
    made, errors = set_customer(admin, wanted, {"email": "ann@example.com"})
    assert errors == []
    assert made["tags"] == ["a", "b"]
    assert made["addressesV2"]["nodes"] == [{"formattedArea": "Ottawa ON, Canada"}]
    changed, _ = set_customer(
        admin, {"email": "ann@example.com", "note": "x", "addresses": []}, {"email": "ann@example.com"}
    )
    assert (changed["id"], changed["firstName"], changed["note"]) == (made["id"], "Ann", "x")
    assert changed["addressesV2"]["nodes"] == []


@pytest.mark.parametrize(
    ("wanted", "by", "error"),
    [
        ({"email": ""}, None, (["input"], "INVALID")),
        ({"firstName": "A"}, {"id": "gid://shopify/Customer/9"}, (["input"], "NOT_FOUND")),
        ({"id": "gid://shopify/Customer/9", "firstName": "A"}, {"email": "a@b.co"}, (["input"], "ID_NOT_ALLOWED")),
        ({"firstName": "A"}, {"email": "a@b.co"}, (["input"], "MISSING_FIELD_REQUIRED")),
        ({"email": "c@b.co"}, {"email": "a@b.co"}, (["input"], "INPUT_MISMATCH")),
        ({"email": "taken@example.com"}, None, (["input", "email"], "TAKEN")),
        ({"phone": "+15550009"}, None, (["input", "phone"], "TAKEN")),
        ({"email": "no address"}, None, (["input", "email"], "INVALID")),
        ({"email": "a@b.co", "taxExempt": None}, None, (["input", "taxExempt"], "INVALID")),
        ({"firstName": "x" * 256}, None, (["input", "firstName"], "TOO_LONG")),
    ],
)
def test_customer_set_refuses(admin: Admin, wanted: dict[str, Any], by: dict[str, Any] | None, error: Any) -> None:
    admin.shop.create_customer(at=NOW, email="taken@example.com", phone="+15550009")
    made, errors = set_customer(admin, wanted, by)
    assert made is None
    assert errors == [error]


CONSENT = """mutation ($input: Customer%sMarketingConsentUpdateInput!) {
  customer%sMarketingConsentUpdate(input: $input) {
  customer { defaultEmailAddress { marketingState marketingOptInLevel marketingUpdatedAt }
             defaultPhoneNumber { marketingState marketingCollectedFrom smsMarketingConsent { state } } }
  userErrors { field message code } } }"""


def consent(admin: Admin, number: int, kind: str, **wanted: Any) -> dict[str, Any]:
    key = "emailMarketingConsent" if kind == "Email" else "smsMarketingConsent"
    return admin(CONSENT % (kind, kind), input={"customerId": customer_gid(number), key: wanted})


def test_consent_is_recorded_with_its_own_instant_and_announced(admin: Admin) -> None:
    number = admin.shop.create_customer(at=NOW, email="ann@example.com", phone="+15550001")
    given = {"marketingState": "SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN"}
    body = consent(admin, number, "Email", **given, consentUpdatedAt="2026-02-01T00:00:00Z")
    shown = body["data"]["customerEmailMarketingConsentUpdate"]["customer"]
    assert shown["defaultEmailAddress"] == {**given, "marketingUpdatedAt": "2026-02-01T00:00:00Z"}
    assert shown["defaultPhoneNumber"]["smsMarketingConsent"] == {"state": "NEVER_SUBSCRIBED"}
    body = consent(admin, number, "Sms", **given)
    shown = body["data"]["customerSmsMarketingConsentUpdate"]["customer"]["defaultPhoneNumber"]
    assert shown == {
        "marketingState": "SUBSCRIBED",
        "marketingCollectedFrom": "OTHER",
        "smsMarketingConsent": {"state": "SUBSCRIBED"},
    }


@pytest.mark.parametrize(
    ("wanted", "field", "code"),
    [
        ({"marketingState": "PENDING", "marketingOptInLevel": "SINGLE_OPT_IN"}, "marketingOptInLevel", "INVALID"),
        ({"marketingState": "SUBSCRIBED"}, "marketingOptInLevel", "MISSING_ARGUMENT"),
        (
            {"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": "2999-01-01T00:00:00Z"},
            "consentUpdatedAt",
            "INVALID",
        ),
    ],
)
def test_consent_that_cannot_be_is_refused(admin: Admin, wanted: dict[str, Any], field: str, code: str) -> None:
    number = admin.shop.create_customer(at=NOW, email="ann@example.com", phone="+15550001")
    for kind, name in (("Email", "emailMarketingConsent"), ("Sms", "smsMarketingConsent")):
        payload = consent(admin, number, kind, **wanted)["data"][f"customer{kind}MarketingConsentUpdate"]
        assert [(one["field"], one["code"]) for one in payload["userErrors"]] == [(["input", name, field], code)]
        assert (payload["customer"] is None) == (kind == "Sms")


@pytest.mark.parametrize("state", ["NOT_SUBSCRIBED", "REDACTED"])
def test_states_shopify_keeps_to_itself_are_a_top_level_error(admin: Admin, state: str) -> None:
    number = admin.shop.create_customer(at=NOW, email="ann@example.com")
    error = consent(admin, number, "Email", marketingState=state)["errors"][0]
    assert error["message"] == f"Cannot specify {state} as a marketing state input"
    assert error["extensions"] == {"code": "INVALID"}


def test_nobody_to_consent_differs_between_the_two_channels(admin: Admin) -> None:
    given = {"marketingState": "SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN"}
    by_mail = consent(admin, 9, "Email", **given)["data"]["customerEmailMarketingConsentUpdate"]
    assert by_mail["userErrors"] == [
        {"field": ["input", "customerId"], "message": "Customer not found", "code": "INVALID"}
    ]
    by_sms = consent(admin, 9, "Sms", **given)["data"]["customerSmsMarketingConsentUpdate"]
    assert by_sms["userErrors"] == [{"field": None, "message": "Customer not found", "code": None}]
    silent = admin.shop.create_customer(at=NOW, first_name="No contact")
    by_mail = consent(admin, silent, "Email", **given)["data"]["customerEmailMarketingConsentUpdate"]
    assert by_mail["userErrors"] == []
    by_sms = consent(admin, silent, "Sms", **given)["data"]["customerSmsMarketingConsentUpdate"]
    assert by_sms["userErrors"][0]["message"] == "A phone number is required to set the SMS consent state."


def test_tags_are_added_once_and_removed_whatever_their_case(admin: Admin) -> None:
    number = admin.shop.create_customer(at=NOW, email="ann@example.com", tags=["vip"])
    query = """mutation ($id: ID!, $t: [String!]!) {
      %s(id: $id, tags: $t) { node { ... on Customer { tags } } userErrors { field } } }"""
    added = admin.data(query % "tagsAdd", id=customer_gid(number), t=["VIP", "gold"])["tagsAdd"]
    assert added["node"]["tags"] == ["gold", "vip"]
    left = admin.data(query % "tagsRemove", id=customer_gid(number), t=["Vip"])["tagsRemove"]
    assert left["node"]["tags"] == ["gold"]
    assert admin.data(query % "tagsAdd", id=customer_gid(9), t=["x"])["tagsAdd"]["userErrors"] == [{"field": ["id"]}]


def test_a_new_customer_may_come_with_consent_and_metafields(admin: Admin) -> None:
    query = """mutation ($input: CustomerInput!) { customerCreate(input: $input) {
      customer { id defaultEmailAddress { marketingState } metafield(namespace: "custom", key: "birthday") { value } }
      userErrors { field message } } }"""
    wanted = {
        "email": "ann@example.com",
        "emailMarketingConsent": {"marketingState": "SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN"},
        "metafields": [{"namespace": "custom", "key": "birthday", "type": "date", "value": "1990-05-01"}],
    }
    made = admin.data(query, input=wanted)["customerCreate"]
    assert made["customer"]["defaultEmailAddress"] == {"marketingState": "SUBSCRIBED"}
    assert made["customer"]["metafield"] == {"value": "1990-05-01"}
    again = admin.data(query, input=wanted)["customerCreate"]["userErrors"]
    assert again == [{"field": ["email"], "message": "Email has already been taken"}]
    update = query.replace("customerCreate", "customerUpdate")
    changed = admin.data(update, input={"id": made["customer"]["id"], **wanted, "metafields": []})["customerUpdate"]
    assert [one["field"] for one in changed["userErrors"]] == [["emailMarketingConsent"]]


def test_a_customer_with_orders_cannot_be_deleted(admin: Admin) -> None:
    query = """mutation ($id: ID!) { customerDelete(input: {id: $id}) {
      deletedCustomerId userErrors { field message } } }"""
    number = admin.shop.create_customer(at=NOW, email="ann@example.com")
    admin.shop.place_order(at=NOW, customer_id=number, lines=[OrderLine("Tea", 1, "1.00")])
    refused = admin.data(query, id=customer_gid(number))["customerDelete"]
    assert refused["deletedCustomerId"] is None
    assert "associated orders" in refused["userErrors"][0]["message"]
    free = admin.shop.create_customer(at=NOW, email="bob@example.com")
    assert admin.data(query, id=customer_gid(free))["customerDelete"]["deletedCustomerId"] == customer_gid(free)
    gone = admin.data(query, id=customer_gid(free))["customerDelete"]["userErrors"]
    assert gone == [{"field": ["id"], "message": "Customer can't be found"}]
