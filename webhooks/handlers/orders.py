"""Orders and refunds."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import payload
from app.changes import Key
from app.orders import service
from app.orders.payload import parse_order, parse_refund
from app.orders.snapshot import OrderSnapshot, RefundSnapshot
from webhooks.topics import Effects, Event, Topic


def _order(event: Event) -> OrderSnapshot:
    return parse_order(event.shop_id, event.body, event.triggered_at)


def _refund(event: Event) -> RefundSnapshot:
    return parse_refund(event.shop_id, event.body, shop_currency=event.shop_currency)


def _edited(event: Event) -> Key:
    """`orders/edited` tells what was edited, not what the order is now: read it again (design section 4a)."""
    edit = payload.mapping(event.body.get("order_edit") or event.body, "order_edit")
    return (event.shop_id, payload.needed_id(edit, "order_id"))


def _deleted(event: Event) -> tuple[int, int, datetime]:
    return (event.shop_id, payload.needed_id(event.body), event.triggered_at)


def _apply_orders(session: Session, snapshots: Sequence[OrderSnapshot]) -> Effects:
    return Effects(service.apply(session, snapshots))


def _apply_refunds(session: Session, refunds: Sequence[RefundSnapshot]) -> Effects:
    return Effects(service.apply_refunds(session, refunds))


def _apply_edits(session: Session, orders: Sequence[Key]) -> Effects:
    effects = Effects()
    effects.changes.rereads |= set(orders)
    return effects


def _apply_deletions(session: Session, deletions: Sequence[tuple[int, int, datetime]]) -> Effects:
    return Effects(service.delete(session, deletions))


TOPICS = (
    Topic("orders/create", _order, _apply_orders),
    Topic("orders/paid", _order, _apply_orders),
    Topic("orders/updated", _order, _apply_orders),
    Topic("orders/cancelled", _order, _apply_orders),
    Topic("orders/edited", _edited, _apply_edits),
    Topic("orders/delete", _deleted, _apply_deletions),
    Topic("refunds/create", _refund, _apply_refunds),
)
