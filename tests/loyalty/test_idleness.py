"""Points of accounts that have been idle for too long, and debts that are forgiven: what only the sweep can know."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app import clock
from app.loyalty import service
from app.loyalty.standing import Standing
from app.loyalty.verify import verify
from app.runtime import Runtime
from app.shops.models import Shop
from tests.loyalty.days import Days, redemption_id

JANUARY = datetime(2026, 1, 10, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
YEAR = {"kind": "inactivity", "months": 12}


@pytest.fixture
def days(runtime: Runtime, shop: Shop) -> Days:
    """A shop on the morning of 10 January, whose points never end."""
    made = Days(runtime, shop)
    made.move(JANUARY)
    return made


def verified(days: Days) -> bool:
    with days.runtime.database.system() as session:
        return verify(session).agrees


def test_points_of_an_idle_account_go_a_year_after_its_last_sign_of_life(days: Days) -> None:
    days.rules(expiry=YEAR)
    days.order(1, 100, JANUARY)
    days.move(datetime(2026, 6, 1, 12, tzinfo=UTC))
    days.order(2, 50, clock.now())
    days.move(datetime(2026, 9, 1, 12, tzinfo=UTC))
    days.spend("a", 20)
    end = datetime(2027, 9, 1, 22, tzinfo=UTC)
    days.move(end - 5 * SECOND)
    assert days.sweep() == 0
    assert days.standing().available == 130
    days.move(end)
    assert days.standing() == Standing(lifetime=150)
    assert days.sweep() == 1
    assert days.posted("expiry") == [("order:1", -80, "expired", end), ("order:2", -50, "expired", end)]
    assert days.sweep() == 0
    assert verified(days)


def test_points_given_by_hand_to_an_idle_account_are_not_gone_at_once(days: Days) -> None:
    days.rules(expiry=YEAR)
    days.order(1, 100, JANUARY)
    late = datetime(2027, 3, 1, 12, tzinfo=UTC)
    days.move(late)
    with days.session() as session:
        key = "0b0e2e7e-6f38-4b02-8d6f-5c1f9f2d8a11"
        service.adjust(session, days.holder(), 40, request_id=key, note="come back", actor="key:1")
    days.sweep()
    assert days.standing() == Standing(balance=40, available=40, lifetime=140)
    assert days.standing(at=datetime(2028, 3, 1, 23, tzinfo=UTC)).balance == 0


def test_orders_told_together_lose_the_same_points_as_orders_told_in_time(days: Days) -> None:
    days.rules(expiry=YEAR)
    second = datetime(2027, 6, 1, 12, tzinfo=UTC)
    end = datetime(2027, 1, 10, 23, tzinfo=UTC)
    days.order(1, 100, JANUARY)
    days.move(end + SECOND)
    days.sweep()
    days.move(second)
    days.order(2, 50, second)
    # The other customer's orders are both told only now, the newer one first.
    days.order(4, 50, second, customer=2)
    days.order(3, 100, JANUARY, customer=2)
    assert days.posted("expiry") == [("order:1", -100, "expired", end)]
    assert days.posted("expiry", customer=2) == [("order:3", -100, "expired", end)]
    assert days.standing(1) == days.standing(2) == Standing(balance=50, available=50, lifetime=150)


def test_test_orders_and_unpaid_ones_are_no_sign_of_life(days: Days) -> None:
    days.rules(expiry=YEAR)
    days.order(1, 100, JANUARY)
    days.move(datetime(2026, 12, 1, tzinfo=UTC))
    days.order(2, 10, clock.now())
    with days.session() as session:
        session.execute(text("update orders set test = true where id = 2"))
    days.order(1, 90, JANUARY)
    days.move(datetime(2027, 1, 10, 23, tzinfo=UTC))
    assert days.standing().balance == 0


def test_rules_without_inactivity_keep_no_clock_and_ask_nothing_more(days: Days) -> None:
    days.order(1, 100, JANUARY)
    with days.session() as session:
        assert session.scalar(text("select count(*) from balances where idle_at is not null")) == 0


def test_a_debt_is_written_off_where_the_program_forgives_and_reported(days: Days) -> None:
    days.order(1, 100, JANUARY)
    days.spend("a", 80)
    days.order(1, 0, JANUARY)
    assert days.standing().owed == 80
    assert days.sweep() == 0
    days.set(forgives_debts=True)
    assert [days.sweep(), days.sweep()] == [1, 0]
    assert days.standing() == Standing()
    assert [entry[:3] for entry in days.posted("forgiven")] == [
        (f"redemption:{redemption_id('a')}", 80, "debt_forgiven")
    ]
    assert verified(days)


def test_what_was_forgiven_is_not_given_when_the_spending_returns(days: Days) -> None:
    days.set(forgives_debts=True)
    days.order(1, 100, JANUARY)
    days.spend("a", 80)
    days.order(1, 0, JANUARY)
    days.sweep()
    days.give_back("a", 80)
    assert days.standing() == Standing()
    assert [entry[:3] for entry in days.posted("forgiven")] == [
        (f"redemption:{redemption_id('a')}", 80, "debt_forgiven"),
        (f"redemption:{redemption_id('a')}", -80, "forgiveness_taken_back"),
    ]
    assert verified(days)


def test_points_taken_by_hand_below_zero_are_not_forgiven(days: Days) -> None:
    days.set(forgives_debts=True)
    with days.session() as session:
        key = "0b0e2e7e-6f38-4b02-8d6f-5c1f9f2d8a12"
        service.adjust(session, days.holder(), -40, request_id=key, note="fraud", actor="key:1", allow_negative=True)
    assert days.sweep() == 0
    assert days.standing().owed == 40
