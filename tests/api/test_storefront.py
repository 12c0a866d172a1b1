"""The points that a theme shows are switched by API."""

from app import job_table
from app.runtime import Runtime
from app.shops.models import Shop
from tests.api.conftest import Api


def test_points_are_shown_when_switched_on_and_each_change_is_audited_once(
    api: Api, stranger: Api, runtime: Runtime, shop: Shop
) -> None:
    job_table.load()
    assert api.get("/storefront").get_json() == {"points": False, "up_to_date": True}
    for _ in range(2):
        shown = api.request("PATCH", "/storefront", json={"points": True})
        assert (shown.status_code, shown.get_json()) == (200, {"points": True, "up_to_date": False})
    assert api.get("/storefront").get_json()["points"] is True
    assert stranger.get("/storefront").get_json()["points"] is False
    assert api.request("PATCH", "/storefront", json={"points": False}).get_json()["points"] is False
    entries = api.get("/audit").get_json()["data"]
    assert [(entry["what"], entry["after"]) for entry in entries] == [
        ("storefront.changed", {"points": False}),
        ("storefront.changed", {"points": True}),
    ]


def test_nothing_else_can_be_said_there(api: Api) -> None:
    for body in ({}, {"points": "yes"}, {"points": True, "popups": True}):
        assert api.request("PATCH", "/storefront", json=body).status_code == 400
    assert api.get("/storefront").get_json()["points"] is False
