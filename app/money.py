"""Money as whole minor units with a currency, and its decimal form at the edges.

`Decimal` in between, never a float. Exponents come from ISO 4217; currencies not listed here have two decimals.
"""

from decimal import Decimal, InvalidOperation

_WITHOUT_DECIMALS = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG",
    "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
)  # fmt: skip
_THREE_DECIMALS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
# Column type is bigint; an amount beyond it is a broken payload, not money.
_LARGEST = 2**63 - 1
_MOST_DIGITS = 20


def exponent(currency: str) -> int:
    """Number of decimals of a currency."""
    code = currency.upper()
    return 0 if code in _WITHOUT_DECIMALS else 3 if code in _THREE_DECIMALS else 2


def to_minor(amount: str | int | Decimal, currency: str) -> int:
    """Minor units of a decimal amount; raises ValueError when it is not an amount that this currency can hold."""
    try:
        value = Decimal(amount)
    except (InvalidOperation, ValueError, TypeError) as error:
        raise ValueError(f"not an amount of money: {str(amount)[:40]!r}") from error
    # Looked at before any arithmetic: "1e999999" is short, and takes minutes to become a whole number.
    if not value.is_finite() or value.adjusted() > _MOST_DIGITS:
        raise ValueError(f"not an amount of money, or out of range: {str(amount)[:40]!r}")
    scaled = value.scaleb(exponent(currency))
    minor = int(scaled)
    if minor != scaled:
        # Shopify sends "10.0" and, for currencies without decimals, "1000.00"; real fractions of a minor unit occur
        # only in per-unit prices of bulk goods, where half up is what its own totals do.
        minor = int((scaled + Decimal("0.5").copy_sign(scaled)).to_integral_value(rounding="ROUND_DOWN"))
    if abs(minor) > _LARGEST:
        raise ValueError(f"amount out of range: {str(amount)[:40]!r}")
    return minor


def to_decimal(minor: int, currency: str) -> Decimal:
    """The decimal amount of minor units."""
    return Decimal(minor).scaleb(-exponent(currency))


def to_decimal_string(minor: int, currency: str) -> str:
    """Decimal string with exactly the currency's decimals, as JSON carries it."""
    return f"{to_decimal(minor, currency):.{exponent(currency)}f}"


def major_units(minor: int, currency: str) -> int:
    """Whole units of a currency in an amount, rounded down: what 'a point for each whole unit' counts."""
    return int(minor // 10 ** exponent(currency))
