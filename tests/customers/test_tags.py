"""Tags of customers: whatever comes first, the newest word on each tag holds, and a list read whole outweighs older."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.customers import service, tags
from app.customers.payload import parse_customer
from app.payload import BadPayload
from app.runtime import Runtime
from app.shops.models import Shop
from tests.webhooks.deliveries import customer_body

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = 71


def news(shop: Shop, minute: int, *names: str, held: bool = True) -> tags.TagNews:
    """What a webhook says of Ada's tags."""
    body = {"customerId": f"gid://shopify/Customer/{ADA}", "tags": list(names), "occurredAt": at(minute).isoformat()}
    return tags.parse_news(shop.id, body, NOON, held=held)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def held(session: Any, shop: Shop) -> list[str]:
    found = text("""
        select f.key from customers c cross join jsonb_each(c.tags) f
        where c.shop_id = :shop and c.id = :ada and cast(f.value ->> 'held' as boolean) order by 1
    """)
    return list(session.execute(found, {"shop": shop.id, "ada": ADA}).scalars())


def test_news_and_lists_end_the_same_in_any_order(runtime: Runtime, shop: Shop) -> None:
    """The list of minute 3 has tea alone: vip went before it, coffee came after it, gone came and went."""
    said: list[tags.TagNews | list[str]] = [
        news(shop, 1, "VIP"),
        news(shop, 2, "vip", "old", held=False),
        ["tea"],
        news(shop, 4, "Coffee", "gone"),
        news(shop, 5, "Gone", held=False),
    ]
    for order in itertools.permutations(said):
        with runtime.database.system() as session:
            service.apply(session, [parse_customer(shop.id, customer_body(ADA, at=NOON), NOON)])
            for what in order:
                if isinstance(what, tags.TagNews):
                    tags.apply(session, [what])
                else:
                    tags.apply_lists(session, shop.id, {ADA: what}, at(3))
            assert held(session, shop) == ["coffee", "tea"], order
            session.rollback()


def test_of_one_instant_that_a_tag_is_gone_holds(runtime: Runtime, shop: Shop) -> None:
    both = [news(shop, 1, "vip"), news(shop, 1, "vip", held=False)]
    for order in (both, both[::-1]):
        with runtime.database.system() as session:
            tags.apply(session, order[:1])
            tags.apply(session, order[1:])
            assert held(session, shop) == []
            tags.apply(session, order)
            assert held(session, shop) == []
            session.rollback()


def test_a_deleted_customer_has_no_tags_and_gets_none(runtime: Runtime, shop: Shop) -> None:
    with runtime.database.system() as session:
        tags.apply(session, [news(shop, 1, "vip")])
        service.delete(session, [(shop.id, ADA, at(2))])
        tags.apply(session, [news(shop, 3, "tea")])
        tags.apply_lists(session, shop.id, {ADA: ["tea"]}, at(4))
        row = session.execute(text("select tags, tags_at from customers where id = :ada"), {"ada": ADA}).one()
    assert tuple(row) == (None, None)


def test_a_list_that_says_nothing_new_writes_nothing(runtime: Runtime, shop: Shop) -> None:
    version = text("select xmin from customers where id = :ada")
    with runtime.database.system() as session:
        tags.apply(session, [news(shop, 1, "vip", "Tea")])
    with runtime.database.system() as session:
        before = session.execute(version, {"ada": ADA}).scalar()
        tags.apply_lists(session, shop.id, {ADA: ["tea", "vip"]}, at(2))
        assert session.execute(version, {"ada": ADA}).scalar() == before


@pytest.mark.parametrize("told", [None, "vip", [1], {"vip": True}])
def test_what_is_no_list_of_texts_is_refused(told: Any) -> None:
    with pytest.raises(BadPayload):
        tags.folded(told)
