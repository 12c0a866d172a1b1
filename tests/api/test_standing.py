"""What a customer's points consist of, and what the program owes, by API."""

from collections.abc import Callable
from datetime import timedelta

from app import clock
from app.loyalty import ledger
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import LotDates, Source
from app.runtime import Runtime
from tests.api.conftest import CUSTOMER, Api

ONE = f"/customers/{CUSTOMER}"


def test_points_are_told_by_what_can_be_done_with_them(api: Api, runtime: Runtime, holder: Holder) -> None:
    now = clock.now()
    tomorrow, next_week = now + timedelta(days=1), now + timedelta(days=7)
    with runtime.database.shop(holder.shop_id) as session:
        ledger.lock_balances(session, [holder])
        ledger.post(
            session,
            [
                Posting(holder=holder, source=Source("adjustment", name), points=points, reason="adjusted",
                        business_at=now, dates=dates)
                for name, points, dates in (
                    ("open", 10, LotDates(now, None)),
                    ("ending", 20, LotDates(now, next_week)),
                    ("waiting", 30, LotDates(tomorrow, next_week)),
                )
            ],
        )  # fmt: skip
    points = api.get(ONE).get_json()["points"]
    ends = next_week.isoformat().replace("+00:00", "Z")
    assert points == {
        "balance": 60, "available": 30, "pending": 30, "lifetime": 60, "owed": 0,
        "expiring": [{"at": ends, "points": 20}, {"at": ends, "points": 30}],
    }  # fmt: skip
    lots = api.walk(f"{ONE}/lots", limit=2)
    assert {lot["source"]["id"]: (lot["remaining"], lot["expires_at"]) for lot in lots} == {
        "open": (10, None), "ending": (20, ends), "waiting": (30, ends),
    }  # fmt: skip


def test_the_liability_is_what_members_hold_at_the_dearest_reward(
    api: Api, holder: Holder, give: Callable[[int], None]
) -> None:
    before = clock.now()
    give(250)
    now = api.get("/liability").get_json()
    assert (now["outstanding"], now["accounts"], now["owed"], now["breakage"]) == (250, 1, 0, None)
    assert now["money"] == {"amount": "12.50", "currency": "USD"}
    assert now["value"] == {"points": 100, "buy": {"amount": "5.00", "currency": "USD"}, "reward_id": "1"}
    instant = before.isoformat().replace("+00:00", "Z")
    assert api.get(f"/liability?at={instant}&by=business").get_json()["outstanding"] == 0
    assert api.get("/liability?at=2999-01-01T00:00:00Z").status_code == 400
    assert api.get(f"/liability?at={instant[:4]}").status_code == 400
    later = (clock.now() + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert api.get(f"/liability?at={later}").status_code == 422


def test_the_schedule_tells_each_month(api: Api, holder: Holder, give: Callable[[int], None]) -> None:
    give(250)
    month = f"{clock.now():%Y-%m}"
    first, second = api.get(f"/liability/schedule?from={month}&months=2").get_json()["data"]
    assert (first["first_day"], first["issued"], first["outstanding"]) == (f"{month}-01", 250, 250)
    assert (second["issued"], second["outstanding"]) == (0, 250)
    assert api.get("/liability/schedule").status_code == 400
    assert api.get("/liability/schedule?from=2026-13").status_code == 400
