"""The shop, the root of every key. Tokens are sealed; their cells are named by table, column and shop id."""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Shop(Base):
    """One Shopify shop. The row outlives an uninstall, so that a reinstall finds its history."""

    __tablename__ = "shops"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    domain: Mapped[str] = mapped_column(unique=True)
    shopify_id: Mapped[int | None]
    name: Mapped[str | None]
    email: Mapped[str | None]
    currency: Mapped[str] = mapped_column(default="USD")
    timezone: Mapped[str] = mapped_column(default="UTC")
    country: Mapped[str | None]
    plan: Mapped[str | None]
    # installed | uninstalled
    state: Mapped[str]
    # ok | reauthorise: the merchant has to open the app once, because Shopify refused our tokens
    connection: Mapped[str] = mapped_column(default="ok", server_default="ok")
    scopes: Mapped[str] = mapped_column(default="", server_default="")
    access_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    access_expires_at: Mapped[datetime | None]
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    refresh_expires_at: Mapped[datetime | None]
    # Only one process refreshes at a time; the lease ends by itself when that process dies.
    refresh_lease_until: Mapped[datetime | None]
    # Sealed key from which the shop's codes are derived (design section 4).
    code_key: Mapped[bytes] = mapped_column(LargeBinary)
    # Shopify's leaky bucket as last seen: points left, when, and how fast it fills.
    api_points: Mapped[float | None]
    api_points_at: Mapped[datetime | None]
    api_points_per_second: Mapped[float | None]
    installed_at: Mapped[datetime]
    uninstalled_at: Mapped[datetime | None]
    # From when on every order is here; null: all of them are. Customers from before have orders that we do not know.
    orders_complete_from: Mapped[datetime | None]
    created_at: Mapped[datetime]


class PrivacyRequest(Base):
    """A compliance request and its receipt. Holds ids and counts only, nothing of what was erased."""

    __tablename__ = "privacy_requests"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # data_request | customer_redact | shop_redact
    kind: Mapped[str]
    webhook_id: Mapped[str]
    customer_id: Mapped[int | None]
    received_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    # The orders that were erased, by which late deliveries are recognised.
    order_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list, server_default="{}")
    # What was erased, in numbers: {"customers": 1, "identities": 3, ...}
    receipt: Mapped[str | None]
