"""What the admin's lists are found by in tables of other features: indexes, no tables. The migration makes them.

`text_pattern_ops` compares byte by byte, as the searches do, so that they serve under any collation.
"""

from sqlalchemy import Index, text

from app.customers.models import AccountIdentity, Customer
from app.discounts.models import DiscountCode
from app.loyalty.models import Redemption

_LIVING = text("deleted_at is null and redacted_at is null")
FULL_NAME = "lower(coalesce(first_name, '') || ' ' || coalesce(last_name, ''))"

Index(
    "customers_found_email_ix",
    Customer.shop_id,
    text("lower(email) text_pattern_ops"),
    postgresql_where=_LIVING,
)
Index(
    "customers_found_name_ix",
    Customer.shop_id,
    text(f"{FULL_NAME} text_pattern_ops"),
    postgresql_where=_LIVING,
)
Index(
    "customers_found_surname_ix",
    Customer.shop_id,
    text("lower(last_name) text_pattern_ops"),
    postgresql_where=_LIVING,
)
Index(
    "identities_found_ix",
    AccountIdentity.shop_id,
    text("value text_pattern_ops"),
    postgresql_where=text("kind = 'email'"),
)
Index("discount_codes_newest_ix", DiscountCode.shop_id, DiscountCode.starts_at, DiscountCode.code)
Index("discount_codes_state_ix", DiscountCode.shop_id, DiscountCode.state, DiscountCode.starts_at, DiscountCode.code)
Index("redemptions_created_ix", Redemption.shop_id, Redemption.created_at, Redemption.reward_id)
