"""Programs and their versions by API: what can be changed, what stays, and what every change leaves behind."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app import clock, job_table, jobs
from app.loyalty.ledger import Holder
from app.loyalty.models import Action, RuleVersion
from app.loyalty.run_models import SettlementRun
from app.runtime import Runtime
from app.shops.models import Shop
from tests.api.conftest import CUSTOMER, Api

DOUBLE = {"earning": [{"kind": "per_unit", "points": 2}]}
ACTIONS = f"/customers/{CUSTOMER}/actions"


def later(**more: float) -> str:
    return (clock.now() + timedelta(**more)).isoformat()


def audited(api: Api) -> list[tuple[str, str, Any, Any]]:
    rows = api.get("/audit").get_json()["data"]
    return [(row["what"], row["subject"], row["before"], row["after"]) for row in rows]


def test_the_program_of_an_installation_is_told_in_words(api: Api) -> None:
    (program,) = api.get("/programs").get_json()["data"]
    assert program == api.get("/programs/1").get_json()
    assert (program["name"], program["version"]) == ("Points", 1)
    assert program["rules"] == {"earning": [{"kind": "per_unit", "points": 1}]}
    assert program["history"] == {"chosen_at": None, "from": None}
    assert program["in_words"][0] == "1 point for each whole USD of all goods."
    assert "100 points buy “5 USD off”: 5 USD off an order." in program["in_words"]
    assert program["in_words"][-1] == "Who has spent points that are taken back later owes them."


def test_a_new_version_holds_from_now_on_and_is_audited(api: Api) -> None:
    made = api.post("/programs/1/versions", {"rules": DOUBLE}, key="v2")
    assert made.status_code == 201
    version = made.get_json()
    assert (version["version"], version["rules"]) == (2, DOUBLE)
    assert version["in_words"][0] == "2 points for each whole USD of all goods."
    assert api.get("/programs/1").get_json()["version"] == 2
    assert [row["version"] for row in api.walk("/programs/1/versions", limit=1)] == [2, 1]
    (entry,) = api.get("/audit").get_json()["data"]
    assert (entry["actor"], entry["what"], entry["subject"], entry["before"]) == (
        "key:1", "version.added", "program:1", None,
    )  # fmt: skip
    assert entry["after"]["rules"] == DOUBLE
    assert api.post("/programs/1/versions", {"rules": DOUBLE}, key="v2").get_json() == version
    assert len(audited(api)) == 1


def test_a_version_to_come_holds_from_its_instant_on(api: Api) -> None:
    assert api.post("/programs/1/versions", {"rules": DOUBLE, "in_force_from": later(days=3)}).status_code == 201
    assert api.get("/programs/1").get_json()["version"] == 1


@pytest.mark.parametrize(
    ("begins", "kind"),
    [({"seconds": -5}, "past-version"), ({"days": 2}, "version-order"), ({"days": 3}, "version-order")],
)
def test_versions_follow_each_other_and_never_begin_in_the_past(
    api: Api, runtime: Runtime, begins: dict[str, float], kind: str
) -> None:
    planned = clock.now() + timedelta(days=3)
    api.post("/programs/1/versions", {"rules": DOUBLE, "in_force_from": planned.isoformat()})
    begins_at = planned if begins == {"days": 3} else clock.now() + timedelta(**begins)
    refused = api.post("/programs/1/versions", {"rules": DOUBLE, "in_force_from": begins_at.isoformat()})
    assert refused.status_code == 422
    assert refused.get_json()["type"] == f"urn:perennial:problem:{kind}"
    with runtime.database.system() as session:
        assert session.scalars(select(RuleVersion.version).order_by(RuleVersion.version)).all() == [1, 2]


def test_every_wrong_field_of_rules_is_named(api: Api) -> None:
    rules = {"earning": [{"kind": "per_unit", "points": 0}, {"kind": "none", "points": 1}], "tax": "all", "cap": 5}
    for path, more in (
        ("versions", {}),
        ("preview", {"from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}),
    ):
        refused = api.post(f"/programs/1/{path}", {"rules": rules, **more})
        assert refused.status_code == 400
        assert [fault["pointer"] for fault in refused.get_json()["errors"]] == [
            "/rules/earning/0/points", "/rules/earning/1/kind", "/rules/tax", "/rules/cap",
        ]  # fmt: skip
    assert audited(api) == []


def test_settings_are_changed_and_audited(api: Api) -> None:
    changed = api.request("PATCH", "/programs/1", json={"name": "Circle", "return_days": 5, "forgives_debts": True})
    program = changed.get_json()
    assert (program["name"], program["return_days"], program["forgives_debts"]) == ("Circle", 5, True)
    before, after = (
        {"name": "Points", "return_days": 30, "forgives_debts": False},
        {"name": "Circle", "return_days": 5, "forgives_debts": True},
    )
    assert audited(api) == [("program.changed", "program:1", before, after)]
    api.request("PATCH", "/programs/1", json={"name": "Circle"})
    assert len(audited(api)) == 1


def test_a_program_that_has_earned_nothing_may_begin_whenever(api: Api) -> None:
    answer = api.request("PATCH", "/programs/1", json={"earns_from": "2030-01-01T00:00:00+01:00"})
    assert answer.get_json()["earns_from"] == "2029-12-31T23:00:00Z"
    assert answer.get_json()["version"] is None
    assert answer.get_json()["in_words"][0] == "Nothing earns points at the moment."
    assert api.request("PATCH", "/programs/1", json={"earns_from": None}).status_code == 200


def test_start_and_end_that_would_change_what_was_earned_are_refused(api: Api, holder: Holder) -> None:
    api.post("/programs/1/versions", {"rules": DOUBLE | {"actions": {"review": {"points": 5}}}})
    assert api.post(ACTIONS, {"kind": "review", "key": "1"}).get_json()["points"] == 5
    for change in ({"earns_from": later(days=1)}, {"ends_at": later(days=-1)}):
        refused = api.request("PATCH", "/programs/1", json=change)
        assert refused.get_json()["type"] == "urn:perennial:problem:earlier-awards"
    assert api.request("PATCH", "/programs/1", json={"ends_at": later(days=1)}).status_code == 200
    assert api.request("PATCH", "/programs/1", json={"ends_at": None}).status_code == 200
    assert api.get(f"/customers/{CUSTOMER}").get_json()["points"]["balance"] == 5


def test_a_program_ends_later_than_it_begins(api: Api) -> None:
    both = {"earns_from": later(days=2), "ends_at": later(days=1)}
    assert api.request("PATCH", "/programs/1", json=both).get_json()["type"] == "urn:perennial:problem:program-times"


def test_whoever_was_settled_while_rules_changed_is_settled_again(
    api: Api, runtime: Runtime, shop: Shop, holder: Holder
) -> None:
    job_table.load()
    began = clock.now()
    rules = DOUBLE | {"actions": {"review": {"points": 5}}}
    api.post("/programs/1/versions", {"rules": rules})
    with runtime.database.shop(shop.id) as session:
        # As a transaction leaves it that had read the rules of before.
        session.add(
            Action(
                shop_id=shop.id, kind="review", key="1", account_id=holder.account_id, business_at=clock.now(),
                recorded_at=clock.now(), actor=None,
            )
        )  # fmt: skip
    jobs.drain(runtime, until=clock.wall_now() + timedelta(minutes=2))
    assert api.get(f"/customers/{CUSTOMER}").get_json()["points"]["balance"] == 5
    with runtime.database.system() as session:
        run = session.scalars(select(SettlementRun)).one()
    assert run.since is not None
    assert run.since >= began
    assert run.finished_at is not None


def test_rewards_are_offered_changed_and_stopped(api: Api, holder: Holder, give: Callable[[int], None]) -> None:
    made = api.post("/rewards", {"title": "Ten off", "points": 180, "value": "10"}).get_json()
    assert made["value"] == {"amount": "10.00", "currency": "USD"}
    assert [row["title"] for row in api.get("/rewards").get_json()["data"]] == ["5 USD off", "Ten off"]
    changed = api.request("PATCH", f"/rewards/{made['id']}", json={"points": 150, "active": False}).get_json()
    assert (changed["points"], changed["active"]) == (150, False)
    assert [row["title"] for row in api.get("/rewards").get_json()["data"]] == ["5 USD off"]
    assert [row["title"] for row in api.get("/rewards?state=stopped").get_json()["data"]] == ["Ten off"]
    assert len(api.get("/rewards?state=all").get_json()["data"]) == 2
    give(200)
    refused = api.post(f"/customers/{CUSTOMER}/redemptions", {"reward_id": made["id"]})
    assert refused.get_json()["type"] == "urn:perennial:problem:reward-inactive"
    assert [row[:2] for row in audited(api)] == [("reward.changed", "reward:2"), ("reward.added", "reward:2")]
    assert audited(api)[0][2:] == ({"points": 180, "active": True}, {"points": 150, "active": False})


def test_codes_of_a_reward_end_after_the_days_it_says(api: Api, holder: Holder, give: Callable[[int], None]) -> None:
    made = api.post("/rewards", {"title": "Ten off", "points": 100, "value": "10", "code_days": 30}).get_json()
    assert made["code_days"] == 30
    give(200)
    taken = api.post(f"/customers/{CUSTOMER}/redemptions", {"reward_id": made["id"]}).get_json()
    assert taken["expires_at"] is not None
    ended = api.request("PATCH", f"/rewards/{made['id']}", json={"code_days": None}).get_json()
    assert ended["code_days"] is None
    assert audited(api)[0][2:] == ({"code_days": 30}, {"code_days": None})
    for wrong in (0, 3_651, "30"):
        assert api.request("PATCH", f"/rewards/{made['id']}", json={"code_days": wrong}).status_code == 400


def test_a_reward_takes_something_off_and_belongs_to_a_program(api: Api) -> None:
    assert api.post("/rewards", {"title": "x", "points": 1, "value": "0.00"}).status_code == 422
    assert api.post("/rewards", {"title": "x", "points": 1, "value": "5", "program_id": "99"}).status_code == 404
    for wrong in ({"value": "-5"}, {"value": 5}, {"points": 0}, {"title": " "}):
        assert api.post("/rewards", {"title": "x", "points": 1, "value": "5", **wrong}).status_code == 400


def test_instants_are_checked_by_place(api: Api) -> None:
    for wrong in ("2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "soon", ""):
        refused = api.request("PATCH", "/programs/1", json={"ends_at": wrong})
        assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (400, "/ends_at")


def test_adjustments_and_replays_are_audited_without_their_words(api: Api, holder: Holder) -> None:
    made = api.post(f"/customers/{CUSTOMER}/adjustments", {"points": 40, "reason": "for Ada"}).get_json()
    assert audited(api) == [
        ("points.adjusted", f"account:{holder.account_id}", None, {"entry": made["id"], "points": 40})
    ]
    assert [row["what"] for row in api.get("/audit?actor=key:1&what=points.adjusted").get_json()["data"]]
    assert api.get("/audit?actor=key:2").get_json()["data"] == []


def test_what_is_refused_is_not_audited(api: Api, holder: Holder) -> None:
    assert api.post(f"/customers/{CUSTOMER}/adjustments", {"points": -40, "reason": "x"}, key="k").status_code == 422
    assert audited(api) == []


def test_another_shop_sees_and_changes_nothing_of_it(api: Api, stranger: Api) -> None:
    made = api.post("/rewards", {"title": "Ten off", "points": 180, "value": "10"}).get_json()
    preview = {"rules": DOUBLE, "from": later(days=-2), "until": later(days=-1)}
    asked = api.post("/programs/1/preview", preview).get_json()
    found = [
        stranger.get("/programs/1"),
        stranger.request("PATCH", "/programs/1", json={"name": "Mine"}),
        stranger.get("/programs/1/versions"),
        stranger.post("/programs/1/versions", {"rules": DOUBLE}),
        stranger.post("/programs/1/preview", preview),
        stranger.get(f"/programs/1/preview/{asked['id']}"),
        stranger.get("/programs/1/history"),
        stranger.post("/programs/1/history", {"from": None}),
        stranger.request("PATCH", f"/rewards/{made['id']}", json={"points": 1}),
        stranger.get("/programs/9223372036854775808"),
        stranger.post(ACTIONS, {"kind": "review", "key": "1"}),
        stranger.request("PUT", f"/customers/{CUSTOMER}/birthday", json={"birthday": "1990-01-01"}),
    ]
    assert {answer.status_code for answer in found} == {404}
    assert audited(stranger) == []
    assert api.get("/programs/1").get_json()["name"] == "Points"
