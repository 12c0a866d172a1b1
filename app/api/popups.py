"""Popups: made, changed, switched on and off, and what came of them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.api import pages, values
from app.api.operation import Answer, Call
from app.api.words import instant, instant_or_none, money
from app.audit.service import record
from app.discounts.pools import service as pools
from app.discounts.pools.models import CodePool
from app.discounts.pools.service import Offer
from app.money import to_decimal_string, to_minor
from app.popups import counting, service
from app.popups.models import Popup


def list_popups(call: Call) -> Answer:
    """GET /popups"""
    key = pages.after(call, pages.row_id)
    rows = service.listed(call.session, call.shop.id, beyond=key[0] if key else 0, limit=pages.limit_of(call) + 1)
    shown = _shown(call, rows)
    return pages.page(call, rows, lambda popup: shown[popup.id], lambda popup: [popup.id])


def create_popup(call: Call) -> Answer:
    """POST /popups"""
    with values.complaints_by_place("definition", "popup"):
        popup = service.create(
            call.session,
            call.shop.id,
            name=call.body["name"],
            definition=call.body["definition"],
            offer=_offer(call, call.body["offer"]),
        )
    _record(call, popup, "popup.created")
    return Answer(201, _shown(call, [popup])[popup.id])


def get_popup(call: Call) -> Answer:
    """GET /popups/{popup_id}"""
    popup = service.get(call.session, call.shop.id, values.path_id(call, "popup_id"))
    return Answer(200, _shown(call, [popup])[popup.id])


def change_popup(call: Call) -> Answer:
    """PATCH /popups/{popup_id}"""
    with values.complaints_by_place("definition", "popup"):
        popup = service.change(call.session, call.shop.id, values.path_id(call, "popup_id"), **call.body)
    _record(call, popup, "popup.changed")
    return Answer(200, _shown(call, [popup])[popup.id])


def _record(call: Call, popup: Popup, what: str) -> None:
    after = {"name": popup.name, "active": popup.active}
    record(call.session, call.shop.id, actor=call.actor, what=what, subject=f"popup:{popup.id}", after=after)


def _offer(call: Call, given: dict[str, Any]) -> Offer:
    currency = call.shop.currency
    share = given["kind"] == "percent_off"
    return Offer(
        title=given["title"],
        kind=given["kind"],
        value=int(Decimal(given["value"]) * 100) if share else to_minor(given["value"], currency),
        currency=currency,
        minimum_minor=to_minor(given.get("minimum", "0"), currency),
        combines=given.get("combines", False),
        ends_at=values.instant(given, "ends_at", prefix="/offer/"),
    )


def _shown(call: Call, popups: Sequence[Popup]) -> dict[int, dict[str, Any]]:
    """Popups with pools and statistics, by id; as many statements for a page as for one."""
    held = pools.pools(call.session, call.shop.id, [popup.pool_id for popup in popups])
    counted = counting.statistics(call.session, call.shop.id, [popup.id for popup in popups])
    return {
        popup.id: {
            "id": str(popup.id),
            "name": popup.name,
            "active": popup.active,
            "definition": popup.definition,
            "offer": _shown_offer(*held[popup.pool_id]),
            "statistics": _statistics(call, counted[popup.id]),
            "created_at": instant(popup.created_at),
            "updated_at": instant(popup.updated_at),
        }
        for popup in popups
    }


def _shown_offer(pool: CodePool, free: int) -> dict[str, Any]:
    share = pool.kind == "percent_off"
    return {
        "title": pool.title,
        "kind": pool.kind,
        "value": f"{Decimal(pool.value) / 100:.2f}" if share else to_decimal_string(pool.value, pool.currency),
        "minimum": money(pool.minimum_minor, pool.currency),
        "combines": pool.combines,
        "ends_at": instant_or_none(pool.ends_at),
        "state": pool.state,
        "free_codes": free,
    }


def _statistics(call: Call, counted: counting.Statistics) -> dict[str, Any]:
    return {
        "views": counted.views,
        "closes": counted.closes,
        "sign_ups": counted.sign_ups,
        "codes_used": counted.codes_used,
        "revenue": money(counted.revenue_minor, call.shop.currency),
    }
