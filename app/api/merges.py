"""Customers who may be one person: offered, merged, turned down, and parted again."""

from typing import Any

from app.api import pages, values
from app.api.operation import Answer, Call
from app.api.queries import LARGEST_ID
from app.api.words import instant, instant_or_none
from app.customers import candidates
from app.customers.candidates import Offer
from app.customers.merge_models import AccountMerge
from app.errors import NotFound


def list_merge_offers(call: Call) -> Answer:
    """GET /merge-offers"""
    key = pages.after(call, pages.row_id, pages.row_id)
    beyond = (key[0], key[1]) if key else None
    rows = candidates.offers(call.session, call.shop.id, beyond=beyond, limit=pages.limit_of(call) + 1)
    return pages.page(call, rows, _offer, lambda offer: [offer.one, offer.other])


def dismiss_merge_offer(call: Call) -> Answer:
    """POST /merge-offers/dismiss"""
    one, other = sorted((_customer(call, "one"), _customer(call, "other")))
    candidates.dismiss(call.session, call.shop.id, one, other, call.actor)
    return Answer(200, {"customers": [str(one), str(other)]})


def list_merges(call: Call) -> Answer:
    """GET /merges"""
    key = pages.after(call, pages.row_id)
    before = key[0] if key else None
    rows = candidates.merges(call.session, call.shop.id, before=before, limit=pages.limit_of(call) + 1)
    return pages.page(call, rows, _merge, lambda merge: [merge.id])


def create_merge(call: Call) -> Answer:
    """POST /merges"""
    kept, absorbed = _customer(call, "kept"), _customer(call, "absorbed")
    return Answer(201, _merge(candidates.accept(call.session, call.shop.id, kept, absorbed, call.actor)))


def undo_merge(call: Call) -> Answer:
    """DELETE /merges/{merge_id}"""
    merge_id = values.path_id(call, "merge_id")
    return Answer(200, _merge(candidates.part(call.session, call.shop.id, merge_id, call.actor)))


def _customer(call: Call, name: str) -> int:
    number = int(call.body[name])
    if number > LARGEST_ID:
        raise NotFound(f"This shop has no customer {number}.", kind="unknown-customer")
    return number


def _offer(offer: Offer) -> dict[str, Any]:
    return {"customers": [str(offer.one), str(offer.other)], "basis": list(offer.basis)}


def _merge(merge: AccountMerge) -> dict[str, Any]:
    return {
        "id": str(merge.id),
        "kept": str(merge.kept),
        "absorbed": str(merge.absorbed),
        "cause": merge.cause,
        "actor": merge.actor,
        "at": instant(merge.at),
        "undone_at": instant_or_none(merge.undone_at),
    }
