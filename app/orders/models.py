"""Projections of orders, their lines, codes and refunds, and what they add up to for each account.

Money is minor units of the shop's currency (`currency`), presentment money beside it. A row may be younger than its
order: a refund or a deletion can arrive first and waits here.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Order(Base):
    """The newest snapshot of an order that we know."""

    __tablename__ = "orders"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int | None]
    customer_id: Mapped[int | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    name: Mapped[str | None]
    source_name: Mapped[str | None]
    company_id: Mapped[int | None]
    location_id: Mapped[int | None]
    currency: Mapped[str | None]
    subtotal_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    current_subtotal_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    total_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    current_total_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    tax_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    # After discounts, before refunds.
    shipping_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    tip_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    discounts_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    presentment_currency: Mapped[str | None]
    presentment_total_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    taxes_included: Mapped[bool] = mapped_column(default=False, server_default="false")
    # Of the current subtotal, what are gift cards: buying them earns nothing unless a rule says so.
    gift_card_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    payment_gateways: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    # First told by an import of history, not by a webhook: it earns nothing before the merchant has chosen so.
    imported: Mapped[bool] = mapped_column(default=False, server_default="false")
    test: Mapped[bool] = mapped_column(default=False, server_default="false")
    financial_status: Mapped[str | None]
    # Once true it stays true: an order once paid keeps its ordinal (design decision 5).
    paid: Mapped[bool] = mapped_column(default=False, server_default="false")
    landing_site: Mapped[str | None]
    # Codes of members that the order came through (app.referrals): as the cart kept it, as the first page had it, as
    # Shopify's record of the visits has it ('' once it was asked for and had none).
    cart_ref: Mapped[str | None]
    landing_ref: Mapped[str | None]
    journey_ref: Mapped[str | None]
    # Of where the goods go, without a name; two orders to one place have the same.
    address_digest: Mapped[str | None]
    created_at: Mapped[datetime | None]
    processed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    # Whoever placed it was forgotten: later deliveries do not tell again who that was.
    redacted_at: Mapped[datetime | None]
    # Version of the snapshot; null while we only know that the order was deleted.
    updated_at: Mapped[datetime | None]
    triggered_at: Mapped[datetime | None]
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    # Refunds the snapshot itself accounts for; others still lower the base (design section 4a).
    listed_refunds: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list, server_default="{}")

    __table_args__ = (
        Index("orders_account_id_ix", "shop_id", "account_id", "processed_at"),
        Index("orders_customer_id_ix", "shop_id", "customer_id"),
        Index("orders_email_ix", "shop_id", "email"),
        Index("orders_processed_ix", "shop_id", "processed_at"),
    )


class OrderLine(Base):
    """A line of the newest snapshot."""

    __tablename__ = "order_lines"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    product_id: Mapped[int | None]
    variant_id: Mapped[int | None]
    sku: Mapped[str | None]
    title: Mapped[str | None]
    quantity: Mapped[int]
    current_quantity: Mapped[int]
    price_minor: Mapped[int]
    discount_minor: Mapped[int]
    tax_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    gift_card: Mapped[bool]

    # From a product whose labels changed to the orders that it concerns.
    __table_args__ = (
        Index("order_lines_product_ix", "shop_id", "product_id", postgresql_where="product_id is not null"),
    )


class OrderCode(Base):
    """A discount code an order was placed with, upper-cased as Shopify compares them."""

    __tablename__ = "order_codes"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(primary_key=True)
    amount_minor: Mapped[int]
    kind: Mapped[str]

    __table_args__ = (Index("order_codes_code_ix", "shop_id", "code"),)


class Refund(Base):
    """A refund by its own id, whether it came alone or inside its order."""

    __tablename__ = "refunds"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_id: Mapped[int]
    # Goods by line (net of discounts), and money given back for goods without naming a line.
    lines_minor: Mapped[int]
    loose_minor: Mapped[int]
    shipping_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime | None]
    processed_at: Mapped[datetime | None]

    __table_args__ = (Index("refunds_order_id_ix", "shop_id", "order_id"),)


class RefundLine(Base):
    """How many pieces of an order's line a refund took back."""

    __tablename__ = "refund_lines"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    refund_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quantity: Mapped[int]


class AccountTotals(Base):
    """What an account's orders add up to; recomputed from them whenever one changes.

    `orders` and `spent_minor` are of the orders here. `lifetime_…` add what Shopify counted at the import and is not
    here; where nobody knows (`history_known` false) they are the least that is true, the first order's date is null.
    In a row that was written before there were such figures they are null, and as `orders` and `spent_minor` are.
    """

    __tablename__ = "account_totals"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    orders: Mapped[int]
    spent_minor: Mapped[int]
    lifetime_orders: Mapped[int | None]
    lifetime_spent_minor: Mapped[int | None]
    history_known: Mapped[bool] = mapped_column(default=True, server_default="true")
    first_order_at: Mapped[datetime | None]
    last_order_at: Mapped[datetime | None]


class OrderReread(Base):
    """An order that has to be read again at Shopify, until that was done. The job may give up, the row not."""

    __tablename__ = "order_rereads"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # The newest reason to read it. What was asked before this instant does not answer it.
    wanted_at: Mapped[datetime]
    # When the sweep plans it again, in case the job that was planned is gone by then.
    due_at: Mapped[datetime]
    # Times the sweep had to.
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    last_error: Mapped[str | None]

    __table_args__ = (Index("order_rereads_due_ix", "due_at"),)
