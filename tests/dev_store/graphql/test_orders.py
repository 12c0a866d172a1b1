"""Orders and refunds as the app re-reads them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dev_store.commerce import OrderLine
from tests.dev_store.graphql.admin import SHOP, Admin

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPERATIONS = Path(__file__).parents[3] / "app" / "shopify" / "operations"


def read(admin: Admin, number: int, fields: str) -> Any:
    return admin.data(f"query ($id: ID!) {{ order(id: $id) {{ {fields} }} }}", id=f"gid://shopify/Order/{number}")[
        "order"
    ]


def test_an_order_is_read_with_its_discounts_refunds_and_sums(admin: Admin) -> None:
    buyer = admin.shop.create_customer(at=NOON, email="a@x.org")
    admin.shop.create_discount(at=NOON, code="FIVE", amount="5.00")
    number = admin.shop.place_order(
        at=NOON,
        customer_id=buyer,
        lines=[OrderLine("Tea", 2, "10.00", sku="T")],
        discount_codes=["five"],
        shipping="3.00",
        tip="1.00",
    )
    line = admin.store.state.get(SHOP, "order", number)["line_items"][0]["id"]  # type: ignore[index]  # it is there
    admin.shop.refund(number, at=NOON + timedelta(hours=1), lines={line: 1}, amount="0.50")
    shown = read(
        admin,
        number,
        """name processedAt updatedAt displayFinancialStatus discountCodes customer { id } test
        currentSubtotalPriceSet { shopMoney { amount } } totalRefundedSet { shopMoney { amount currencyCode } }
        totalTipReceivedSet { shopMoney { amount } } refundDiscrepancySet { shopMoney { amount } }
        lineItems(first: 5) { nodes { sku currentQuantity before: discountedTotalSet { shopMoney { amount } }
          after: discountedTotalSet(withCodeDiscounts: true) { shopMoney { amount } }
          discountAllocations { discountApplication { ... on DiscountCodeApplication { code } } } } }
        refunds { totalRefundedSet { shopMoney { amount } }
          refundLineItems(first: 5) { nodes { quantity subtotalSet { shopMoney { amount } } } } }
        transactions { kind status amountSet { shopMoney { amount } } }""",
    )
    assert shown["updatedAt"] == "2026-03-01T13:00:00Z"
    assert shown["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    assert shown["customer"] == {"id": f"gid://shopify/Customer/{buyer}"}
    assert shown["currentSubtotalPriceSet"]["shopMoney"]["amount"] == "7.5"
    assert shown["totalRefundedSet"]["shopMoney"] == {"amount": "8.0", "currencyCode": "USD"}
    assert shown["refundDiscrepancySet"]["shopMoney"]["amount"] == "0.5"
    [line_shown] = shown["lineItems"]["nodes"]
    assert (line_shown["currentQuantity"], line_shown["sku"]) == (1, "T")
    assert (line_shown["before"]["shopMoney"]["amount"], line_shown["after"]["shopMoney"]["amount"]) == ("20.0", "15.0")
    assert line_shown["discountAllocations"] == [{"discountApplication": {"code": "five"}}]
    assert shown["refunds"][0]["refundLineItems"]["nodes"][0]["subtotalSet"]["shopMoney"]["amount"] == "7.5"
    assert [one["kind"] for one in shown["transactions"]] == ["SALE", "REFUND"]


def test_a_guests_order_has_no_customer_and_a_companys_names_it(admin: Admin) -> None:
    guest = admin.shop.place_order(at=NOON, email="guest@x.org", lines=[OrderLine("Tea", 1, "1.00")])
    assert read(admin, guest, "customer { id } email") == {"customer": None, "email": "guest@x.org"}
    firm = admin.shop.place_order(at=NOON, lines=[OrderLine("Tea", 1, "1.00")], company_id=7)
    entity = read(admin, firm, "purchasingEntity { ... on PurchasingCompany { company { id } } }")["purchasingEntity"]
    assert entity == {"company": {"id": "gid://shopify/Company/7"}}


def test_presentment_money_is_kept(admin: Admin) -> None:
    number = admin.shop.place_order(
        at=NOON, lines=[OrderLine("Tea", 1, "10.00")], presentment_currency="EUR", presentment_rate="0.5"
    )
    shown = read(admin, number, "totalPriceSet { presentmentMoney { amount currencyCode } } presentmentCurrencyCode")
    assert shown["totalPriceSet"]["presentmentMoney"] == {"amount": "5.0", "currencyCode": "EUR"}


@pytest.mark.parametrize("sort", ["ID", "UPDATED_AT", "PROCESSED_AT"])
def test_orders_since_an_instant_are_paged_to_the_end(admin: Admin, sort: str) -> None:
    placed = [
        admin.shop.place_order(at=NOON + timedelta(days=day), lines=[OrderLine("Tea", 1, "1.00")]) for day in range(7)
    ]
    query = f"""query ($after: String) {{
      orders(first: 2, after: $after, sortKey: {sort},
      query: "updated_at:>='2026-03-03T12:00:00Z'") {{
      edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage }} }} }}"""
    seen: list[str] = []
    after = None
    while True:
        page = admin.data(query, after=after)["orders"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["edges"][-1]["cursor"]
    assert seen == [f"gid://shopify/Order/{number}" for number in placed[2:]]


def test_orders_are_found_by_what_they_are(admin: Admin) -> None:
    first = admin.shop.place_order(at=NOON, lines=[OrderLine("Tea", 1, "1.00")], email="a@x.org")
    second = admin.shop.place_order(at=NOON, lines=[OrderLine("Tea", 1, "1.00")], financial_status="pending")
    admin.shop.cancel(first, at=NOON)

    def found(text: str) -> list[str]:
        nodes = admin.data("query ($q: String) { orders(first: 9, query: $q) { nodes { id } } }", q=text)["orders"][
            "nodes"
        ]
        return [node["id"].rsplit("/", 1)[1] for node in nodes]

    assert found("financial_status:pending") == [str(second)]
    assert found("status:cancelled") == [str(first)]
    assert found("name:#1002 OR email:a@x.org") == [str(first), str(second)]
    assert found("created_at:<2026-01-01") == []


@pytest.mark.parametrize("path", sorted(OPERATIONS.glob("*.graphql")), ids=lambda path: path.stem)
def test_every_operation_of_the_app_is_served(admin: Admin, path: Path) -> None:
    """None of its fields is answered with `not implemented`."""
    buyer = admin.shop.create_customer(at=NOON, email="a@x.org", phone="+15550001")
    discount = admin.shop.create_discount(at=NOON, code="FIVE", amount="5.00")
    number = admin.shop.place_order(
        at=NOON, customer_id=buyer, lines=[OrderLine("Tea", 2, "10.00")], discount_codes=["FIVE"], shipping="2.00"
    )
    line = admin.store.state.get(SHOP, "order", number)["line_items"][0]["id"]  # type: ignore[index]  # it is there
    refund = admin.shop.refund(number, at=NOON, lines={line: 1}, amount="0.50", shipping="1.00")
    product = admin.shop.create_product(at=NOON, title="Tea", variants=[{"price": "10.00"}])
    collection = admin.shop.create_collection(at=NOON, title="Teas", products=[product])
    things = {"order": number, "customer": buyer, "refund": refund, "collection": collection}
    kind = path.stem.split("_")[0]
    owner, node = f"gid://shopify/Customer/{buyer}", f"gid://shopify/DiscountCodeNode/{discount}"
    named = f"gid://shopify/{kind.title()}/{things[kind]}" if kind in things else node
    variables: dict[str, Any] = {"id": named, "code": "FIVE"}
    variables |= _variables(path.stem, owner, node, product)
    if path.stem == "discount_redeem_code_bulk_creation":
        adding = (OPERATIONS / "discount_redeem_code_bulk_add.graphql").read_text("utf-8")
        made = admin.data(adding, discountId=node, codes=[{"code": "MORE"}])
        variables = {"id": made["discountRedeemCodeBulkAdd"]["bulkCreation"]["id"]}
    if path.stem == "bulk_operation":
        starting = (OPERATIONS / "bulk_operation_run_query.graphql").read_text("utf-8")
        begun = admin.data(starting, query="{ customers { edges { node { id } } } }")
        variables = {"id": begun["bulkOperationRunQuery"]["bulkOperation"]["id"]}
    if path.stem == "refunds_reread":
        variables = {"ids": [f"gid://shopify/Refund/{refund}"]}
    body = admin(path.read_text("utf-8"), **variables)
    assert "errors" not in body, body["errors"]
    assert all(value is not None for value in body["data"].values())


def _variables(operation: str, customer: str, discount: str, product: int) -> dict[str, Any]:
    """What an operation takes beside an id and a code."""
    value = {"discountAmount": {"amount": "5.00", "appliesOnEachItem": False}}
    consent = {"marketingState": "SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN"}
    metafield = {"ownerId": customer, "key": "member", "type": "json", "value": "{}"}
    known: dict[str, dict[str, Any]] = {
        "discount_code_basic_create": {
            "basicCodeDiscount": {
                "title": "t",
                "code": "NEW",
                "startsAt": "2026-01-01T00:00:00Z",
                "context": {"customers": {"add": [customer]}},
                "customerGets": {"value": value, "items": {"all": True}},
            }
        },
        "discount_redeem_code_bulk_add": {"discountId": discount, "codes": [{"code": "MORE"}]},
        "customer_by_identifier": {"identifier": {"emailAddress": "a@x.org"}},
        "customer_set": {"input": {"email": "b@x.org"}, "identifier": {"email": "b@x.org"}},
        "customer_email_marketing_consent_update": {
            "input": {"customerId": customer, "emailMarketingConsent": consent},
        },
        "metafields_set": {"metafields": [metafield]},
        "bulk_operation_run_query": {"query": "{ customers { edges { node { id } } } }"},
        "order_refunds": {"first": 5},
        "webhook_subscription_create": {"topic": "SHOP_UPDATE", "uri": "https://app.example/webhooks"},
        "product_labels": {"ids": [f"gid://shopify/Product/{product}"]},
    }
    return known.get(operation, {})
