"""Imports of balances: what was read from a file, how far it has been posted, and what an undo could not take back.

An import is silent: nothing that listens to points tells customers about its entries (`silent`).
"""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class BalanceImport(Base):
    """One file. read -> posting -> done, and from posting or done: undoing -> undone."""

    __tablename__ = "balance_imports"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    program_id: Mapped[int]
    # SHA-256 of the file: the same one twice is refused.
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    rows: Mapped[int]
    points: Mapped[int]
    # Rows of the file that were left out because something was wrong with them.
    skipped: Mapped[int] = mapped_column(default=0, server_default="0")
    # Up to which line of the file everything is posted.
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    state: Mapped[str]
    silent: Mapped[bool] = mapped_column(default=True, server_default="true")
    actor: Mapped[str]
    at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]


class BalanceImportRow(Base):
    """A row of the file. Who it is about is forgotten once the row is posted: then the account says it.

    An undo removes the rows; those of which something had been spent stay, with the points that were `kept`.
    """

    __tablename__ = "balance_import_rows"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    # The line in the file on which the row begins.
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    email: Mapped[str | None]
    customer_id: Mapped[int | None]
    points: Mapped[int]
    # Points of a lifetime, of which `points` are left; never fewer.
    lifetime: Mapped[int]
    earned_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    note: Mapped[str | None]
    account_id: Mapped[int | None]
    # What the row made, so that an undo leaves nothing behind, and the debt that its points paid.
    account_made: Mapped[bool] = mapped_column(default=False, server_default="false")
    balance_made: Mapped[bool] = mapped_column(default=False, server_default="false")
    debt_paid: Mapped[int] = mapped_column(default=0, server_default="0")
    kept: Mapped[int | None]
    # Where rules let points end by inactivity: when the account would have been idle for too long before, and after.
    idle_before: Mapped[datetime | None]
    idle_made: Mapped[datetime | None]
