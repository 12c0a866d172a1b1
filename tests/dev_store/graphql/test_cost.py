"""Query cost and the bucket it is taken from."""

import time

import pytest

from dev_store.rate import Buckets
from tests.dev_store.graphql.admin import SHOP, Admin


@pytest.mark.parametrize(
    ("query", "requested"),
    [
        ("{ shop { name currencyCode } }", 1),
        ("{ shop { features { sellsSubscriptions } } }", 2),
        ("{ customersCount { count } }", 10),
        ("{ customers(first: 1) { nodes { id } } }", 3),
        ("{ customers(first: 5) { nodes { id defaultEmailAddress { emailAddress } } pageInfo { endCursor } } }", 8),
        ('mutation { discountCodeDelete(id: "gid://shopify/DiscountCodeNode/1") { deletedCodeDiscountId } }', 10),
        ('{ customer(id: "gid://shopify/Customer/1") { amountSpent { amount } lastOrder { id } } }', 2),
    ],
)
def test_requested_cost_adds_up_as_shopify_counts(admin: Admin, query: str, requested: int) -> None:
    assert admin(query)["extensions"]["cost"]["requestedQueryCost"] == requested


def test_actual_cost_counts_what_was_there_and_the_rest_is_given_back(admin: Admin) -> None:
    cost = admin("{ customers(first: 250) { nodes { id } } }")["extensions"]["cost"]
    assert cost["actualQueryCost"] < cost["requestedQueryCost"]
    assert cost["throttleStatus"]["currentlyAvailable"] >= 2000 - cost["requestedQueryCost"]


def test_an_operation_above_a_thousand_is_refused(admin: Admin) -> None:
    many = " ".join(f"c{n}: customersCount {{ count }}" for n in range(101))
    error = admin(f"{{ {many} }}")["errors"][0]
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_an_empty_bucket_is_throttled_with_http_200(admin: Admin) -> None:
    admin.app.extensions["dev_store_buckets"] = Buckets(maximum=15, restored_per_second=1)
    query = "{ customersCount { count } }"
    assert "data" in admin(query)
    body = admin(query)
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert body["extensions"]["cost"]["actualQueryCost"] is None
    assert body["extensions"]["cost"]["throttleStatus"]["maximumAvailable"] == 15


def test_a_bucket_fills_again_and_never_above_its_size() -> None:
    buckets = Buckets(maximum=100, restored_per_second=1_000_000)
    assert buckets.take(SHOP, 100)
    time.sleep(0.001)
    assert buckets.take(SHOP, 50)
    buckets.give_back(SHOP, 1000)
    assert buckets.status(SHOP)["currentlyAvailable"] == 100
