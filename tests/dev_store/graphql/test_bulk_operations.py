"""Bulk operations of the development store: Shopify's refusals in its words, its states, its files."""

import time
from typing import Any

import pytest

from dev_store.bulk import operations
from dev_store.commerce import OrderLine
from tests.dev_store.graphql.admin import SHOP, Admin

RUN = """mutation($query: String!) { bulkOperationRunQuery(query: $query) {
    bulkOperation { id status type errorCode objectCount rootObjectCount fileSize url partialDataUrl query completedAt }
    userErrors { field message code } } }"""
LOOK = "query($id: ID!) { bulkOperation(id: $id) { status errorCode objectCount rootObjectCount fileSize url } }"
ORDERS = "#graphql\n{ orders { edges { node { id name lineItems { edges { node { id quantity } } } } } } }"


def ask(admin: Admin, query: str) -> dict[str, Any]:
    payload: dict[str, Any] = admin.data(RUN, query=query)["bulkOperationRunQuery"]
    return payload


def ended(admin: Admin, operation_id: str) -> dict[str, Any]:
    for _ in range(500):
        found: dict[str, Any] = admin.data(LOOK, id=operation_id)["bulkOperation"]
        if found["status"] not in ("CREATED", "RUNNING", "CANCELING"):
            return found
        time.sleep(0.01)
    raise AssertionError("the operation does not end")


def lines(admin: Admin, url: str, **headers: str) -> Any:
    return admin.client.get("/" + url.split("/", 3)[3], headers=headers)


def two_orders(admin: Admin) -> None:
    for price in ("1.00", "2.00"):
        goods = [OrderLine("Tea", 1, price), OrderLine("Pot", 2, price)]
        admin.shop.place_order(at=admin.store.clock.now(), email="guest@x.org", lines=goods)


REFUSALS = [
    ("", "Invalid bulk query: syntax error, unexpected end of file"),
    ("{ shop { id } }", "Bulk queries must contain at least one connection."),
    ("mutation { shopLocaleEnable(locale: \"de\") { shopLocale { name } } }",
     "Invalid operation type. Only `query` operations are supported."),
    ("{ orders { edges { node { id refunds { id refundLineItems { edges { node { quantity } } } } } } } }",
     "Queries that contain a connection field within a list field are not currently supported."),
    ("{ products { edges { node { title variants { edges { node { id } } } } } } }",
     "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' "
     "return type. Connection fields without 'id': products."),
    ("{ collections { edges { node { id products { edges { node { id variants { edges { node { id metafields { edges "
     "{ node { id } } } } } } } } } } } } }",
     "Bulk queries cannot contain connections with a nesting depth greater than 2."),
    ("{ products { edges { node { id variants { edges { node { id } } } metafields { edges { node { id } } } "
     "collections { edges { node { id } } } media { edges { node { id } } } sellingPlanGroups { edges { node { id } } "
     "} } } } }",
     "Bulk queries cannot contain more than 5 connections."),
]  # fmt: skip


@pytest.mark.parametrize(("query", "words"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_query_that_cannot_run_in_bulk_is_refused_in_the_recorded_words(admin: Admin, query: str, words: str) -> None:
    assert ask(admin, query) == {
        "bulkOperation": None,
        "userErrors": [{"field": ["query"], "message": words, "code": "INVALID"}],
    }
    assert list(admin.store.state.all(SHOP, operations.KIND)) == []


def test_every_object_is_a_line_and_children_name_their_parents_far_away(admin: Admin) -> None:
    two_orders(admin)
    begun = ask(admin, ORDERS)["bulkOperation"]
    assert (begun["status"], begun["objectCount"], begun["url"]) == ("CREATED", "0", None)
    done = ended(admin, begun["id"])
    assert (done["status"], done["objectCount"], done["rootObjectCount"]) == ("COMPLETED", "6", "2")
    answer = lines(admin, done["url"])
    assert (answer.mimetype, len(answer.data)) == ("application/jsonl", int(done["fileSize"]))
    read = [line.split('"')[3].split("/")[3] for line in answer.text.splitlines()]
    assert read == ["Order", "Order", "LineItem", "LineItem", "LineItem", "LineItem"]
    assert '"__parentId":"gid://shopify/Order/' in answer.text.splitlines()[-1]
    assert lines(admin, done["url"], Range="bytes=10-").data == answer.data[10:]


def test_an_operation_that_finds_nothing_has_no_file(admin: Admin) -> None:
    done = ended(admin, ask(admin, ORDERS)["bulkOperation"]["id"])
    assert (done["status"], done["objectCount"], done["url"]) == ("COMPLETED", "0", None)


def test_a_sixth_operation_at_a_time_is_refused(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_work", lambda *_: None)
    ids = [ask(admin, ORDERS)["bulkOperation"]["id"] for _ in range(5)]
    words = f"A bulk query operation for this app and shop is already in progress: {', '.join(ids)}."
    assert ask(admin, ORDERS) == {
        "bulkOperation": None,
        "userErrors": [{"field": None, "message": words, "code": "OPERATION_IN_PROGRESS"}],
    }


def test_a_canceled_operation_ends_without_a_file(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    two_orders(admin)
    work = operations._work
    monkeypatch.setattr(operations, "_work", lambda *_: None)
    begun = ask(admin, ORDERS)["bulkOperation"]["id"]
    cancel = "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } } }"
    answer = admin.data(cancel, id=begun)["bulkOperationCancel"]
    assert answer == {"bulkOperation": {"status": "CANCELING"}, "userErrors": []}
    monkeypatch.setattr(operations, "_work", work)
    from dev_store.bulk.rules import document_of
    from dev_store.graphql.context import Context

    context = Context(admin.store, SHOP, frozenset(("read_orders",)), admin.store.clock.now())
    operations._work(context, int(begun.rpartition("/")[2]), document_of(ORDERS))
    assert (ended(admin, begun)["status"], ended(admin, begun)["url"]) == ("CANCELED", None)


def test_a_query_beyond_the_scopes_fails(admin: Admin) -> None:
    two_orders(admin)
    denied = ended(admin, ask(admin, "{ giftCards { edges { node { id } } } }")["bulkOperation"]["id"])
    assert (denied["status"], denied["errorCode"]) == ("FAILED", "ACCESS_DENIED")
