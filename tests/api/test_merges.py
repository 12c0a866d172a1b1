"""Offers to merge, merges and their undoing, and imports of balances, by API."""

from io import BytesIO

import pytest

from app import job_table, jobs
from app.customers.accounts import accounts_of_customers
from app.customers.models import Customer
from app.loyalty import service
from app.loyalty.ledger import Holder
from app.loyalty.programs import default_program
from app.runtime import Runtime
from app.shops.models import Shop
from app.transfer import balances
from tests.api.conftest import Api

ADA, TWIN, GRACE = 5, 6, 9


@pytest.fixture
def twins(runtime: Runtime, shop: Shop) -> Shop:
    """ADA with 40 points and TWIN with 2 have verified one address; GRACE has another."""
    with runtime.database.system() as session:
        own = accounts_of_customers(session, {(shop.id, number) for number in (ADA, TWIN, GRACE)})
        for number, email in ((ADA, "ada@example.com"), (TWIN, "Ada@example.com"), (GRACE, "grace@example.com")):
            session.add(Customer(shop_id=shop.id, id=number, email=email.lower(), verified_email=True))
        session.flush()
        program = default_program(session, shop.id).id
        for number, points in ((ADA, 40), (TWIN, 2)):
            holder = Holder(shop.id, program, own[shop.id, number])
            service.adjust(session, holder, points, request_id=str(number), note="given", actor="staff:1")
    return shop


def balance(api: Api, customer: int) -> int:
    return int(api.get(f"/customers/{customer}").get_json()["points"]["balance"])


def test_an_offer_is_accepted_and_the_merge_is_undone(api: Api, twins: Shop) -> None:
    (offer,) = api.get("/merge-offers").get_json()["data"]
    assert offer == {"customers": [str(ADA), str(TWIN)], "basis": ["email"]}
    made = api.post("/merges", {"kept": str(ADA), "absorbed": str(TWIN)}, key="m")
    assert (made.status_code, made.get_json()["actor"], made.get_json()["undone_at"]) == (201, "key:1", None)
    assert (balance(api, ADA), balance(api, TWIN)) == (42, 42)
    assert api.get("/merge-offers").get_json()["data"] == []
    assert [row["id"] for row in api.get("/merges").get_json()["data"]] == [made.get_json()["id"]]
    undone = api.delete(f"/merges/{made.get_json()['id']}")
    assert undone.get_json()["undone_at"] is not None
    assert (balance(api, ADA), balance(api, TWIN)) == (40, 2)
    assert [row["what"] for row in api.get("/audit").get_json()["data"]] == ["merge.undone", "merge.made"]


def test_an_offer_that_is_turned_down_does_not_come_back(api: Api, twins: Shop) -> None:
    told = api.post("/merge-offers/dismiss", {"one": str(TWIN), "other": str(ADA)})
    assert told.get_json() == {"customers": [str(ADA), str(TWIN)]}
    assert api.get("/merge-offers").get_json()["data"] == []
    assert api.post("/merges", {"kept": str(ADA), "absorbed": str(TWIN)}).status_code == 404
    assert balance(api, ADA) == 40


def test_only_what_is_offered_can_be_merged(api: Api, stranger: Api, twins: Shop) -> None:
    assert api.post("/merges", {"kept": str(ADA), "absorbed": str(GRACE)}).status_code == 404
    assert api.post("/merges", {"kept": str(ADA), "absorbed": "9999999999999999999"}).status_code == 404
    assert api.delete("/merges/1").status_code == 404
    made = api.post("/merges", {"kept": str(ADA), "absorbed": str(TWIN)}).get_json()
    found = [
        stranger.delete(f"/merges/{made['id']}"),
        stranger.post("/merges", {"kept": str(ADA), "absorbed": str(TWIN)}),
        stranger.post("/merge-offers/dismiss", {"one": str(ADA), "other": str(TWIN)}),
    ]
    assert {answer.status_code for answer in found} == {404}
    assert stranger.get("/merges").get_json()["data"] == stranger.get("/merge-offers").get_json()["data"] == []


def test_an_import_is_shown_and_taken_back(api: Api, stranger: Api, runtime: Runtime, shop: Shop, twins: Shop) -> None:
    job_table.load()
    with runtime.database.system() as session:
        file = BytesIO(b"email,points\ngrace@example.com,70\nnew@example.com,5\n")
        imported = balances.start(session, session.merge(shop), file, actor="command line: ada")
    balances.carry_on(runtime.database, shop.id, imported.id)
    (row,) = api.get("/imports").get_json()["data"]
    assert (row["id"], row["state"], row["rows"], row["points"]) == (imported.id, "done", 2, 75)
    assert balance(api, GRACE) == 70
    assert stranger.get("/imports").get_json()["data"] == []
    assert stranger.post(f"/imports/{imported.id}/undo").status_code == 404
    assert api.post(f"/imports/{imported.id}/undo").status_code == 202
    jobs.drain(runtime)
    details = api.get(f"/imports/{imported.id}").get_json()
    assert (details["state"], details["kept"]) == ("undone", [])
    assert balance(api, GRACE) == 0
    assert api.post(f"/imports/{imported.id}/undo").status_code == 409


def test_a_file_is_looked_at_and_brought_in(api: Api, stranger: Api, runtime: Runtime, twins: Shop) -> None:
    job_table.load()
    csv = "E-Mail;Stand;expires_at\ngrace@example.com;70;\nnew@example.com;5;2027-11-30\n"
    asked = {"csv": csv, "columns": {"points": "Stand"}}
    said = api.post("/imports/preview", asked).get_json()
    assert (said["rows"], said["points"], said["people"], said["new_accounts"], said["errors"]) == (2, 75, 2, 1, [])
    assert said["first"][1]["who"] == "email new@example.com"
    assert said["first"][1]["expires_at"].startswith("2027-11-30") or said["first"][1]["expires_at"].startswith(
        "2027-12-01"
    )
    assert api.get("/imports").get_json()["data"] == []
    answer = api.post("/imports", asked)
    assert (answer.status_code, answer.get_json()["state"]) == (202, "read")
    jobs.drain(runtime)
    [row] = api.get("/imports").get_json()["data"]
    assert (row["id"], row["state"], row["rows"], row["points"]) == (answer.get_json()["id"], "done", 2, 75)
    assert balance(api, GRACE) == 70
    assert api.post("/imports", asked).get_json()["type"].endswith("file-known")
    assert stranger.get("/imports").get_json()["data"] == []


def test_a_file_with_a_wrong_row_brings_nothing_unless_that_is_asked_for(
    api: Api, runtime: Runtime, twins: Shop
) -> None:
    job_table.load()
    csv = "email,points\ngrace@example.com,70\nnobody,many\n"
    assert api.post("/imports/preview", {"csv": csv}).get_json()["wrong"] == 1
    refused = api.post("/imports", {"csv": csv})
    assert refused.status_code == 422
    assert {(error["line"], error["column"]) for error in refused.get_json()["rows"]} == {(3, "email"), (3, "points")}
    assert api.post("/imports", {"csv": csv, "columns": {"colour": "x"}}).status_code == 400
    assert api.post("/imports", {"csv": "points\n" + "1" * (9 << 20)}).status_code == 413
    jobs.drain(runtime)
    assert balance(api, GRACE) == 0
    assert api.post("/imports", {"csv": csv, "skip_wrong": True}).get_json()["skipped"] == 1
    jobs.drain(runtime)
    assert balance(api, GRACE) == 70
