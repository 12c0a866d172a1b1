"""Points go at their instant, once, and only what is left of them; what goes is told before."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select, text

from app import clock
from app.loyalty import expiry, notices, service
from app.loyalty.models import LedgerEntry, Lot, LoyaltyEvent
from app.loyalty.standing import Coming, Standing, coming_expiries, coming_expiries_of_shop
from app.loyalty.verify import verify
from app.runtime import Runtime
from app.shops.models import Shop
from tests.loyalty.days import Days, redemption_id

JANUARY = datetime(2026, 1, 10, 9, tzinfo=UTC)
# The shop is in Berlin: the ninetieth day after 10 January is 10 April, when clocks have moved.
END = datetime(2026, 4, 10, 22, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NINETY = {"kind": "after", "days": 90}
YEAR = {"kind": "inactivity", "months": 12}


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
    assert sum(taken) == 20
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
