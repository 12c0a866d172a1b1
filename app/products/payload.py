"""What Shopify says of products, by webhook or when asked, as statements: these labels at that instant. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app import payload
from app.payload import BadPayload, Body

_MOST_LABELS = 1_000
_LONGEST_TAG = 255


@dataclass(frozen=True, kw_only=True)
class Statement:
    """All tags, or all collections, of a product at an instant; of one instant what was told later holds."""

    shop_id: int
    product_id: int
    source: str
    at: datetime
    told_at: datetime
    labels: tuple[str, ...] = ()


def parse_product(shop_id: int, body: Body, triggered_at: datetime) -> Statement:
    """The tags in a `products/create` or `products/update` body; it does not tell collections. Raises BadPayload."""
    tags = body.get("tags") or ""
    if not isinstance(tags, str):
        raise BadPayload("wrong-type", "tags is not text")
    return Statement(
        shop_id=shop_id,
        product_id=payload.needed_id(body),
        source="tags",
        at=payload.needed_instant(body, "updated_at"),
        told_at=triggered_at,
        labels=_tags(tags.split(",")),
    )


def gone(shop_id: int, product_id: int, at: datetime) -> list[Statement]:
    """A product that is not there (any more) has neither tags nor collections."""
    return [
        Statement(shop_id=shop_id, product_id=product_id, source=source, at=at, told_at=at)
        for source in ("tags", "collections")
    ]


def parse_answer(
    shop_id: int, product: dict[str, Any], collections: Iterable[Any], asked_at: datetime
) -> list[Statement]:
    """A product of the Admin API with all its collections. When it entered them is not told: they count from now on.

    Orders tell whole seconds, so now is the beginning of this second.
    """
    product_id = payload.needed_id(product)
    tags = Statement(
        shop_id=shop_id,
        product_id=product_id,
        source="tags",
        at=payload.needed_instant(product, "updatedAt"),
        told_at=asked_at,
        labels=_tags(product["tags"]),
    )
    labels = {f"collection:{payload.needed_id(collection)}" for collection in collections}
    held = Statement(
        shop_id=shop_id,
        product_id=product_id,
        source="collections",
        at=asked_at.replace(microsecond=0),
        told_at=asked_at,
        labels=tuple(sorted(labels)),
    )
    return [tags, held]


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Shopify compares tags without regard to case, and so do rules."""
    clean = (tag.replace("\x00", "").strip().casefold()[:_LONGEST_TAG] for tag in tags)
    return tuple(sorted({f"tag:{tag}" for tag in clean if tag})[:_MOST_LABELS])
