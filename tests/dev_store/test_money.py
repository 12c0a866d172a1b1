"""Splitting money: nothing lost, nothing made."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev_store.money import Tender, allocate, share, to_minor, to_text

weights = st.lists(st.integers(0, 10**7), min_size=1, max_size=12)


@given(weights, st.data())
def test_parts_sum_to_the_whole_and_none_exceeds_its_weight(found: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(found)))
    parts = allocate(total, found)
    assert sum(parts) == (total if sum(found) else 0)
    assert all(0 <= part <= weight for part, weight in zip(parts, found, strict=True))


@given(st.integers(0, 10**9), st.lists(st.integers(1, 20), min_size=1, max_size=10))
def test_taking_a_line_apart_piece_by_piece_adds_up_to_the_line(total: int, steps: list[int]) -> None:
    pieces, taken, gone = sum(steps), 0, 0
    for step in steps:
        part = share(total, gone + step, pieces) - share(total, gone, pieces)
        assert part >= 0
        taken, gone = taken + part, gone + step
    assert taken == total


@pytest.mark.parametrize(
    ("amount", "currency", "minor"), [("12.50", "USD", 1250), ("1250", "JPY", 1250), ("1.250", "KWD", 1250)]
)
def test_minor_units_follow_the_currency(amount: str, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor
    assert to_text(minor, currency) == amount


def test_an_amount_finer_than_its_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="decimal places"):
        to_minor("1.005", "USD")


def test_a_money_set_shows_both_currencies_with_their_own_places() -> None:
    found = Tender("USD", "JPY", Decimal("151.3")).set(1250)
    assert found["shop_money"] == {"amount": "12.50", "currency_code": "USD"}
    assert found["presentment_money"] == {"amount": "1891", "currency_code": "JPY"}
