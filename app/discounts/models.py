"""Discount codes that we planned, issued at Shopify, and saw used."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class DiscountCode(Base):
    """One code. The row is the truth and is written before Shopify hears of it; a job carries it out.

    planned -> issued -> used, issued -> revoking -> revoked, or planned -> failed. `code` is upper case; Shopify
    ignores case.
    """

    __tablename__ = "discount_codes"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    # What it was made for: kind `redemption`, and that thing's id.
    purpose: Mapped[str]
    intent_id: Mapped[str]
    account_id: Mapped[int]
    # The only customer who may use it.
    customer_id: Mapped[int]
    title: Mapped[str]
    value_minor: Mapped[int]
    currency: Mapped[str]
    state: Mapped[str]
    # Shopify's id of the discount, once known.
    discount_id: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    # When the sweep looks at it again, while it is planned or to be revoked.
    due_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    starts_at: Mapped[datetime]
    # When it ends at Shopify by itself; unused by then it is withdrawn, so that its owner hears of it.
    ends_at: Mapped[datetime | None]
    issued_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    used_order_id: Mapped[int | None]

    __table_args__ = (
        Index("discount_codes_due_ix", "due_at", postgresql_where="due_at is not null"),
        Index("discount_codes_intent_ix", "shop_id", "purpose", "intent_id"),
        Index("discount_codes_ends_ix", "ends_at", postgresql_where=text("state = 'issued' and ends_at is not null")),
        Index(
            "discount_codes_order_ix",
            "shop_id",
            "used_order_id",
            postgresql_where=text("used_order_id is not null"),
        ),
    )
