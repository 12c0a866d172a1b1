"""The customer, its ledger, and points changed by hand."""

from collections.abc import Callable

from app.loyalty.ledger import Holder
from app.loyalty.models import Balance
from app.runtime import Runtime
from tests.api.conftest import CUSTOMER, Api

ONE = f"/customers/{CUSTOMER}"
ADJUST = f"{ONE}/adjustments"


def test_a_new_customer_has_nothing_yet(api: Api, holder: Holder) -> None:
    answer = api.get(ONE).get_json()
    assert answer["id"] == str(CUSTOMER)
    assert answer["points"] == {"balance": 0, "available": 0, "pending": 0, "lifetime": 0, "owed": 0, "expiring": []}
    assert answer["totals"]["spent"] == {"amount": "0.00", "currency": "USD"}
    assert (answer["segments"], answer["referral"]) == ([], None)


def test_an_adjustment_is_in_balance_and_ledger_with_its_reason(api: Api, holder: Holder) -> None:
    made = api.post(ADJUST, {"points": 40, "reason": "Sorry for the late parcel"})
    assert made.status_code == 201
    assert made.get_json()["balance"] == 40
    (entry,) = api.get(f"{ONE}/ledger").get_json()["data"]
    assert entry["id"] == made.get_json()["id"]
    assert entry["source"] == made.get_json()["source"]
    assert (entry["reason"], entry["description"]) == ("adjusted", "Points changed by the shop")
    assert (entry["note"], entry["actor"]) == ("Sorry for the late parcel", "key:1")
    assert api.get(ONE).get_json()["points"]["balance"] == 40


def test_points_below_zero_need_to_be_asked_for(api: Api, holder: Holder, give: Callable[[int], None]) -> None:
    give(30)
    refused = api.post(ADJUST, {"points": -31, "reason": "x"})
    assert refused.status_code == 422
    assert refused.get_json()["type"] == "urn:perennial:problem:insufficient-points"
    assert api.post(ADJUST, {"points": -30, "reason": "x"}).get_json()["balance"] == 0
    allowed = api.post(ADJUST, {"points": -5, "reason": "x", "allow_negative": True})
    assert allowed.get_json()["balance"] == -5


WRONG_BODIES: list[tuple[object, str | None]] = [
    ({"points": 0, "reason": "x"}, "/points"),
    ({"points": "5", "reason": "x"}, "/points"),
    ({"points": 1.5, "reason": "x"}, "/points"),
    ({"points": True, "reason": "x"}, "/points"),
    ({"points": None, "reason": "x"}, "/points"),
    ({"points": 10**9 + 1, "reason": "x"}, "/points"),
    ({"points": 2**63, "reason": "x"}, "/points"),
    ({"points": -(2**63) - 1, "reason": "x"}, "/points"),
    ({"points": 10**400, "reason": "x"}, None),
    ({"points": 5}, "/reason"),
    ({"points": 5, "reason": ""}, "/reason"),
    ({"points": 5, "reason": "   "}, "/reason"),
    ({"points": 5, "reason": "nul\u0000"}, "/reason"),
    ({"points": 5, "reason": "x" * 501}, "/reason"),
    ({"points": 5, "reason": 7}, "/reason"),
    ({"points": 5, "reason": "x", "allow_negative": "yes"}, "/allow_negative"),
    ({"points": 5, "reason": "x", "allow_negativ": True}, "/allow_negativ"),
    ([], ""),
    ("text", ""),
    (7, ""),
]
NO_IDS = ["abc", "0", "007", "-1", "1.0", "1e3", "٣", "12345678901234567890", "1%0A", "1%00"]


def test_a_body_of_wrong_types_is_refused_with_the_place(api: Api, holder: Holder, runtime: Runtime) -> None:
    for body, pointer in WRONG_BODIES:
        answer = api.post(ADJUST, body)
        assert answer.status_code == 400, body
        assert pointer is None or pointer in [fault["pointer"] for fault in answer.get_json()["errors"]], body
    with runtime.database.system() as session:
        assert session.get(Balance, holder) is None


def test_unknown_customers_are_not_found(api: Api, holder: Holder) -> None:
    numbers = ["1", "123456789", str(2**63 - 1), str(2**63), "9999999999999999999"]
    paths = [f"/customers/{number}{rest}" for number in numbers for rest in ("", "/ledger", "/redemptions")]
    assert {path: api.get(path).status_code for path in paths} == dict.fromkeys(paths, 404)


def test_an_id_that_is_none_is_refused(api: Api) -> None:
    for number in NO_IDS:
        answer = api.get(f"/customers/{number}")
        assert answer.status_code == 400, number
        assert answer.get_json()["errors"][0]["pointer"] == "customer_id"


def test_writes_for_unknown_customers_are_not_found(api: Api) -> None:
    assert api.post("/customers/5/adjustments", {"points": 5, "reason": "x"}).status_code == 404
    assert api.post("/customers/5/redemptions", {"reward_id": "1"}).status_code == 404


def test_the_ledger_is_walked_exactly_once_while_entries_are_added(
    api: Api, holder: Holder, give: Callable[[int], None]
) -> None:
    for points in range(1, 12):
        give(points)
    rows = api.walk(f"{ONE}/ledger", limit=3, between=lambda: give(1000))
    assert [row["points"] for row in rows] == list(range(11, 0, -1))


def test_a_cursor_that_is_not_of_this_list_is_refused(api: Api, holder: Holder) -> None:
    for cursor in ("x", "bm9uZQ", "W10", "eyJhIjoxfQ", "é", "AAAA", "WyIwMDAwMDAwMCIsMV0"):
        answer = api.get(f"{ONE}/ledger?cursor={cursor}")
        assert answer.status_code == 400, cursor
        assert answer.get_json()["type"] == "urn:perennial:problem:invalid-cursor"


def test_a_cursor_of_another_list_is_refused(api: Api, holder: Holder, give: Callable[[int], None]) -> None:
    for _ in range(2):
        give(5)
    cursor = api.get(f"{ONE}/ledger?limit=1").get_json()["next"]
    assert api.get(f"{ONE}/ledger?limit=2&cursor={cursor}").status_code == 200
    assert api.get(f"{ONE}/redemptions?cursor={cursor}").status_code == 400


def test_query_parameters_that_are_not_known_or_not_valid_are_refused(api: Api, holder: Holder) -> None:
    queries = ["limit=0", "limit=201", "limit=ten", "limit=1&limit=2", "offset=5", "limit="]
    assert {query: api.get(f"{ONE}/ledger?{query}").status_code for query in queries} == dict.fromkeys(queries, 400)
