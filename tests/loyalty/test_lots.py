"""The laws of lots, for any sequence of postings."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.loyalty.lots import OWED, AccountLots, Source

START = datetime(2026, 1, 1, tzinfo=UTC)
ORDERS = [Source("order", str(number)) for number in range(4)]
SPENDERS = [Source("redemption", str(number)) for number in range(3)] + [Source("adjustment", "1")]

postings = st.lists(
    st.tuples(st.sampled_from(ORDERS + SPENDERS), st.integers(-300, 300).filter(bool)), min_size=1, max_size=30
)


def posted(steps: list[tuple[Source, int]]) -> AccountLots:
    lots = AccountLots()
    for number, (source, points) in enumerate(steps):
        lots.post(source, points, START + timedelta(hours=number))
    return lots


@given(postings)
def test_the_balance_is_the_sum_of_what_was_posted(steps: list[tuple[Source, int]]) -> None:
    assert posted(steps).balance == sum(points for _, points in steps)


@given(postings)
def test_every_source_holds_the_sum_of_what_was_posted_to_it(steps: list[tuple[Source, int]]) -> None:
    lots = posted(steps)
    for source in ORDERS + SPENDERS:
        total = sum(points for posted_to, points in steps if posted_to == source)
        assert lots.granted(source) - sum(lots.uses.get(source, {}).values()) == total
        assert not (lots.granted(source) and lots.uses.get(source))


@given(postings)
def test_a_lot_is_what_remains_and_what_is_used_of_it(steps: list[tuple[Source, int]]) -> None:
    lots = posted(steps)
    for source, lot in lots.lots.items():
        used = sum(held.get(source, 0) for held in lots.uses.values())
        assert lot.granted == lot.remaining + used
        assert lot.remaining >= 0
    assert all(points > 0 for held in lots.uses.values() for points in held.values())


@given(postings)
def test_nobody_owes_points_while_points_remain(steps: list[tuple[Source, int]]) -> None:
    lots = posted(steps)
    assert not (lots.owed and any(lot.remaining for lot in lots.lots.values()))


def test_a_refund_takes_from_the_lot_of_its_own_order() -> None:
    lots = posted([(ORDERS[0], 100), (ORDERS[1], 50), (ORDERS[1], -50)])
    assert lots.lots[ORDERS[0]].remaining == 100
    assert lots.lots[ORDERS[1]].granted == 0


def test_spending_takes_the_lot_that_expires_soonest() -> None:
    lots = posted([(ORDERS[0], 100), (ORDERS[1], 50)])
    lots.lots[ORDERS[1]].expires_at = START + timedelta(days=1)
    lots.post(SPENDERS[0], -60, START + timedelta(hours=2))
    assert lots.uses[SPENDERS[0]] == {ORDERS[1]: 50, ORDERS[0]: 10}


def test_points_taken_back_after_they_were_spent_move_to_other_lots_then_become_a_debt() -> None:
    lots = posted([(ORDERS[0], 100), (ORDERS[1], 30), (SPENDERS[0], -100), (ORDERS[0], -100)])
    assert lots.uses[SPENDERS[0]] == {ORDERS[1]: 30, OWED: 70}
    assert lots.balance == -70


def test_new_points_pay_a_debt_first() -> None:
    lots = posted([(ORDERS[0], 100), (SPENDERS[0], -100), (ORDERS[0], -100), (ORDERS[1], 130)])
    assert lots.owed == 0
    assert lots.lots[ORDERS[1]].remaining == 30


@pytest.mark.parametrize("steps", [[(ORDERS[0], 40), (SPENDERS[0], -40), (SPENDERS[0], 40)]])
def test_a_redemption_that_fails_gives_back_to_the_lots_it_used(steps: list[tuple[Source, int]]) -> None:
    lots = posted(steps)
    assert lots.uses == {}
    assert lots.lots[ORDERS[0]].remaining == 40
