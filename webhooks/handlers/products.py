"""Products and collections, as far as rules name them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import payload
from app.changes import Key
from app.products import service
from app.products.payload import Statement, gone, parse_product
from webhooks.topics import BULK, Effects, Event, Topic


def _product(event: Event) -> Statement:
    return parse_product(event.shop_id, event.body, event.triggered_at)


def _deleted(event: Event) -> tuple[int, int, datetime]:
    return (event.shop_id, payload.needed_id(event.body), event.triggered_at)


def _collection(event: Event) -> Key:
    return (event.shop_id, payload.needed_id(event.body))


def _apply_products(session: Session, statements: Sequence[Statement]) -> Effects:
    service.take_in(session, statements)
    service.want_again(session, {(told.shop_id, told.product_id) for told in statements})
    return Effects()


def _apply_deletions(session: Session, deletions: Sequence[tuple[int, int, datetime]]) -> Effects:
    service.take_in(session, [told for deletion in deletions for told in gone(*deletion)])
    return Effects()


def _apply_collections(session: Session, collections: Sequence[Key]) -> Effects:
    service.compare_collections(session, sorted(set(collections)))
    return Effects()


TOPICS = (
    Topic("products/create", _product, _apply_products, BULK),
    Topic("products/update", _product, _apply_products, BULK),
    Topic("products/delete", _deleted, _apply_deletions, BULK),
    Topic("collections/update", _collection, _apply_collections, BULK),
    Topic("collections/delete", _collection, _apply_collections, BULK),
)
