"""Merges of accounts as facts, and offers to merge that were turned down."""

from datetime import datetime

from sqlalchemy import Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class AccountMerge(Base):
    """One account took over another, until that is undone. `accounts.merged_into` follows from the facts in force.

    Both are the accounts that were named, whatever they had been merged with before, so that undoing one merge leaves
    the others as they are. A fact is never deleted.
    """

    __tablename__ = "account_merges"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kept: Mapped[int]
    absorbed: Mapped[int]
    # shopify: customers/merge | address: the customer has verified the guest's address | staff: an offer was accepted
    cause: Mapped[str]
    actor: Mapped[str | None]
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None]

    __table_args__ = (
        Index("account_merges_kept_ix", "shop_id", "kept"),
        Index("account_merges_absorbed_ix", "shop_id", "absorbed"),
        Index(
            "account_merges_in_force_ix",
            "shop_id",
            "kept",
            "absorbed",
            "cause",
            unique=True,
            postgresql_where=text("undone_at is null"),
        ),
    )


class MergeDismissal(Base):
    """Two customers (Shopify's ids, the smaller first) who are not one person, somebody said."""

    __tablename__ = "merge_dismissals"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    one: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    other: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    actor: Mapped[str]
    at: Mapped[datetime]
