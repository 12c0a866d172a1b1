"""Accounts, the identities that lead to them, and the projection of Shopify's customers.

Points belong to an account, never to a Shopify customer. Everything about a person is nullable: Shopify may withhold
it, and erasure removes it.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Identity, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

# Two spellings of one mailbox: another case, or something behind a plus sign.
MAILBOX = r"lower(regexp_replace(email, '\+[^@]*@', '@'))"
LIVING = "deleted_at is null and redacted_at is null and merged_into is null"


class Account(Base):
    """Somebody who can hold points: a customer, or a guest known by e-mail."""

    __tablename__ = "accounts"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # The account that took this one over. Always the last of a chain, so that one step resolves it.
    merged_into: Mapped[int | None]
    created_at: Mapped[datetime]

    __table_args__ = (Index("accounts_merged_into_ix", "shop_id", "merged_into"),)


class AccountIdentity(Base):
    """A fact that identifies an account: kind is `customer` (Shopify id), `email` or `phone`, value is normalised."""

    __tablename__ = "identities"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]

    __table_args__ = (Index("identities_account_id_ix", "shop_id", "account_id"),)


class Customer(Base):
    """What Shopify says of a customer; the newest statement wins (`updated_at`, then `triggered_at`)."""

    __tablename__ = "customers"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    email: Mapped[str | None]
    phone: Mapped[str | None]
    verified_email: Mapped[bool | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    birthday: Mapped[date | None]
    country: Mapped[str | None]
    province: Mapped[str | None]
    city: Mapped[str | None]
    language: Mapped[str | None]
    state: Mapped[str | None]
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    triggered_at: Mapped[datetime | None]
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    email_consent: Mapped[str | None]
    email_consent_level: Mapped[str | None]
    email_consent_at: Mapped[datetime | None]
    sms_consent: Mapped[str | None]
    sms_consent_level: Mapped[str | None]
    sms_consent_at: Mapped[datetime | None]
    # By tag: when it was last put on or taken off (`app.customers.tags`), and when all were read at once.
    tags: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    tags_at: Mapped[datetime | None]
    # Shopify's own figures when the customer was imported; orders from before our record are these less what is here.
    imported_orders: Mapped[int | None]
    imported_spent_minor: Mapped[int | None]
    imported_at: Mapped[datetime | None]
    # Deleted, redacted and merged are final: a later delivery of older news does not bring the person back.
    deleted_at: Mapped[datetime | None]
    redacted_at: Mapped[datetime | None]
    merged_into: Mapped[int | None]

    __table_args__ = (
        Index("customers_email_ix", "shop_id", "email"),
        Index("customers_mailbox_ix", "shop_id", text(MAILBOX), postgresql_where=text(f"verified_email and {LIVING}")),
        Index("customers_phone_ix", "shop_id", "phone", postgresql_where=text(f"phone is not null and {LIVING}")),
    )
