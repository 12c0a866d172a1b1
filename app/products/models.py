"""What was told of products, and which of them have to be read. `product_labels`, which follows, is the ledger's."""

from datetime import datetime

from sqlalchemy import Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Product(Base):
    """A product that somebody asked for or told of. `wanted_at`: it has to be read; `read_at`: it has been once."""

    __tablename__ = "products"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wanted_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]

    __table_args__ = (Index("products_wanted_ix", "shop_id", "wanted_at", postgresql_where="wanted_at is not null"),)


class ProductStatement(Base):
    """All labels of one source (`tags` or `collections`) that a product had at an instant."""

    __tablename__ = "product_statements"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    told_at: Mapped[datetime]
    labels: Mapped[list[str]] = mapped_column(ARRAY(Text))
