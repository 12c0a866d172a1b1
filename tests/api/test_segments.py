"""Segments by API: defined and changed, counted, explained; what is wrong with a query comes with its place."""

from typing import Any

import pytest

from app.runtime import Runtime
from app.segments.first import first_segments
from app.shops.models import Shop
from tests.api.conftest import CUSTOMER, Api
from tests.segments.conftest import town  # noqa: F401 - a fixture, used by name
from tests.segments.town import Town

MINE = {"name": "Finns", "query": "customer_countries CONTAINS 'FI'"}


def made(api: Api, **more: Any) -> dict[str, Any]:
    answer = api.post("/segments", MINE | more)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.get_json()
    return document


@pytest.mark.requirement(10, partly=True)
def test_a_shop_starts_with_segments_that_count(api: Api, town: Town) -> None:  # noqa: F811 - the fixture
    town.customer(CUSTOMER, email="ada@example.com")
    town.follow()
    listed = api.walk("/segments", limit=3)
    assert [(one["key"], one["name"], one["query"]) for one in listed] == list(first_segments("USD"))
    assert [one["members"] for one in listed] == [1, 0, 0, 0, 0, 0, 0]
    members = api.walk(f"/segments/{listed[0]['id']}/members", limit=1)
    assert [member["customer_id"] for member in members] == [str(CUSTOMER)]
    days = api.get(f"/segments/{listed[0]['id']}/days?days=2").get_json()["data"]
    assert [(day["members"], day["entered"], day["left"]) for day in days] == [(None, 0, 0), (1, 1, 0)]


@pytest.mark.requirement(46, partly=True)
def test_a_segment_is_defined_changed_and_removed_and_each_is_audited(api: Api, town: Town) -> None:  # noqa: F811
    town.customer(CUSTOMER, country="FI")
    segment = made(api)
    assert segment["members"] is None, "a job counts"
    town.follow()
    assert api.get(f"/segments/{segment['id']}").get_json()["members"] == 1
    changed = api.request("PATCH", f"/segments/{segment['id']}", json={"query": "number_of_orders > 5"}).get_json()
    assert (changed["query"], changed["members"]) == ("number_of_orders > 5", None)
    town.follow()
    assert api.get(f"/segments/{segment['id']}").get_json()["members"] == 0
    assert api.delete(f"/segments/{segment['id']}").status_code == 200
    assert api.get(f"/segments/{segment['id']}").status_code == 404
    what = [entry["what"] for entry in api.get("/audit").get_json()["data"]]
    assert what == ["segment.removed", "segment.changed", "segment.created"]
    assert [one["what"] for one in api.walk("/segment-transitions", limit=5)] == ["entered"], "of the new customers"


@pytest.mark.requirement(89, partly=True)
def test_why_a_customer_is_in_a_segment(api: Api, town: Town) -> None:  # noqa: F811 - the fixture
    town.customer(CUSTOMER, days_ago=3)
    town.follow()
    assert api.get(f"/customers/{CUSTOMER}").get_json()["segments"] == ["New customers"]
    [membership] = api.get(f"/customers/{CUSTOMER}/segments").get_json()["data"]
    assert membership["segment"]["key"] == "new_customers"
    assert membership["reasons"] == [
        {
            "clause": "customer_added_date >= -30d",
            "attribute": "customer_added_date",
            "operator": ">=",
            "bounds": ["2026-01-30"],
            "value": "2026-02-26",
            "holds": True,
        },
        {
            "clause": "number_of_orders <= 1",
            "attribute": "number_of_orders",
            "operator": "<=",
            "bounds": [1],
            "value": 0,
            "holds": True,
        },
    ]


def test_a_query_is_previewed_and_nothing_is_kept(api: Api, town: Town) -> None:  # noqa: F811 - the fixture
    town.customer(CUSTOMER, country="FI")
    town.customer(5, country="SE")
    town.follow()
    found = api.post("/segment-previews", {"query": MINE["query"]}).get_json()
    assert (found["members"], found["of"], [one["customer_id"] for one in found["sample"]]) == (1, 2, [str(CUSTOMER)])
    assert len(api.walk("/segments", limit=50)) == 7


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        (
            {"query": "not a valid segment query ???"},
            [
                {"pointer": "/query", "detail": "Query Line 1 Column 6: 'valid' is unexpected."},
                {"pointer": "/query", "detail": "Query Line 1 Column 4: 'a' filter cannot be found."},
            ],
        ),
        ({"query": "", "name": ""}, [{"pointer": "/name", "detail": "Name can't be blank"},
                                     {"pointer": "/query", "detail": "Query can't be blank"}]),
        ({"name": " ", "query": "what ever ???"}, [{"pointer": "/name", "detail": "Name can't be blank"}]),
        ({"name": "N" * 256}, [{"pointer": "/name", "detail": "Name is too long (maximum is 255 characters)"}]),
        (
            {"query": "number_of_orders >= 1 " + "x" * 5_000},
            [{"pointer": "/query", "detail": "Query is too long (maximum is 5000 characters)"}],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_as_shopify_tells_it_and_nothing_is_made(
    api: Api, given: dict[str, str], errors: list[dict[str, str]]
) -> None:
    """Words and order as recorded of segmentCreate (2025-01)."""
    refused = api.post("/segments", MINE | given)
    assert refused.status_code == 400
    assert refused.get_json()["errors"] == errors
    assert api.walk("/segments", limit=50) == []


def test_a_name_that_is_taken_gets_a_number(api: Api) -> None:
    names = [made(api)["name"], made(api, name="finns")["name"], made(api)["name"]]
    assert names == ["Finns", "finns (2)", "Finns (3)"]


def test_another_shop_sees_nothing_of_it(api: Api, stranger: Api, town: Town) -> None:  # noqa: F811 - the fixture
    town.customer(CUSTOMER)
    town.follow()
    segment = api.walk("/segments", limit=1)[0]["id"]
    found = [
        stranger.get(f"/segments/{segment}"),
        stranger.request("PATCH", f"/segments/{segment}", json={"name": "x"}),
        stranger.delete(f"/segments/{segment}"),
        stranger.get(f"/segments/{segment}/members"),
        stranger.get(f"/segments/{segment}/days"),
        stranger.get(f"/customers/{CUSTOMER}/segments"),
    ]
    assert {answer.status_code for answer in found} == {404}
    assert stranger.get("/segments").get_json()["data"] == []
    assert stranger.get("/segment-transitions").get_json()["data"] == []
    assert stranger.post("/segment-previews", {"query": "number_of_orders = 0"}).get_json()["of"] == 0


def test_the_attributes_are_told_with_their_operators(api: Api, runtime: Runtime, shop: Shop) -> None:
    told = {one["name"]: one for one in api.get("/segment-attributes").get_json()["data"]}
    assert told["number_of_orders"]["operators"][:2] == ["=", "!="]
    assert told["customer_account_status"]["words"] == ["ENABLED", "DISABLED", "INVITED", "DECLINED"]
    assert (told["amount_spent"]["shopify"], told["loyalty_points"]["shopify"]) == (True, False)
