"""Segments, who is in them, how that changed, and what customers are looked at by.

`segment_profiles` is a projection of projections: everything a query may ask of an account in one row. It and the
members are a function of the other tables and of the shop's day; `follow` brings them there, step by step or at once.
"""

from datetime import date, datetime

from sqlalchemy import Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class SegmentShop(Base):
    """One row a shop: whoever changes members holds its lock, and takes numbers of transitions from it."""

    __tablename__ = "segment_shops"

    shop_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_number: Mapped[int]
    # The zone whose days the profiles and members were computed with. Null: never, everybody is to be looked at.
    zone: Mapped[str | None]
    # When some segment is due by the clock alone.
    due_at: Mapped[datetime | None]

    __table_args__ = (Index("segment_shops_due_ix", "due_at"),)


class Segment(Base):
    """A query with a name. `key` names one of the start, so that its name can be told in the merchant's language."""

    __tablename__ = "segments"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str | None]
    name: Mapped[str]
    query: Mapped[str]
    # How many there are in it; null until they were looked for the first time.
    members: Mapped[int | None]
    # The shop's day that members were computed for; null: the query is new, everybody is to be looked at.
    evaluated_on: Mapped[date | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (Index("segments_new_ix", "shop_id", postgresql_where=text("evaluated_on is null")),)


class SegmentProfile(Base):
    """What a query may ask of an account. Accounts that were merged away, deleted or forgotten have none."""

    __tablename__ = "segment_profiles"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # The customer that the account is shown as; null: a guest.
    customer_id: Mapped[int | None]
    orders: Mapped[int]
    spent_minor: Mapped[int]
    points: Mapped[int]
    member: Mapped[bool]
    interval_days: Mapped[int | None]
    added_at: Mapped[datetime | None]
    first_order_at: Mapped[datetime | None]
    last_order_at: Mapped[datetime | None]
    at_risk_at: Mapped[datetime | None]
    email_status: Mapped[str]
    sms_status: Mapped[str]
    account_status: Mapped[str | None]
    email_domain: Mapped[str | None]
    language: Mapped[str | None]
    countries: Mapped[list[str]] = mapped_column(ARRAY(Text))
    regions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    cities: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")

    # For midnights. A day in a first order's past is asked for rarely, and then read from the rows.
    __table_args__ = tuple(
        Index(f"segment_profiles_{column}_ix", "shop_id", column)
        for column in ("added_at", "last_order_at", "at_risk_at")
    )


class SegmentMember(Base):
    """An account in a segment, since when."""

    __tablename__ = "segment_members"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    segment_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime]

    __table_args__ = (Index("segment_members_account_ix", "shop_id", "account_id"),)


class SegmentTransition(Base):
    """An account that entered or left. Numbers of a shop are given in the order of commits, without gaps.

    Who is in a segment from the moment it is defined has not entered it: that is not something the customer did.
    """

    __tablename__ = "segment_transitions"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    segment_id: Mapped[int]
    account_id: Mapped[int]
    entered: Mapped[bool]
    at: Mapped[datetime]

    __table_args__ = (
        Index("segment_transitions_account_ix", "shop_id", "account_id", "number"),
        Index("segment_transitions_segment_ix", "shop_id", "segment_id", "number"),
    )


class SegmentDay(Base):
    """A segment at the end of a day of the shop on which it changed; on other days it was as before."""

    __tablename__ = "segment_days"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    segment_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    members: Mapped[int]
    entered: Mapped[int] = mapped_column(server_default=text("0"))
    gone: Mapped[int] = mapped_column(server_default=text("0"))


class SegmentChange(Base):
    """An account that something was told of, to be looked at soon. Only added to and taken from, so nobody waits."""

    __tablename__ = "segment_changes"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    account_id: Mapped[int]
