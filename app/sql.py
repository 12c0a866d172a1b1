"""Rows in and out of set-based statements: one JSON parameter, however many rows (`jsonb_populate_recordset`)."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from app.db import Base


def rows(values: Iterable[Mapping[str, Any]]) -> str:
    """Rows as the JSON that `jsonb_populate_recordset` and `jsonb_to_recordset` read."""
    return orjson.dumps(list(values)).decode()


def keys(values: Iterable[tuple[int, Any]], name: str = "id") -> str:
    """Pairs of shop id and another key, as rows with the columns `shop_id` and `name`."""
    return rows({"shop_id": shop_id, name: value} for shop_id, value in sorted(values))


def assignments(table: type[Base], *, without: Iterable[str]) -> str:
    """`a = excluded.a, …` for an upsert of all columns but the key and those named."""
    left_out = {column.name for column in table.__table__.primary_key} | set(without)
    names = [column.name for column in table.__table__.columns if column.name not in left_out]
    return ", ".join(f"{name} = excluded.{name}" for name in names)
