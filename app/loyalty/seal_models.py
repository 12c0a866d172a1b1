"""Blocks of sealed entries and what belongs to them; `app.loyalty.seals` writes these tables, nobody else."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class LedgerBlock(Base):
    """Entries of a shop that were sealed together, in the order of their ids (`app.loyalty.seals`)."""

    __tablename__ = "ledger_blocks"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_id: Mapped[int]
    last_id: Mapped[int]
    entries: Mapped[int]
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime]


class LedgerHead(Base):
    """The end of a shop's chain of blocks: nothing up to `sealed_to` may change or be added any more."""

    __tablename__ = "ledger_heads"

    shop_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_to: Mapped[int]


class SealMark(Base):
    """Entries up to `upto`, of all shops, are committed or gone once every transaction before `xid` has ended."""

    __tablename__ = "seal_marks"

    upto: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    xid: Mapped[int]
