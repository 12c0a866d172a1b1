"""API keys (digests only) and the answers kept for repeated requests."""

from datetime import datetime

from sqlalchemy import Identity, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class ApiKey(Base):
    """A bearer key of one shop. Only its SHA-256 is kept: the key itself has 256 random bits."""

    __tablename__ = "api_keys"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class IdempotentRequest(Base):
    """The answer to a write under its `Idempotency-Key`; the same key with another request is refused."""

    __tablename__ = "idempotent_requests"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    # SHA-256 of method, path and body.
    request_digest: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    body: Mapped[str | None]
    created_at: Mapped[datetime]
