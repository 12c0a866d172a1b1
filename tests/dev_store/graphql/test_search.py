"""Shopify's search syntax, as far as it is answered."""

from datetime import UTC, datetime

import pytest

from dev_store.graphql.search import matches, parse

ITEM = {"name": "Green tea", "tags": ["vip", "new customer"], "at": datetime(2026, 3, 1, tzinfo=UTC), "price": 12.5}
READERS = {
    "default": lambda item: item["name"],
    "name": lambda item: item["name"],
    "tag": lambda item: item["tags"],
    "at": lambda item: item["at"],
    "price": lambda item: item["price"],
    "gone": lambda _item: None,
}


@pytest.mark.parametrize(
    "text",
    [
        "", "tea", "TEA gre*", "tag:vip", "tag:'new customer'", 'name:"green tea"', "name:green*", "-tag:old",
        "NOT tag:old", "tag:old OR tag:vip", "tag:vip AND price:>12", "at:>=2026-03-01", "at:2026-03-01T00:00:00Z",
        "at:>2026-02-28 at:<2026-03-02", "price:12.5", "unknown:whatever", "(tag:vip)", "-gone:1",
    ],
)  # fmt: skip
def test_an_item_is_found(text: str) -> None:
    assert matches(parse(text), ITEM, READERS)


@pytest.mark.parametrize(
    "text",
    [
        "coffee", "tag:old", "-tag:vip", "tag:vip tag:old", "name:green", "at:<2026-03-01", "at:>=soon",
        "price:<=12", "price:cheap", "gone:1", "tag:old OR price:>20",
    ],
)  # fmt: skip
def test_an_item_is_not_found(text: str) -> None:
    assert not matches(parse(text), ITEM, READERS)
