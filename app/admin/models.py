"""What the admin keeps of its own: how staff read, brand and set-up of a shop, figures of the whole of it."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from app.db import Base


class StaffLanguage(Base):
    """The language of a member of staff (`sub` of the ID token); a chosen one does not follow Shopify's admin."""

    __tablename__ = "staff_languages"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str]
    chosen: Mapped[bool]


class ShopProfile(Base):
    """Brand and set-up of a shop; the row is made when something is first saved."""

    __tablename__ = "shop_profiles"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    # Accent colour as #rrggbb; null: the theme's own.
    colour: Mapped[str | None]
    # Languages the storefront speaks, the default first.
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    # What the wizard was told, step by step: goal, business, size, template, points, reward, …
    setup: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    launched_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]


class ShopFigures(Base):
    """What pages count over the whole shop (`app.admin.figures`), kept because a large shop takes seconds to count."""

    __tablename__ = "shop_figures"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    counted_at: Mapped[datetime]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
