"""What will expire is known beforehand, and told once."""

from datetime import UTC, datetime, timedelta

import pytest

from app import clock
from app.loyalty import notices
from app.loyalty.models import LoyaltyEvent
from app.loyalty.standing import Coming, coming_expiries, coming_expiries_of_shop
from app.runtime import Runtime
from app.shops.models import Shop
from tests.loyalty.days import Days

JANUARY = datetime(2026, 1, 10, 9, tzinfo=UTC)
# The shop is in Berlin: the ninetieth day after 10 January is 10 April, when clocks have moved.
END = datetime(2026, 4, 10, 22, tzinfo=UTC)
YEAR = {"kind": "inactivity", "months": 12}


@pytest.fixture
def days(runtime: Runtime, shop: Shop) -> Days:
    """A shop whose points live 90 days, on the morning of 10 January."""
    made = Days(runtime, shop)
    made.rules(expiry={"kind": "after", "days": 90})
    made.move(JANUARY)
    return made


def events(days: Days) -> list[tuple[str, int, int, datetime]]:
    with days.session() as session:
        found = session.query(LoyaltyEvent).order_by(LoyaltyEvent.id)
        return [(event.subject, event.points, event.days, event.due_at) for event in found]


def announce(days: Days) -> None:
    notices.announce_due(days.runtime)


@pytest.mark.requirement(100, partly=True)
def test_what_will_expire_is_told_once_for_each_distance_and_not_when_it_was_spent(days: Days) -> None:
    days.order(1, 100, JANUARY)
    days.order(2, 50, JANUARY, customer=2)
    announce(days)
    assert events(days) == []
    days.move(END - timedelta(days=30))
    announce(days)
    announce(days)
    assert sorted(events(days)) == [("order:1", 100, 30, END), ("order:2", 50, 30, END)]
    days.spend("a", 100)
    days.spend("b", 20, customer=2)
    days.move(END - timedelta(days=7) + timedelta(hours=5))
    announce(days)
    assert events(days)[2:] == [("order:2", 30, 7, END)]
    days.move(END)
    announce(days)
    assert len(events(days)) == 3


def test_what_ends_with_idleness_is_told_too_and_told_anew_when_its_end_moves(days: Days) -> None:
    days.rules(expiry=YEAR)
    days.set(notice_days=[7])
    days.order(1, 100, JANUARY)
    end = datetime(2027, 1, 10, 23, tzinfo=UTC)
    days.move(end - timedelta(days=6))
    announce(days)
    days.order(2, 10, clock.now())
    later = datetime(2028, 1, 5, 23, tzinfo=UTC)
    days.move(later - timedelta(days=5))
    announce(days)
    assert events(days) == [("idle", 100, 7, end), ("idle", 110, 7, later)]


def test_coming_expiries_of_an_account_and_of_a_shop(days: Days) -> None:
    days.order(1, 100, JANUARY)
    days.order(2, 50, JANUARY + timedelta(days=1), customer=2)
    days.spend("a", 30)
    with days.runtime.database.shop(days.shop.id) as session:
        assert coming_expiries(session, days.holder(), clock.now()) == [Coming(END, 70, "order:1")]
        found = coming_expiries_of_shop(session, days.shop.id, days.program, clock.now(), END + timedelta(days=2))
    assert [(row.due_at, row.points, row.accounts) for row in found] == [(END, 70, 1), (END + timedelta(days=1), 50, 1)]
