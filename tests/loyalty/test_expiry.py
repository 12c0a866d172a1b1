"""Points go at their instant, once, and only what is left of them; what goes is told before."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select, text

from app import clock
from app.loyalty import expiry
from app.loyalty.models import LedgerEntry, Lot
from app.loyalty.standing import Standing
from app.loyalty.verify import verify
from app.runtime import Runtime
from app.shops.models import Shop
from tests.loyalty.days import Days

JANUARY = datetime(2026, 1, 10, 9, tzinfo=UTC)
# The shop is in Berlin: the ninetieth day after 10 January is 10 April, when clocks have moved.
END = datetime(2026, 4, 10, 22, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NINETY = {"kind": "after", "days": 90}


@pytest.fixture
def days(runtime: Runtime, shop: Shop) -> Days:
    """A shop whose points live 90 days, on the morning of 10 January."""
    made = Days(runtime, shop)
    made.rules(expiry=NINETY)
    made.move(JANUARY)
    return made


def verified(days: Days) -> bool:
    with days.runtime.database.system() as session:
        return verify(session).agrees


@pytest.mark.requirement(100, partly=True)
def test_a_second_before_its_instant_nothing_expires_and_at_it_everything(days: Days) -> None:
    days.order(1, 100, JANUARY)
    days.move(END - 5 * SECOND)
    assert days.sweep() == 0
    assert days.standing() == Standing(balance=100, available=100, lifetime=100)
    days.move(END)
    # Not swept yet, and gone all the same.
    assert days.standing() == Standing(lifetime=100)
    assert days.spend("1", 1) == 0
    assert days.sweep() == 0
    assert days.posted("expiry") == [("order:1", -100, "expired", END)]
    assert verified(days)


def test_sweeping_again_posts_nothing(days: Days) -> None:
    for number in range(1, 4):
        days.order(number, 100, JANUARY, customer=number)
    days.move(END + timedelta(days=3))
    assert [days.sweep(), days.sweep()] == [3, 0]
    assert [days.posted("expiry", customer) for customer in (1, 2, 3)] == [
        [(f"order:{number}", -100, "expired", END)] for number in (1, 2, 3)
    ]
    assert verified(days)


def test_a_sweep_goes_in_steps_and_the_job_until_nothing_is_left(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 6):
        days.order(number, 10, JANUARY, customer=number)
    # More lots of one account than a step looks at, and others behind them.
    for number in range(6, 10):
        days.order(number, 10, JANUARY - timedelta(days=1), customer=6)
    days.move(END)
    with days.session() as session:
        assert expiry.sweep(session, step=2) == 1
    monkeypatch.setattr(expiry, "STEP", 2)
    expiry.sweep_due(days.runtime)
    assert [len(days.posted("expiry", number)) for number in range(1, 7)] == [1, 1, 1, 1, 1, 4]


def test_only_what_is_left_expires_and_spending_takes_what_ends_soonest(days: Days) -> None:
    days.order(1, 100, JANUARY)
    days.move(JANUARY + timedelta(days=10))
    days.order(2, 50, clock.now())
    assert days.spend("a", 70) == 70
    days.move(END)
    days.sweep()
    assert days.posted("expiry") == [("order:1", -30, "expired", END)]
    assert days.standing().balance == 50


def test_after_a_full_refund_of_an_expired_order_nobody_owes(days: Days) -> None:
    days.order(1, 100, JANUARY)
    days.move(END)
    days.sweep()
    days.order(1, 0, JANUARY)
    assert days.standing() == Standing()
    assert [entry[:3] for entry in days.posted()] == [
        ("1", 100, "order_earned"),
        ("order:1", -100, "expired"),
        ("1", -100, "order_corrected"),
        ("order:1", 100, "expiry_taken_back"),
    ]
    assert verified(days)


def test_a_refund_of_an_order_whose_points_were_spent_in_part_and_expired_in_part_leaves_the_spent_ones_owed(
    days: Days,
) -> None:
    days.order(1, 100, JANUARY)
    days.spend("a", 30)
    days.move(END)
    days.sweep()
    days.order(1, 0, JANUARY)
    assert days.standing() == Standing(balance=-30, owed=30)


def test_an_order_that_is_told_after_its_points_have_ended_expires_with_the_next_sweep(days: Days) -> None:
    days.move(END + timedelta(days=30))
    days.order(1, 100, JANUARY)
    assert days.standing() == Standing(lifetime=100)
    assert days.spend("a", 10) == 0
    days.sweep()
    assert days.posted("expiry") == [("order:1", -100, "expired", END)]
    # It turns out to have been worth more.
    days.order(1, 120, JANUARY)
    days.sweep()
    assert days.posted("expiry")[1:] == [("order:1", -20, "expired", END)]
    assert days.standing() == Standing(lifetime=120)


def test_what_expires_of_a_lot_for_the_second_time_is_added_to_the_first(days: Days) -> None:
    days.order(1, 100, JANUARY)
    days.move(END)
    days.sweep()
    days.order(1, 120, JANUARY)
    days.order(2, 10, END)
    # Nobody sweeps in between.
    assert days.spend("a", 10) == 10
    assert days.posted("expiry")[1:] == [("order:1", -20, "expired", END)]
    assert verified(days)


def test_points_that_return_live_on_and_what_had_expired_beside_them_does_not(days: Days) -> None:
    days.order(1, 100, JANUARY)
    days.spend("a", 60)
    days.move(END + SECOND)
    until = END + timedelta(days=30)
    days.give_back("a", 60, keep_until=until)
    assert days.standing() == Standing(balance=60, available=60, lifetime=100)
    assert days.posted("expiry") == [("order:1", -40, "expired", END)]
    days.move(until)
    days.sweep()
    assert days.posted("expiry")[1:] == [("order:1", -60, "expired", until)]
    assert verified(days)


def test_points_wait_and_the_waiting_takes_nothing_from_their_time(days: Days) -> None:
    days.rules(expiry=NINETY, waiting_days=14)
    days.order(1, 100, JANUARY)
    assert days.standing() == Standing(balance=100, pending=100, lifetime=100)
    free = datetime(2026, 1, 24, 23, tzinfo=UTC)
    assert days.standing(at=free - SECOND).available == 0
    assert days.standing(at=free) == Standing(balance=100, available=100, lifetime=100)
    assert days.standing(at=datetime(2026, 4, 25, 22, tzinfo=UTC) - SECOND).available == 100
    assert days.standing(at=datetime(2026, 4, 25, 22, tzinfo=UTC)).balance == 0


def test_a_sweep_and_a_redemption_of_one_moment_never_spend_a_point_twice(days: Days) -> None:
    """Each point is spent or expires; whoever comes second sees what the first has left."""
    days.order(1, 100, JANUARY)
    days.order(2, 50, JANUARY + timedelta(days=30))
    days.move(END)
    barrier = Barrier(2)

    def act(which: str) -> int:
        with days.session() as session:
            barrier.wait()
            if which == "sweep":
                return expiry.sweep(session)
            return days.spend_in(session, "a", 40)

    with ThreadPoolExecutor(2) as threads:
        outcome = dict(zip(("sweep", "spend"), threads.map(act, ("sweep", "spend")), strict=True))
    days.sweep()
    assert outcome["spend"] == 40
    assert days.posted("expiry") == [("order:1", -100, "expired", END)]
    assert days.standing() == Standing(balance=10, available=10, lifetime=150)
    assert verified(days)


def test_four_sweeps_at_once_expire_each_lot_once_and_wait_for_nobody(days: Days) -> None:
    for number in range(1, 21):
        days.order(number, 10, JANUARY, customer=number)
    days.move(END)
    barrier = Barrier(4)

    def sweep(_: int) -> int:
        with days.session() as session:
            session.connection()
            barrier.wait()
            return expiry.sweep(session)

    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(sweep, range(4)))
    with days.session() as session:
        entries = select(func.count(), func.sum(LedgerEntry.points)).where(LedgerEntry.source_kind == "expiry")
        assert tuple(session.execute(entries).one()) == (20, -200)
    # Whoever looked before another's commit and locked after it takes the account as well, and finds nothing over.
    assert sum(taken) >= 20
    assert verified(days)


def test_an_account_that_is_busy_is_left_for_the_next_sweep(days: Days) -> None:
    days.order(1, 100, JANUARY)
    days.order(2, 100, JANUARY, customer=2)
    days.move(END)
    with days.session() as holding:
        holding.execute(
            text("select 1 from balances where account_id = :a for update"), {"a": days.holder().account_id}
        )
        assert days.sweep() == 1
    assert days.sweep() == 1


def test_a_sweep_that_is_cut_off_leaves_nothing(days: Days) -> None:
    days.order(1, 100, JANUARY)
    days.move(END)
    with pytest.raises(KeyboardInterrupt), days.session() as session:
        expiry.sweep(session)
        raise KeyboardInterrupt
    assert days.posted("expiry") == []
    days.sweep()
    assert days.posted("expiry") == [("order:1", -100, "expired", END)]


def test_the_sweep_finds_its_lots_by_their_index(days: Days) -> None:
    with days.session() as session:
        session.execute(text("set local enable_seqscan = off"))
        plan = session.scalars(
            text("explain select account_id from lots where shop_id = 1 and program_id = 1 and remaining > 0"
                 " and expires_at <= :now order by expires_at limit 10"), {"now": END}
        ).all()  # fmt: skip
    assert "lots_due_ix" in "\n".join(plan)


def test_a_lot_that_is_empty_is_not_in_the_index_of_the_sweep(days: Days) -> None:
    days.order(1, 100, JANUARY)
    days.spend("a", 100)
    days.move(END)
    assert days.sweep() == 0
    with days.session() as session:
        assert session.scalar(select(func.sum(Lot.remaining))) == 0
