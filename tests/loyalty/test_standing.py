"""What is owed, as of any instant: equal to a copy taken then, and by month."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text, update

from app import clock
from app.loyalty import standing
from app.loyalty.dates import end_of, plus_months
from app.loyalty.models import Reward
from app.loyalty.schedule import schedule
from app.loyalty.standing import BUSINESS, RECORDED, Breakage, Standing
from app.runtime import Runtime
from app.shops.models import Shop
from tests.factories import make_shop
from tests.loyalty.days import Days

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
_COPY = text("""
select coalesce(sum(greatest(points, 0)), 0)::bigint as outstanding,
       coalesce(sum(greatest(-points, 0)), 0)::bigint as owed, count(*) filter (where points > 0) as accounts,
       (select coalesce(sum(remaining), 0)::bigint from lots where available_at > :at) as pending
from balances
""")


class Copy(NamedTuple):
    """Sums of a copy taken at an instant."""

    at: datetime
    outstanding: int
    owed: int
    accounts: int
    pending: int
    of_first: Standing


@pytest.fixture
def days(runtime: Runtime, shop: Shop) -> Days:
    """A shop with a waiting time of two weeks, and lots of 90 days, at the beginning of 2025."""
    made = Days(runtime, shop)
    made.rules(waiting_days=14, expiry={"kind": "after", "days": 90})
    made.move(BEGIN)
    return made


def live(days: Days, rng: random.Random) -> Iterator[Copy]:
    """A year of four members: orders, refunds, redemptions and sweeps; a copy taken at the end of each month."""
    orders: dict[int, tuple[datetime, int, int]] = {}
    for month in range(12):
        for number in range(5):
            at = BEGIN + timedelta(days=30 * month + 5 * number, hours=rng.randrange(24))
            days.move(at)
            order, customer = month * 100 + number, rng.randint(1, 4)
            orders[order] = (at, customer, rng.randint(5, 200))
            days.order(order, orders[order][2], at, customer)
            rich = rng.randint(1, 4)
            if rng.random() < 0.7 and (available := days.standing(rich).available):
                days.spend(str(order), available, rich)
            if rng.random() < 0.5:
                again = rng.choice(sorted(orders)[-12:])
                placed, whose, points = orders[again]
                orders[again] = (placed, whose, rng.choice((0, points // 2)))
                days.order(again, orders[again][2], placed, whose)
        days.move(BEGIN + timedelta(days=30 * month + 29, hours=12))
        days.sweep()
        # From here on nothing is written at this instant any more.
        yield copy(days, clock.now() + timedelta(seconds=5))


def copy(days: Days, at: datetime) -> Copy:
    with days.session() as session:
        row = session.execute(_COPY, {"at": at}).one()
    return Copy(at, row.outstanding, row.owed, row.accounts, row.pending, days.standing(1, at))


def test_as_of_any_instant_the_books_say_what_a_copy_taken_then_says_and_months_add_up_to_it(days: Days) -> None:
    copies = list(live(days, random.Random(3)))
    assert len(copies) == 12
    assert max(taken.owed for taken in copies) > 0 < max(taken.pending for taken in copies)
    with days.runtime.database.shop(days.shop.id) as session:
        for taken in copies:
            found = standing.liability(session, days.shop.id, days.program, taken.at)
            assert (found.outstanding, found.owed, found.accounts) == (taken.outstanding, taken.owed, taken.accounts)
            of_first = standing.account_standing_as_of(session, days.holder(), taken.at)
            assert _figures(of_first) == _figures(taken.of_first)
        now = standing.liability(session, days.shop.id, days.program)
        then = standing.liability(session, days.shop.id, days.program, clock.now())
    last = copies[-1]
    assert (now.outstanding, now.owed, now.accounts, now.pending) == last[1:5]
    assert (then.outstanding, then.owed, then.accounts) == last[1:4]
    for by in (RECORDED, BUSINESS):
        _months_add_up(days, by)


def _figures(found: Standing) -> tuple[int, int, int]:
    return found.balance, found.lifetime, found.owed


def _months_add_up(days: Days, by: str) -> None:
    with days.runtime.database.shop(days.shop.id) as session:
        before, *months = schedule(
            session, days.shop.id, days.program, first=date(2025, 1, 20), months=11, zone=BERLIN, by=by
        )
        assert (before.first_day, months[-1].first_day) == (date(2025, 1, 1), date(2025, 11, 1))
        for month in months:
            end = end_of(plus_months(month.first_day, 1) - timedelta(days=1), BERLIN) - timedelta(microseconds=1)
            found = standing.liability(session, days.shop.id, days.program, end, by)
            assert (month.outstanding, month.owed) == (found.outstanding, found.owed)
            flows = month.issued - month.taken_back - month.redeemed + month.returned - month.expired
            assert month.outstanding - month.owed == before.outstanding - before.owed + flows + month.forgiven
            before = month
    assert sum(month.expired for month in months) > 0 < sum(month.redeemed for month in months)


def test_business_time_knows_what_was_told_later(days: Days) -> None:
    days.rules(expiry={"kind": "after", "days": 30})
    days.move(BEGIN + timedelta(days=100))
    days.order(1, 100, BEGIN)
    days.move(BEGIN + timedelta(days=101))
    days.sweep()
    with days.session() as session:

        def outstanding(day: int, by: str) -> int:
            at = BEGIN + timedelta(days=day)
            return standing.liability(session, days.shop.id, days.program, at, by).outstanding

        assert [outstanding(day, RECORDED) for day in (10, 40, 100, 102)] == [0, 0, 0, 0]
        assert [outstanding(day, BUSINESS) for day in (0, 10, 29, 31, 40, 102)] == [100, 100, 100, 0, 0, 0]
        told = BEGIN + timedelta(days=100, hours=1)
        assert standing.liability(session, days.shop.id, days.program, told).outstanding == 100


def test_what_waited_then_is_pending_as_of_then(days: Days) -> None:
    days.order(1, 100, BEGIN)
    days.move(BEGIN + timedelta(days=10))
    days.order(2, 40, clock.now())
    days.move(BEGIN + timedelta(days=40))
    with days.session() as session:
        for by in (RECORDED, BUSINESS):
            then = [
                standing.liability(session, days.shop.id, days.program, BEGIN + timedelta(days=day), by)
                for day in (5, 12, 20, 30)
            ]
            assert [(found.outstanding, found.pending) for found in then] == [
                (100, 100),
                (140, 140),
                (140, 40),
                (140, 0),
            ]
        found = standing.account_standing_as_of(session, days.holder(), BEGIN + timedelta(days=20))
        assert found == Standing(balance=140, available=100, pending=40, lifetime=140)


def test_money_is_the_dearest_reward_for_each_point_rounded_up(days: Days) -> None:
    days.order(1, 101, BEGIN)
    with days.session() as session:
        shared = {"shop_id": days.shop.id, "program_id": days.program, "kind": "amount_off", "currency": "USD"}
        session.add(Reward(**shared, title="dear", points=30, value_minor=200))
        session.add(Reward(**shared, title="gone", points=1, value_minor=200, active=False))
        session.flush()
        found = standing.liability(session, days.shop.id, days.program)
        assert found.value is not None
        assert (found.outstanding, found.pending, found.money_minor) == (101, 101, 674)
        session.execute(update(Reward).values(kind="free_shipping"))
        assert standing.liability(session, days.shop.id, days.program).money_minor is None


def test_breakage_is_the_share_that_nobody_spent_of_lots_whose_time_is_over(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "LEAST_LOTS", 4)
    for number in range(1, 5):
        days.order(number, 100, BEGIN, customer=number)
    days.move(BEGIN + timedelta(days=20))
    days.spend("a", 50)
    days.move(BEGIN + timedelta(days=60))
    days.order(9, 1000, clock.now())
    with days.session() as session:
        assert standing.breakage(session, days.shop.id, days.program, clock.now()) is None
        over = BEGIN + timedelta(days=110)
        assert standing.breakage(session, days.shop.id, days.program, over) == Breakage(Fraction(7, 8), 4, 400)
    days.move(over)
    days.sweep()
    with days.session() as session:
        found = standing.liability(session, days.shop.id, days.program)
    assert found.breakage == Breakage(Fraction(7, 8), 4, 400)
    assert (found.outstanding, found.expected_breakage) == (1000, 875)


def test_with_too_little_history_nothing_is_said_of_breakage(days: Days) -> None:
    days.order(1, 100, BEGIN)
    days.move(BEGIN + timedelta(days=200))
    with days.session() as session:
        found = standing.liability(session, days.shop.id, days.program)
    assert (found.breakage, found.expected_breakage) == (None, None)


def test_forgiven_debts_are_counted_now_and_as_of_then(days: Days) -> None:
    days.rules()
    days.order(1, 100, BEGIN)
    days.spend("a", 100)
    days.order(1, 0, BEGIN)
    days.set(forgives_debts=True)
    days.sweep()
    with days.session() as session:
        for at in (None, clock.now()):
            found = standing.liability(session, days.shop.id, days.program, at)
            assert (found.forgiven, found.debts_forgiven, found.owed, found.outstanding) == (100, 1, 0, 0)
        assert standing.liability(session, days.shop.id, days.program, BEGIN).forgiven == 0


def test_another_shops_points_are_not_counted(days: Days, runtime: Runtime) -> None:
    other = Days(runtime, make_shop(runtime, "other.myshopify.com"))
    days.order(1, 100, BEGIN)
    other.order(1, 7, BEGIN)
    with runtime.database.shop(other.shop.id) as session:
        assert standing.liability(session, other.shop.id, other.program).outstanding == 7
        assert standing.liability(session, other.shop.id, other.program, clock.now()).outstanding == 7
        assert standing.account_standing(session, days.holder(), clock.now()) == Standing()


def test_entries_have_two_times_only(days: Days) -> None:
    with days.session() as session, pytest.raises(ValueError, match="no points"):
        standing.liability(session, days.shop.id, days.program, BEGIN, "points")
