"""What the shop's storefront shows of Perennial: seen, and the points block switched on and off."""

from typing import Any

from app.api.operation import Answer, Call, Operation
from app.api.shapes import Schema, record
from app.audit import service as audit
from app.storefront import dirty

_POINTS: Schema = {
    "type": "boolean",
    "description": "Whether each customer's points are kept where the theme's blocks can read them.",
}
STOREFRONT_COMPONENTS: dict[str, Schema] = {
    "Storefront": record(
        {
            "points": _POINTS,
            "up_to_date": {"type": "boolean", "description": "Whether Shopify has all that the theme reads."},
        }
    )
}
_CHANGE: Schema = {
    "type": "object",
    "required": ["points"],
    "additionalProperties": False,
    "properties": {"points": _POINTS},
}


def get_storefront(call: Call) -> Answer:
    """GET /storefront"""
    return Answer(200, _shown(call))


def change_storefront(call: Call) -> Answer:
    """PATCH /storefront"""
    before, after = _shown(call)["points"], call.body["points"]
    if before != after:
        dirty.show_points(call.session, call.shop.id, on=after)
        audit.record(
            call.session,
            call.shop.id,
            actor=call.actor,
            what="storefront.changed",
            subject="storefront",
            before={"points": before},
            after={"points": after},
        )
    return Answer(200, _shown(call))


def _shown(call: Call) -> dict[str, Any]:
    state = dirty.showing(call.session, call.shop.id)
    return {"points": state.points, "up_to_date": state.up_to_date}


STOREFRONT_OPERATIONS = (
    Operation("GET", "/storefront", get_storefront, "What the theme may show of Perennial", {200: "Storefront"}),
    Operation(
        "PATCH",
        "/storefront",
        change_storefront,
        "Let the theme show members their points, or stop",
        {200: "Storefront"},
        "Values follow within seconds of a change. Stopping leaves the last ones where they are. Switching a popup on"
        " switches points on: by them it is known who is a member.",
        body=_CHANGE,
    ),
)
