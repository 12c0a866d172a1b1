"""Birthdays: on the customer's own day in the shop's zone, exactly once, whatever was paused or moved."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app import clock
from app.customers.accounts import accounts_of_customers
from app.customers.models import Customer
from app.errors import NotFound, Unprocessable
from app.loyalty import birthdays
from app.loyalty.models import Action, LedgerEntry, RuleVersion
from app.runtime import Runtime
from app.shops.models import Shop
from tests.factories import make_shop

RULES = {"earning": [], "actions": {"birthday": {"points": 50}}}
START = datetime(2020, 1, 1, tzinfo=UTC)
# The shop of these tests is in Berlin.
SetTime = Callable[[str], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> SetTime:
    """Sets the clock to an instant of UTC."""
    return lambda instant: monkeypatch.setattr(clock, "wall_now", lambda: datetime.fromisoformat(f"{instant}Z"))


@pytest.fixture
def ruled(runtime: Runtime, shop: Shop) -> Shop:
    with runtime.database.system() as session:
        session.add(
            RuleVersion(shop_id=shop.id, program_id=1, version=2, in_force_from=START, rules=RULES, created_at=START)
        )
    return shop


def born(runtime: Runtime, shop: Shop, customer: int, birthday: date | None) -> int:
    with runtime.database.system() as session:
        account = accounts_of_customers(session, {(shop.id, customer)})[shop.id, customer]
        birthdays.tell(session, shop.id, customer, birthday)
    return account


def points(runtime: Runtime) -> list[tuple[int, int, datetime]]:
    with runtime.database.system() as session:
        rows = session.execute(
            select(LedgerEntry.account_id, LedgerEntry.points, LedgerEntry.business_at).order_by(LedgerEntry.id)
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]  # three columns


def test_the_day_begins_at_midnight_of_the_shops_zone(runtime: Runtime, ruled: Shop, at: SetTime) -> None:
    account = born(runtime, ruled, 7, date(1990, 6, 10))
    born(runtime, ruled, 8, date(1990, 6, 11))
    at("2026-06-09T21:59")
    birthdays.celebrate(runtime)
    assert points(runtime) == []
    at("2026-06-09T22:00")
    birthdays.celebrate(runtime)
    birthdays.celebrate(runtime)
    assert points(runtime) == [(account, 50, datetime(2026, 6, 9, 22, tzinfo=UTC))]
    with runtime.database.system() as session:
        assert session.scalars(select(Action.key)).all() == [f"{account}:2026"]


@pytest.mark.parametrize(("year", "day"), [(2027, "2027-02-27T23:00"), (2028, "2028-02-28T23:00")])
def test_who_was_born_on_29_february_has_it_on_the_28th_in_other_years(
    runtime: Runtime, ruled: Shop, at: SetTime, year: int, day: str
) -> None:
    account = born(runtime, ruled, 7, date(2000, 2, 29))
    at(f"{year}-02-20T12:00")
    birthdays.celebrate(runtime)
    at(f"{year}-03-05T12:00")
    birthdays.celebrate(runtime)
    assert points(runtime) == [(account, 50, datetime.fromisoformat(f"{day}Z"))]


def test_who_was_born_on_the_28th_shares_the_day_with_the_29th_in_other_years_only(
    runtime: Runtime, ruled: Shop, at: SetTime
) -> None:
    first, second = born(runtime, ruled, 7, date(2000, 2, 28)), born(runtime, ruled, 8, date(2000, 2, 29))
    at("2028-02-28T12:00")
    birthdays.celebrate(runtime)
    assert [row[0] for row in points(runtime)] == [first]
    at("2029-02-28T12:00")
    birthdays.celebrate(runtime)
    assert sorted(row[0] for row in points(runtime)[1:]) == [first, second, second]


def test_days_missed_in_a_pause_are_caught_up_at_their_own_time(runtime: Runtime, ruled: Shop, at: SetTime) -> None:
    accounts = [born(runtime, ruled, number, date(1990, 6, number)) for number in (9, 10, 11, 12)]
    at("2026-06-09T12:00")
    birthdays.celebrate(runtime)
    at("2026-06-11T12:00")
    birthdays.celebrate(runtime)
    assert points(runtime) == [
        (account, 50, datetime(2026, 6, 8 + number, 22, tzinfo=UTC)) for number, account in enumerate(accounts[:3])
    ]


def test_a_moved_birthday_brings_nothing_within_the_year_nor_soon_after(
    runtime: Runtime, ruled: Shop, at: SetTime
) -> None:
    born(runtime, ruled, 7, date(1990, 12, 31))
    at("2026-12-30T12:00")
    birthdays.celebrate(runtime)
    at("2026-12-31T12:00")
    birthdays.celebrate(runtime)
    assert len(points(runtime)) == 1
    born(runtime, ruled, 7, date(1990, 1, 1))
    at("2027-01-01T12:00")
    birthdays.celebrate(runtime)
    assert len(points(runtime)) == 1
    at("2028-01-01T12:00")
    birthdays.celebrate(runtime)
    assert len(points(runtime)) == 2


def test_a_shop_that_is_new_begins_with_today(runtime: Runtime, ruled: Shop, at: SetTime) -> None:
    born(runtime, ruled, 7, date(1990, 6, 9))
    at("2026-06-10T12:00")
    birthdays.celebrate(runtime)
    assert points(runtime) == []


def test_without_a_rule_no_action_is_kept(runtime: Runtime, shop: Shop, at: SetTime) -> None:
    born(runtime, shop, 7, date(1990, 6, 10))
    at("2026-06-10T12:00")
    birthdays.celebrate(runtime)
    with runtime.database.system() as session:
        assert session.scalars(select(Action)).all() == []


def test_shops_celebrate_their_own_only(runtime: Runtime, ruled: Shop, at: SetTime) -> None:
    other = make_shop(runtime, "other.myshopify.com")
    account = born(runtime, ruled, 7, date(1990, 6, 10))
    born(runtime, other, 7, date(1990, 6, 10))
    at("2026-06-10T12:00")
    birthdays.celebrate(runtime)
    assert [row[0] for row in points(runtime)] == [account]


@pytest.mark.parametrize("day", [date(1899, 12, 31), date(2999, 1, 1)])
def test_days_on_which_nobody_alive_was_born_are_refused(runtime: Runtime, shop: Shop, day: date) -> None:
    with pytest.raises(Unprocessable):
        born(runtime, shop, 7, day)


def test_who_is_forgotten_stays_forgotten(runtime: Runtime, shop: Shop) -> None:
    with runtime.database.system() as session:
        session.add(Customer(shop_id=shop.id, id=7, redacted_at=clock.now() - timedelta(days=1)))
    with pytest.raises(NotFound):
        born(runtime, shop, 7, date(1990, 1, 1))


def test_a_birthday_can_be_taken_back(runtime: Runtime, shop: Shop) -> None:
    born(runtime, shop, 7, date(1990, 1, 1))
    born(runtime, shop, 7, None)
    with runtime.database.system() as session:
        found: Any = session.get(Customer, (shop.id, 7))
        assert found.birthday is None
