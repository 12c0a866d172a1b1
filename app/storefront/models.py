"""What a shop's storefront has been given, and whose points have changed since."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Storefront(Base):
    """A shop that publishes something. `members`: points of customers are kept in metafields, for the points block."""

    __tablename__ = "storefronts"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    # Shopify's global id of the app's installation, which owns popups and program.
    installation_id: Mapped[str | None]
    # The app's own namespace by its full name, as Liquid has to spell it; known from the first answer of Shopify.
    customer_namespace: Mapped[str | None]
    members: Mapped[bool]
    # Raised by every change of what is published, so that who publishes sees whether it changed meanwhile.
    mark: Mapped[int]
    # When popups and program are published next; null when Shopify has them.
    due_at: Mapped[datetime | None]
    # Machine time until which somebody publishes; who dies lets go by that.
    leased_until: Mapped[datetime | None]


class PublishedValue(Base):
    """The digest of what an owner's metafield holds, so that nothing is sent twice."""

    __tablename__ = "published_values"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    published_at: Mapped[datetime]


class MemberChange(Base):
    """An account whose points may have changed, or will: points that are pending or expire change by themselves.

    `mark` tells whether they changed again while they were published.
    """

    __tablename__ = "member_changes"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mark: Mapped[int]
    # In business time, as what changes by itself does.
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]

    __table_args__ = (Index("member_changes_due_ix", "due_at"),)
