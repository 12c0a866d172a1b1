"""Popups, the wordings people agreed to, who signed up, receipts of consent, and how often popups were seen."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Identity, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Popup(Base):
    """A popup as it is published while `active`; `definition` is what `app.popups.definition` has read."""

    __tablename__ = "popups"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # Where its codes come from.
    pool_id: Mapped[int]
    active: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ConsentText(Base):
    """Words that somebody may have agreed to. Never changed and never removed: receipts name them by their version."""

    __tablename__ = "consent_texts"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    language: Mapped[str]
    first_used_at: Mapped[datetime]


class SignUp(Base):
    """A mailbox that signed up at a popup, once. Its code is null while the pool is dry.

    Who is forgotten leaves the row behind, so that counts stay: mailbox `erased:<id>`, and nothing else of the person.
    """

    __tablename__ = "sign_ups"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    popup_id: Mapped[int]
    # The address without its variants; two that are the same mailbox get one code.
    mailbox: Mapped[str]
    email: Mapped[str | None]
    account_id: Mapped[int | None]
    code: Mapped[str | None]
    # Since when a code that came after the answer is there; nobody was told of it unless asked again.
    owed_at: Mapped[datetime | None]
    # When such a code was handed to the mail server, or the number with which it will not have the letter.
    mailed_at: Mapped[datetime | None]
    mail_refused: Mapped[str | None]
    language: Mapped[str | None]
    page: Mapped[str | None]
    how: Mapped[str | None]
    ref: Mapped[str | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("shop_id", "popup_id", "mailbox", name="sign_ups_mailbox_key"),
        Index("sign_ups_account_ix", "shop_id", "account_id"),
        Index("sign_ups_waiting_ix", "shop_id", "popup_id", "id", postgresql_where="code is null"),
        Index(
            "sign_ups_owed_ix",
            "shop_id",
            "popup_id",
            "id",
            postgresql_where="owed_at is not null and mailed_at is null and mail_refused is null",
        ),
    )


class ConsentReceipt(Base):
    """That somebody agreed: to which words, when, where, and when Shopify was told.

    `refused` says why Shopify was not told and will not be. The address goes with a person who is forgotten.
    """

    __tablename__ = "consent_receipts"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    account_id: Mapped[int]
    channel: Mapped[str]
    address: Mapped[str | None]
    version: Mapped[str]
    # popup:3
    source: Mapped[str]
    given_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    refused: Mapped[str | None]

    __table_args__ = (
        Index("consent_receipts_account_ix", "shop_id", "account_id"),
        Index(
            "consent_receipts_untold_ix",
            "given_at",
            postgresql_where=text("told_at is null and refused is null"),
        ),
    )


class PopupDay(Base):
    """How often a popup was seen and closed on a day of the shop. Several parts, so that no two wait for one row."""

    __tablename__ = "popup_days"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    popup_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    views: Mapped[int]
    closes: Mapped[int]
