"""Minor units and back, for every kind of currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.money import major_units, to_decimal_string, to_minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("12.50", "USD", 1250), ("12.5", "usd", 1250), ("1000.00", "JPY", 1000), ("1.234", "KWD", 1234),
     ("-3", "EUR", -300), ("0.005", "EUR", 1), ("-0.005", "EUR", -1), (Decimal(7), "GBP", 700)],
)  # fmt: skip
def test_amounts_become_minor_units(amount: str, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize("amount", ["", "ten", "NaN", "Infinity", "1e400", "99999999999999999999"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        to_minor(amount, "USD")


@given(st.integers(-(2**60), 2**60), st.sampled_from(["USD", "JPY", "KWD"]))
def test_the_decimal_string_says_the_same_amount(minor: int, currency: str) -> None:
    assert to_minor(to_decimal_string(minor, currency), currency) == minor


def test_whole_units_are_rounded_down() -> None:
    assert [major_units(1999, "USD"), major_units(1999, "JPY"), major_units(1999, "KWD")] == [19, 1999, 1]
