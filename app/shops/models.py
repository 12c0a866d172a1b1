"""The shop, the root of every key. Tokens are sealed; their cells are named by table, column and shop id."""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, Text
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
    # ok | reauthorise: the merchant has to open the app once | paused: the shop cannot be used (app.shops.connection)
    connection: Mapped[str] = mapped_column(default="ok", server_default="ok")
    # Why and since when it is not ok; of a paused shop also when we look again.
    connection_reason: Mapped[str | None]
    connection_since: Mapped[datetime | None]
    connection_retry_at: Mapped[datetime | None]
    # Fields, such as `Customer.email`, that Shopify withholds because the app was not granted access to them.
    withheld: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    scopes: Mapped[str] = mapped_column(default="", server_default="")
    access_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    access_expires_at: Mapped[datetime | None]
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    refresh_expires_at: Mapped[datetime | None]
    # Only one process refreshes at a time; the lease ends by itself when that process dies.
    refresh_lease_until: Mapped[datetime | None]
    # Sealed key from which the shop's codes are derived (design section 4).
    code_key: Mapped[bytes] = mapped_column(LargeBinary)
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


class ApiBucket(Base):
    """Cost points of a shop's Admin API: Shopify's leaky bucket as all our processes reckon it (app.shopify.buckets).

    `points` counts what calls that are on their way will take; it may be negative. `at` is the machine's time.
    """

    __tablename__ = "api_buckets"

    shop_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    points: Mapped[float]
    at: Mapped[datetime]
    per_second: Mapped[float]
    maximum: Mapped[float]


class ErasedAddress(Base):
    """An address or number that was erased, as a digest under the shop's own sealed key: nobody can try it out.

    By it an old order of that person that is told of late is recognised (app.shops.erased_addresses).
    """

    __tablename__ = "erased_addresses"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    erased_at: Mapped[datetime]
    # The request of privacy_requests that asked for it.
    request_id: Mapped[int]

    __table_args__ = (Index("erased_addresses_at_ix", "shop_id", "erased_at"),)
