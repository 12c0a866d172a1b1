"""Basic discount codes: what is made of an input, what is refused, how they end and begin."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev_store.commerce import CheckoutRefused, OrderLine
from dev_store.graphql.scalars import instant
from tests.dev_store.graphql.admin import SHOP, Admin, install

BASIC = """... on DiscountCodeBasic { title status summary startsAt endsAt updatedAt usageLimit discountClasses tags
  codes(first: 5) { nodes { id code asyncUsageCount } } codesCount { count }
  combinesWith { orderDiscounts shippingDiscounts }
  context { __typename ... on DiscountCustomers { customers { id } } }
  customerGets { value { __typename ... on DiscountAmount { amount { amount } }
                                    ... on DiscountPercentage { percentage } } }
  minimumRequirement { ... on DiscountMinimumSubtotal { greaterThanOrEqualToSubtotal { amount } }
                       ... on DiscountMinimumQuantity { greaterThanOrEqualToQuantity } } }"""
PAYLOAD = f"{{ codeDiscountNode {{ id codeDiscount {{ {BASIC} }} }} userErrors {{ field code message extraInfo }} }}"
CREATE = f"mutation ($d: DiscountCodeBasicInput!) {{ made: discountCodeBasicCreate(basicCodeDiscount: $d) {PAYLOAD} }}"
UPDATE = f"""mutation ($id: ID!, $d: DiscountCodeBasicInput!) {{
  made: discountCodeBasicUpdate(id: $id, basicCodeDiscount: $d) {PAYLOAD} }}"""
SWITCH = f"mutation ($id: ID!) {{ made: discountCode%s(id: $id) {PAYLOAD} }}"


def wanted(**changes: Any) -> dict[str, Any]:
    """An input that Shopify takes; None leaves a key out."""
    whole = {
        "title": "Tea time",
        "code": "TEA",
        "startsAt": "2026-01-01T00:00:00.5Z",
        "context": {"all": "ALL"},
        "customerGets": {"value": {"percentage": 0.1}, "items": {"all": True}},
    }
    return {key: value for key, value in (whole | changes).items() if value is not None}


def create(admin: Admin, **changes: Any) -> tuple[str, dict[str, Any]]:
    made = admin.data(CREATE, d=wanted(**changes))["made"]
    assert made["userErrors"] == []
    node = made["codeDiscountNode"]
    return node["id"], node["codeDiscount"]


def test_a_code_for_one_customer_is_shown_as_it_was_asked_for_and_honoured(admin: Admin) -> None:
    buyer, other = (admin.shop.create_customer(at=admin.store.clock.now(), email=f"{name}@x.org") for name in "ab")
    gid = f"gid://shopify/Customer/{buyer}"
    _, made = create(
        admin,
        context={"customers": {"add": [gid]}},
        usageLimit=1,
        customerGets={"value": {"discountAmount": {"amount": "5.00"}}, "items": {"all": True}},
        tags=["perennial"],
    )
    assert made["context"] == {"__typename": "DiscountCustomers", "customers": [{"id": gid}]}
    assert made["customerGets"]["value"] == {"__typename": "DiscountAmount", "amount": {"amount": "5.0"}}
    assert (made["summary"], made["startsAt"]) == ("$5.00 off entire order • For 1 customer", "2026-01-01T00:00:00Z")
    assert (made["usageLimit"], made["tags"], made["discountClasses"]) == (1, ["perennial"], ["ORDER"])
    now, cart = admin.store.clock.now(), [OrderLine("Tea", 1, "20.00")]
    with pytest.raises(CheckoutRefused):
        admin.shop.place_order(at=now, customer_id=other, lines=cart, discount_codes=["TEA"])
    admin.shop.place_order(at=now, customer_id=buyer, lines=cart, discount_codes=["tea"])
    query = '{ codeDiscountNodeByCode(code: "tEa") { codeDiscount { ... on DiscountCodeBasic { asyncUsageCount } } } }'
    assert admin.data(query)["codeDiscountNodeByCode"]["codeDiscount"] == {"asyncUsageCount": 1}


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"code": None}, "code", "BLANK"),
        ({"code": ""}, "code", "TOO_SHORT"),
        ({"code": "a\nb"}, "code", "INVALID"),
        ({"code": "x" * 256}, "code", "TOO_LONG"),
        ({"code": "taken"}, "code", "TAKEN"),
        ({"title": None}, "title", "BLANK"),
        ({"context": None}, "context", "BLANK"),
        ({"endsAt": "2025-01-01T00:00:00Z"}, "endsAt", "END_DATE_BEFORE_START_DATE"),
        ({"usageLimit": 0}, "usageLimit", "GREATER_THAN"),
        ({"tags": list("abcdef")}, "tags", "TOO_MANY_TAGS"),
        (
            {"customerGets": {"value": {"percentage": 1.5}, "items": {"all": True}}},
            "customerGets.value.percentage",
            "VALUE_OUTSIDE_RANGE",
        ),
        (
            {"minimumRequirement": {"quantity": {"greaterThanOrEqualToQuantity": "2147483647"}}},
            "minimumRequirement.quantity.greaterThanOrEqualToQuantity",
            "LESS_THAN",
        ),
        (
            {"minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": "1000000000000000000"}}},
            "minimumRequirement.subtotal.greaterThanOrEqualToSubtotal",
            "LESS_THAN",
        ),
        ({"context": {"customers": {"add": ["gid://shopify/Customer/9"]}}}, "context.customers.add", "INVALID"),
    ],
)
def test_an_input_shopify_refuses_is_refused_at_its_field(admin: Admin, changes: Any, field: str, code: str) -> None:
    create(admin, code="TAKEN")
    made = admin.data(CREATE, d=wanted(**changes))["made"]
    assert made["codeDiscountNode"] is None
    assert [(one["field"], one["code"], one["extraInfo"]) for one in made["userErrors"]] == [
        (["basicCodeDiscount", *field.split(".")], code, None)
    ]


def test_two_minimums_exclude_each_other(admin: Admin) -> None:
    both = {
        "quantity": {"greaterThanOrEqualToQuantity": "2"},
        "subtotal": {"greaterThanOrEqualToSubtotal": "10.00"},
    }
    errors = admin.data(CREATE, d=wanted(minimumRequirement=both))["made"]["userErrors"]
    assert [(one["field"][2], one["code"]) for one in errors] == [("subtotal", "CONFLICT"), ("quantity", "CONFLICT")]


def test_a_tag_added_and_removed_at_once_is_the_callers_mistake(admin: Admin) -> None:
    tags = {"productDiscountsWithTagsOnSameCartLine": {"add": ["same"], "remove": ["same"]}}
    body = admin(CREATE, d=wanted(combinesWith=tags))
    assert body["data"] == {"made": None}
    assert body["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
    tags = {"productDiscountsWithTagsOnSameCartLine": {"add": ["vip"]}}
    codes = [one["code"] for one in admin.data(CREATE, d=wanted(combinesWith=tags))["made"]["userErrors"]]
    assert [code.rsplit("LINE_", 1)[1] for code in codes] == ["NOT_ENTITLED", "FOR_DISCOUNT_CLASS"]


def test_an_update_keeps_what_it_does_not_name(admin: Admin) -> None:
    gid, before = create(admin, minimumRequirement={"subtotal": {"greaterThanOrEqualToSubtotal": "1.00"}})
    after = admin.data(UPDATE, id=gid, d={"title": "New", "code": "TEB"})["made"]["codeDiscountNode"]["codeDiscount"]
    assert after["title"] == "New"
    assert after["codes"]["nodes"] == [before["codes"]["nodes"][0] | {"code": "TEB"}]
    assert after["minimumRequirement"] == {"greaterThanOrEqualToSubtotal": {"amount": "1.0"}}
    cleared = admin.data(UPDATE, id=gid, d={"minimumRequirement": None})["made"]["codeDiscountNode"]["codeDiscount"]
    assert cleared["minimumRequirement"] is None
    missing = admin.data(UPDATE, id="gid://shopify/DiscountCodeNode/9", d={"title": "New"})["made"]["userErrors"]
    assert [(one["field"], one["code"]) for one in missing] == [(["id"], "INVALID")]


def test_the_status_follows_the_clock(admin: Admin) -> None:
    assert create(admin, code="A", startsAt="2999-01-01T00:00:00Z")[1]["status"] == "SCHEDULED"
    assert create(admin, code="B", endsAt="2026-01-02T00:00:00Z")[1]["status"] == "EXPIRED"
    gid, made = create(admin, code="C", endsAt="2999-01-01T00:00:00Z")
    assert made["status"] == "ACTIVE"
    admin.store.clock.shift(timedelta(days=365_000))
    query = f'{{ codeDiscountNode(id: "{gid}") {{ codeDiscount {{ ... on DiscountCodeBasic {{ status }} }} }} }}'
    assert admin.data(query)["codeDiscountNode"]["codeDiscount"]["status"] == "EXPIRED"


def test_switching_to_what_it_is_changes_nothing(admin: Admin) -> None:
    gid, made = create(admin)
    assert admin.data(SWITCH % "Activate", id=gid)["made"]["codeDiscountNode"]["codeDiscount"] == made
    ended = admin.data(SWITCH % "Deactivate", id=gid)["made"]["codeDiscountNode"]["codeDiscount"]
    assert ended["status"] == "EXPIRED"
    assert instant(ended["endsAt"]) <= datetime.now(UTC)
    admin.store.clock.shift(timedelta(hours=1))
    assert admin.data(SWITCH % "Deactivate", id=gid)["made"]["codeDiscountNode"]["codeDiscount"] == ended
    again = admin.data(SWITCH % "Activate", id=gid)["made"]["codeDiscountNode"]["codeDiscount"]
    assert (again["status"], again["endsAt"], again["startsAt"]) == ("ACTIVE", None, made["startsAt"])


def test_a_scheduled_code_that_is_activated_starts_now(admin: Admin) -> None:
    gid, _ = create(admin, startsAt="2999-01-01T00:00:00Z")
    made = admin.data(SWITCH % "Activate", id=gid)["made"]["codeDiscountNode"]["codeDiscount"]
    assert made["status"] == "ACTIVE"


def test_a_deleted_code_is_gone_and_free_again(admin: Admin) -> None:
    gid, _ = create(admin)
    query = "mutation ($id: ID!) { discountCodeDelete(id: $id) { deletedCodeDiscountId userErrors { field code } } }"
    assert admin.data(query, id=gid)["discountCodeDelete"]["deletedCodeDiscountId"] == gid
    assert admin.data(query, id=gid)["discountCodeDelete"]["userErrors"] == [{"field": ["id"], "code": "INVALID"}]
    assert admin.data('{ codeDiscountNodeByCode(code: "TEA") { id } }') == {"codeDiscountNodeByCode": None}
    create(admin)


def test_discounts_are_searched_by_status_class_and_title(admin: Admin) -> None:
    product = admin.shop.create_product(at=admin.store.clock.now(), title="Pot", variants=[{"price": "9.00"}])
    pots = {"products": {"productsToAdd": [f"gid://shopify/Product/{product}"]}}
    create(admin, code="A", title="First of all")
    create(admin, code="B", title="Pots", customerGets={"value": {"percentage": 0.5}, "items": pots})
    query = """query ($q: String) { discountNodes(first: 5, query: $q) {
      nodes { discount { ... on DiscountCodeBasic { title } } } } }"""

    def titles(text: str) -> list[str]:
        return [node["discount"]["title"] for node in admin.data(query, q=text)["discountNodes"]["nodes"]]

    assert titles("discount_class:product status:active") == ["Pots"]
    assert titles("title:'First of all'") == ["First of all"]
    assert titles("-status:active") == []
    assert titles("title:pots OR title:first*") == ["First of all", "Pots"]
    count = "query ($q: String) { discountNodesCount(query: $q) { count precision } }"
    assert admin.data(count, q="status:active")["discountNodesCount"] == {"count": 2, "precision": "EXACT"}


def test_many_codes_share_a_discount(admin: Admin) -> None:
    gid, _ = create(admin)
    add = """mutation ($id: ID!, $c: [DiscountRedeemCodeInput!]!) {
      discountRedeemCodeBulkAdd(discountId: $id, codes: $c) {
      bulkCreation { id done codesCount importedCount } userErrors { field code } } }"""
    running = admin.data(add, id=gid, c=[{"code": "ONE"}, {"code": "tea"}, {"code": "TWO"}])[
        "discountRedeemCodeBulkAdd"
    ]
    assert running["bulkCreation"] | {"id": ""} == {"id": "", "done": False, "codesCount": 3, "importedCount": 0}
    look = """query ($id: ID!) { discountRedeemCodeBulkCreation(id: $id) { done importedCount failedCount
      codes(first: 5) { nodes { code discountRedeemCode { id } errors { code message } } } } }"""
    done = admin.data(look, id=running["bulkCreation"]["id"])["discountRedeemCodeBulkCreation"]
    assert (done["done"], done["importedCount"], done["failedCount"]) == (True, 2, 1)
    assert [node["errors"] for node in done["codes"]["nodes"]][1] == [
        {"code": "TAKEN", "message": "Code must be unique. Please try a different code."}
    ]
    assert admin.data('{ codeDiscountNodeByCode(code: "two") { id } }')["codeDiscountNodeByCode"]["id"] == gid
    remove = """mutation ($id: ID!, $ids: [ID!]) { discountCodeRedeemCodeBulkDelete(discountId: $id, ids: $ids) {
      job { done } userErrors { field code } } }"""
    first = done["codes"]["nodes"][0]["discountRedeemCode"]["id"]
    assert admin.data(remove, id=gid, ids=[first])["discountCodeRedeemCodeBulkDelete"]["job"] == {"done": True}
    assert admin.data('{ codeDiscountNodeByCode(code: "one") { id } }') == {"codeDiscountNodeByCode": None}
    nothing = admin.data(remove, id=gid)["discountCodeRedeemCodeBulkDelete"]["userErrors"]
    assert nothing == [{"field": None, "code": "MISSING_ARGUMENT"}]


def test_bulk_add_takes_250_codes_at_most(admin: Admin) -> None:
    gid, _ = create(admin)
    query = """mutation ($id: ID!, $c: [DiscountRedeemCodeInput!]!) {
      discountRedeemCodeBulkAdd(discountId: $id, codes: $c) { userErrors { code } } }"""
    body = admin(query, id=gid, c=[{"code": f"C{number}"} for number in range(251)])
    assert body["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"
    assert admin.data(query, id=gid, c=[])["discountRedeemCodeBulkAdd"]["userErrors"] == [{"code": "BLANK"}]


def test_a_summary_names_the_kind_of_purchase_where_subscriptions_are_sold() -> None:
    admin = install(currency="EUR")
    document = admin.store.state.shop_document(SHOP)
    assert document is not None
    document["_sells_subscriptions"] = True
    admin.store.state.put(SHOP, "shop", document["id"], document)
    _, made = create(admin, minimumRequirement={"quantity": {"greaterThanOrEqualToQuantity": "2"}})
    assert made["summary"] == "10% off one-time purchase products • Minimum quantity of 2"
