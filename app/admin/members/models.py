"""What the admin's lists are found by in tables of other features: indexes, no tables. The migration makes them.

`text_pattern_ops` compares byte by byte, as the searches do, so that they serve under any collation.
"""

from sqlalchemy import Index, Label, literal_column, text

from app.customers.models import AccountIdentity, Customer
from app.discounts.models import DiscountCode
from app.loyalty.models import Redemption

_LIVING = text("deleted_at is null and redacted_at is null")
# Written as PostgreSQL writes it, so that the test of models and database can compare it.
FULL_NAME = "lower((coalesce(first_name, '') || ' ') || coalesce(last_name, ''))"

_BYTEWISE = {"found": "text_pattern_ops", "value": "text_pattern_ops"}


def _by(name: str, expression: str) -> Index:
    """An index of customers by the bytes of an expression."""
    found: Label[str] = literal_column(expression).label("found")
    return Index(name, Customer.shop_id, found, postgresql_where=_LIVING, postgresql_ops=_BYTEWISE)


_by("customers_found_email_ix", "lower(email)")
_by("customers_found_name_ix", FULL_NAME)
_by("customers_found_surname_ix", "lower(last_name)")
Index(
    "identities_found_ix",
    AccountIdentity.shop_id,
    AccountIdentity.value,
    postgresql_where=text("kind = 'email'"),
    postgresql_ops=_BYTEWISE,
)
Index("discount_codes_newest_ix", DiscountCode.shop_id, DiscountCode.starts_at, DiscountCode.code)
Index("discount_codes_state_ix", DiscountCode.shop_id, DiscountCode.state, DiscountCode.starts_at, DiscountCode.code)
Index("redemptions_created_ix", Redemption.shop_id, Redemption.created_at, Redemption.reward_id)
