"""The attributes that a segment query may name: what we project of customers, under Shopify's names where it has them.

One line an attribute; compiler, evaluator, checks and the editor take it from here. What Shopify knows and we do not
project is not here and is refused by its name, as Shopify refuses what it does not know.
"""

from collections.abc import Callable
from dataclasses import dataclass

NUMBER, MONEY, DATE, WORD, TEXT, LIST, TRUTH = "number", "money", "date", "word", "text", "list", "truth"
_ORDERED = ("=", "!=", "<", "<=", ">", ">=", "BETWEEN")
_NULL = ("IS NULL", "IS NOT NULL")
OPERATORS: dict[str, tuple[str, ...]] = {
    NUMBER: (*_ORDERED, *_NULL),
    MONEY: (*_ORDERED, *_NULL),
    DATE: (*_ORDERED, *_NULL),
    WORD: ("=", "!=", *_NULL),
    TEXT: ("=", "!=", *_NULL),
    LIST: ("CONTAINS", "NOT CONTAINS", *_NULL),
    TRUTH: ("=", "!=", *_NULL),
}
# Shopify's CustomerEmailMarketingState, CustomerSmsMarketingState, CustomerState (2026-10).
_EMAIL = ("SUBSCRIBED", "UNSUBSCRIBED", "NOT_SUBSCRIBED", "PENDING", "INVALID", "REDACTED")
_SMS = ("SUBSCRIBED", "UNSUBSCRIBED", "NOT_SUBSCRIBED", "PENDING", "REDACTED")
_STATES = ("ENABLED", "DISABLED", "INVITED", "DECLINED")


_FOLDS: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    # Letter by letter, as the database does it: no letter becomes two.
    "lower": lambda value: "".join(letter.lower()[0] for letter in value),
    "tag": lambda value: value.strip().casefold(),
}


@dataclass(frozen=True)
class AttributeType:
    """An attribute. `column` is that of `segment_profiles`; `words` are all values there are, of kind WORD."""

    name: str
    kind: str
    column: str
    words: tuple[str, ...] = ()
    # Texts of this attribute are stored in one case, and asked for in any.
    fold: str = ""
    # Ours, where Shopify has none.
    own: bool = False

    @property
    def operators(self) -> tuple[str, ...]:
        """What may stand behind its name."""
        return OPERATORS[self.kind]

    def folded(self, value: str) -> str:
        """A text as the column has it."""
        return _FOLDS[self.fold](value) if self.fold else value


ATTRIBUTES: dict[str, AttributeType] = {
    attribute.name: attribute
    for attribute in (
        AttributeType("amount_spent", MONEY, "spent_minor"),
        AttributeType("number_of_orders", NUMBER, "orders"),
        AttributeType("first_order_date", DATE, "first_order_at"),
        AttributeType("last_order_date", DATE, "last_order_at"),
        AttributeType("customer_added_date", DATE, "added_at"),
        AttributeType("email_subscription_status", WORD, "email_status", _EMAIL),
        AttributeType("sms_subscription_status", WORD, "sms_status", _SMS),
        AttributeType("customer_account_status", WORD, "account_status", _STATES),
        AttributeType("customer_email_domain", TEXT, "email_domain", fold="lower"),
        AttributeType("customer_language", TEXT, "language", fold="lower"),
        # Of the customer's default address; others we do not have.
        AttributeType("customer_countries", LIST, "countries", fold="upper"),
        # Shopify's codes: 'US-NY', 'US-NY-NewYorkCity', 'FI-Espoo'.
        AttributeType("customer_regions", LIST, "regions", fold="upper"),
        AttributeType("customer_cities", LIST, "cities", fold="lower"),
        AttributeType("customer_tags", LIST, "tags", fold="tag"),
        # Days between two orders, the middle one of the customer's own; null before the third day with an order.
        AttributeType("usual_order_interval", NUMBER, "interval_days", own=True),
        # The first day on which the last order is longer ago than twice that.
        AttributeType("at_risk_date", DATE, "at_risk_at", own=True),
        AttributeType("loyalty_points", NUMBER, "points", own=True),
        AttributeType("loyalty_member", TRUTH, "member", own=True),
    )
}
