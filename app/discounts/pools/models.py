"""Pools of codes and the codes in them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class CodePool(Base):
    """One discount at Shopify with many codes, each good for one order.

    planned -> ready, or planned -> failed (`last_error` says why). While codes are missing, `due_at` says when the next
    attempt is; who works on it moves that into the future first, a lease.
    """

    __tablename__ = "code_pools"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    title: Mapped[str]
    # amount_off takes `value` minor units of the currency off, percent_off takes `value` hundredths of a per cent.
    kind: Mapped[str]
    value: Mapped[int]
    currency: Mapped[str]
    minimum_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    combines: Mapped[bool] = mapped_column(default=False, server_default="false")
    prefix: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    # Free codes are kept at `target`; below `low` they are made anew.
    target: Mapped[int]
    low: Mapped[int]
    # Numbers given to codes so far, the first is 1.
    made: Mapped[int] = mapped_column(default=0, server_default="0")
    state: Mapped[str]
    discount_id: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("value > 0 and low between 0 and target", name="numbers"),
        Index("code_pools_due_ix", "due_at", postgresql_where=text("due_at is not null")),
    )


class PoolCode(Base):
    """A code of a pool: adding -> free -> given, or adding -> refused. Only a free one works and belongs to nobody."""

    __tablename__ = "pool_codes"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    pool_id: Mapped[int]
    state: Mapped[str]
    given_at: Mapped[datetime | None]

    __table_args__ = (
        Index("pool_codes_free_ix", "shop_id", "pool_id", "code", postgresql_where=text("state = 'free'")),
        Index("pool_codes_adding_ix", "shop_id", "pool_id", "code", postgresql_where=text("state = 'adding'")),
    )
