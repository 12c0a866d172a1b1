"""Previews of rule changes and the choice about history, by API: small shops at once, larger ones by a job."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from app import clock, job_table, jobs
from app.loyalty import questions, service, settlement
from app.loyalty.ledger import Holder
from app.loyalty.models import LedgerEntry
from app.orders.models import Order
from app.runtime import Runtime
from app.shops.models import Shop
from tests.api.conftest import CUSTOMER, Api

DOUBLE = {"earning": [{"kind": "per_unit", "points": 2}]}
PERIOD = {"from": "2025-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
DAY = datetime(2025, 3, 1, 12, tzinfo=UTC)
HISTORY = "/programs/1/history"


def order(shop: Shop, number: int, account: int, minor: int, *, days: int = 0, imported: bool = False) -> Order:
    at = DAY + timedelta(days=days)
    return Order(
        shop_id=shop.id, id=number, account_id=account, currency="USD", current_subtotal_minor=minor, paid=True,
        processed_at=at, created_at=at, updated_at=at, triggered_at=at, imported=imported, name=f"#{number}",
    )  # fmt: skip


def balance(api: Api) -> int:
    return int(api.get(f"/customers/{CUSTOMER}").get_json()["points"]["balance"])


@pytest.fixture
def ordered(runtime: Runtime, shop: Shop, holder: Holder) -> Holder:
    """CUSTOMER with 10.00 in March and 5.00 in April 2025 that were told, and imported orders of 2024 and 2025."""
    with runtime.database.system() as session:
        session.add_all(
            [
                order(shop, 1, holder.account_id, 1000),
                order(shop, 2, holder.account_id, 500, days=40),
                order(shop, 3, holder.account_id, 7000, days=-300, imported=True),
                order(shop, 4, holder.account_id, 2000, days=-10, imported=True),
            ]
        )
        session.flush()
        service.settle(session, [(shop.id, holder.account_id)])
    return holder


@pytest.fixture(params=["at once", "by a job"])
def answered(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, runtime: Runtime) -> Any:
    """Asks and returns the answer, either way."""
    if request.param == "by a job":
        job_table.load()
        monkeypatch.setattr(questions, "SMALL", 0)

    def wait_for(first: Any, again: Any) -> dict[str, Any]:
        if request.param == "at once":
            assert first.status_code == 200
            return dict(first.get_json())
        assert first.status_code == 202
        jobs.drain(runtime)
        later = again(first.get_json())
        assert later.status_code == 200
        return dict(later.get_json())

    return wait_for


def test_a_draft_is_held_against_the_live_rules(api: Api, ordered: Holder, answered: Any) -> None:
    asked = api.post("/programs/1/preview", {"rules": DOUBLE, **PERIOD}, key="p")
    shown = answered(asked, lambda first: api.get(f"/programs/1/preview/{first['id']}"))
    found = shown["comparison"]
    assert shown["state"] == "done"
    assert found["in_words"][0] == "2 points for each whole USD of all goods."
    assert found["draft"] == {
        "points": 30, "accounts": 1, "sources": 2, "cost": {"amount": "1.50", "currency": "USD"},
    }  # fmt: skip
    assert (found["live"]["points"], found["live"]["cost"]["amount"]) == (15, "0.75")
    assert (found["gained"], found["lost"]) == ({"accounts": 1, "points": 15}, {"accounts": 0, "points": 0})
    assert found["difference"] == {"points": 15, "cost": {"amount": "0.75", "currency": "USD"}}
    assert found["gainers"] == [
        {"account": str(ordered.account_id), "customer": str(CUSTOMER), "draft": 30, "live": 15}
    ]
    assert [row["accounts"] for row in found["spread"]] == [0, 0, 0, 0, 1, 0, 0]
    assert (found["spread"][0], found["spread"][-1]) == (
        {"from": None, "to": -1000, "accounts": 0}, {"from": 1001, "to": None, "accounts": 0},
    )  # fmt: skip
    assert balance(api) == 15


def test_a_preview_counts_its_period_only_and_all_orders_if_asked(api: Api, ordered: Holder) -> None:
    april = {"rules": DOUBLE, "from": "2025-04-01T00:00:00Z", "until": "2025-05-01T00:00:00Z"}
    found = api.post("/programs/1/preview", april).get_json()["comparison"]
    assert (found["draft"]["points"], found["live"]["points"]) == (10, 5)
    everything = api.post("/programs/1/preview", {"rules": DOUBLE, **PERIOD, "counting": "all_orders"}).get_json()
    assert (everything["comparison"]["draft"]["points"], everything["comparison"]["live"]["points"]) == (70, 35)


def test_who_loses_is_named_too(api: Api, ordered: Holder) -> None:
    found = api.post("/programs/1/preview", {"rules": {"earning": []}, **PERIOD}).get_json()["comparison"]
    assert (found["lost"], found["gained"]["accounts"]) == ({"accounts": 1, "points": 15}, 0)
    assert found["losers"] == [{"account": str(ordered.account_id), "customer": str(CUSTOMER), "draft": 0, "live": 15}]
    assert found["difference"]["cost"]["amount"] == "-0.75"


def test_a_period_has_a_length(api: Api) -> None:
    wrong = {"rules": DOUBLE, "from": PERIOD["until"], "until": PERIOD["from"]}
    assert api.post("/programs/1/preview", wrong).status_code == 422
    assert api.get("/programs/1/preview/1").status_code == 404


def test_history_is_worth_what_it_would_bring(api: Api, ordered: Holder, answered: Any) -> None:
    shown = answered(api.get(HISTORY), lambda _: api.get(HISTORY))
    assert (shown["chosen_at"], shown["state"]) == (None, "done")
    assert shown["worth"] == {
        "points": 90, "cost": {"amount": "4.50", "currency": "USD"}, "accounts": 1, "orders": 4,
        "years": [
            {"year": 2024, "points": 70, "cost": {"amount": "3.50", "currency": "USD"}},
            {"year": 2025, "points": 20, "cost": {"amount": "1.00", "currency": "USD"}},
        ],
        "gainers": [{"account": str(ordered.account_id), "customer": str(CUSTOMER), "draft": 105, "live": 15}],
    }  # fmt: skip
    since = f"{HISTORY}?from=2025-01-01T00:00:00Z"
    assert answered(api.get(since), lambda _: api.get(since))["worth"]["points"] == 20
    assert balance(api) == 15


@pytest.mark.parametrize(("chosen", "points"), [(None, 105), ("2025-01-01T00:00:00Z", 35), ("none", 15)])
def test_imported_orders_earn_from_the_chosen_instant_on(
    api: Api, ordered: Holder, runtime: Runtime, chosen: str | None, points: int
) -> None:
    job_table.load()
    told = api.post(HISTORY, {"from": chosen}, key="choice")
    assert told.status_code == 202
    assert told.get_json()["history"]["chosen_at"] is not None
    jobs.drain(runtime)
    jobs.drain(runtime)
    assert balance(api) == points
    (entry,) = api.get("/audit?what=history.chosen").get_json()["data"]
    assert entry["before"] == {"history_chosen_at": None, "history_from": None}


def test_a_choice_that_has_had_an_effect_is_final(api: Api, ordered: Holder, runtime: Runtime) -> None:
    job_table.load()
    assert api.post(HISTORY, {"from": "none"}).status_code == 202
    jobs.drain(runtime)
    assert api.post(HISTORY, {"from": "2025-01-01T00:00:00Z"}).status_code == 202
    jobs.drain(runtime)
    refused = api.post(HISTORY, {"from": None})
    assert (refused.status_code, refused.get_json()["type"]) == (409, "urn:perennial:problem:history-chosen")
    jobs.drain(runtime)
    assert balance(api) == 35
    assert len(api.get("/audit?what=history.chosen").get_json()["data"]) == 2


def test_history_does_not_begin_in_the_future_or_in_between(api: Api, ordered: Holder) -> None:
    later = (clock.now() + timedelta(days=1)).isoformat()
    assert api.post(HISTORY, {"from": later}).status_code == 422
    assert api.post(HISTORY, {"from": "soon"}).status_code == 400
    assert api.post(HISTORY, {}).status_code == 400
    assert api.get("/programs/1").get_json()["history"]["chosen_at"] is None


def test_many_accounts_are_settled_in_steps_and_an_interrupted_run_goes_on(
    api: Api, runtime: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_table.load()
    monkeypatch.setattr(settlement, "STEP", 2)
    monkeypatch.setattr(settlement, "PATIENCE", timedelta())
    with runtime.database.system() as session:
        session.execute(
            text(
                "insert into accounts (shop_id, id, created_at) select :shop, 100 + i, :at from generate_series(1, 5) i"
            ),
            {"shop": shop.id, "at": DAY},
        )
        session.add_all([order(shop, number, 100 + number, 1000, imported=True) for number in range(1, 6)])
    api.post(HISTORY, {"from": None})
    with runtime.database.system() as session:
        # The worker dies and its job with it; the row knows.
        session.execute(text("delete from procrastinate_jobs"))
    settlement.continue_runs(runtime)
    jobs.drain(runtime, until=clock.wall_now() + timedelta(minutes=2))
    with runtime.database.system() as session:
        assert session.scalars(select(LedgerEntry.points)).all() == [10] * 5


def test_a_run_waits_for_a_transaction_that_may_have_read_the_rules_of_before(
    api: Api, runtime: Runtime, shop: Shop, ordered: Holder
) -> None:
    job_table.load()
    with runtime.database.system() as older:
        service.settle(older, [(shop.id, ordered.account_id)])
        assert api.post(HISTORY, {"from": None}).status_code == 202
        jobs.drain(runtime)
        assert balance(api) == 15
        # One that begins after the first look is not waited for.
        with runtime.database.system() as younger:
            younger.execute(text("select 1"))
            older.rollback()
            jobs.drain(runtime, until=clock.wall_now() + timedelta(seconds=5))
            assert balance(api) == 105
