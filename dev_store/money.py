"""Money inside the development store: whole minor units in, Shopify's strings and money sets out.

Used by checkout, refunds and every document builder. What must stay true: splitting an amount never loses or makes a
cent, and taking a line apart unit by unit adds up to the line.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "JOD": 3, "OMR": 3, "TND": 3}


def exponent(currency: str) -> int:
    """Decimal places of a currency (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


def to_minor(amount: str | Decimal, currency: str) -> int:
    """'12.50' USD -> 1250. ValueError when the amount has more places than the currency."""
    scaled = Decimal(amount).scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more decimal places than {currency} has")
    return int(scaled)


def to_text(minor: int, currency: str) -> str:
    """1250 USD -> '12.50', 1250 JPY -> '1250'."""
    return str(Decimal(minor).scaleb(-exponent(currency)))


def hundredths(minor: int, currency: str) -> int:
    """As Liquid and the theme's AJAX API count, whatever decimals the currency has: 1250 USD -> 1250, JPY -> 125000."""
    return rounded(Decimal(minor).scaleb(2 - exponent(currency)))


def rounded(value: Decimal) -> int:
    """Half up, as Shopify rounds taxes and percentage discounts."""
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def allocate(total: int, weights: list[int]) -> list[int]:
    """Splits `total` in proportion to `weights` (largest remainder): the parts sum to it exactly.

    As long as total <= sum(weights), no part exceeds its weight. All weights 0: nothing is given to anyone.
    """
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


def share(total: int, units: int, of: int) -> int:
    """What the first `units` of `of` equal units carry of `total`, half up; share(t, n, n) is t.

    Taking units k..m off a line is worth share(m) - share(k), so that any order of partial refunds sums to the line.
    """
    return (2 * total * units + of) // (2 * of) if of else 0


@dataclass(frozen=True)
class Tender:
    """The two currencies of an order; a money set shows an amount in both."""

    shop: str
    presentment: str
    rate: Decimal = Decimal(1)

    def text(self, minor: int) -> str:
        return to_text(minor, self.shop)

    def set(self, minor: int) -> dict[str, Any]:
        """Shopify's `*_set` of an amount in the shop's minor units."""
        foreign = Decimal(minor).scaleb(exponent(self.presentment) - exponent(self.shop)) * self.rate
        return {
            "shop_money": {"amount": self.text(minor), "currency_code": self.shop},
            "presentment_money": {
                "amount": to_text(rounded(foreign), self.presentment),
                "currency_code": self.presentment,
            },
        }
