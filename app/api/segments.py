"""Segments: defined, changed and removed; who is in them, since when and why; how that changed."""

from datetime import date
from decimal import Decimal
from typing import Any

from app.api import pages, values
from app.api import queries as api_queries
from app.api.operation import Answer, Call
from app.api.words import instant
from app.audit.service import record
from app.segments import queries, service
from app.segments.catalogue import ATTRIBUTES
from app.segments.evaluating import Reason
from app.segments.models import Segment
from app.segments.queries import Person, Transition


def list_segments(call: Call) -> Answer:
    """GET /segments"""
    key = pages.after(call, pages.row_id)
    rows = service.listed(call.session, call.shop.id, beyond=key[0] if key else 0, limit=pages.limit_of(call) + 1)
    return pages.page(call, rows, _segment, lambda segment: [segment.id])


def create_segment(call: Call) -> Answer:
    """POST /segments"""
    segment = service.create(call.session, call.shop.id, name=call.body["name"], query=call.body["query"])
    _record(call, segment, "segment.created")
    return Answer(201, _segment(segment))


def get_segment(call: Call) -> Answer:
    """GET /segments/{segment_id}"""
    return Answer(200, _segment(service.get(call.session, call.shop.id, values.path_id(call, "segment_id"))))


def change_segment(call: Call) -> Answer:
    """PATCH /segments/{segment_id}"""
    segment = service.change(call.session, call.shop.id, values.path_id(call, "segment_id"), **call.body)
    _record(call, segment, "segment.changed")
    return Answer(200, _segment(segment))


def delete_segment(call: Call) -> Answer:
    """DELETE /segments/{segment_id}"""
    segment = service.get(call.session, call.shop.id, values.path_id(call, "segment_id"))
    shown = _segment(segment)
    _record(call, segment, "segment.removed")
    service.remove(call.session, call.shop.id, segment.id)
    return Answer(200, shown)


def _record(call: Call, segment: Segment, what: str) -> None:
    after = {"name": segment.name, "query": segment.query}
    record(call.session, call.shop.id, actor=call.actor, what=what, subject=f"segment:{segment.id}", after=after)


def list_segment_members(call: Call) -> Answer:
    """GET /segments/{segment_id}/members"""
    segment = service.get(call.session, call.shop.id, values.path_id(call, "segment_id"))
    key = pages.after(call, pages.row_id)
    beyond, limit = key[0] if key else 0, pages.limit_of(call) + 1
    rows = queries.members(call.session, call.shop.id, segment.id, beyond=beyond, limit=limit)
    return pages.page(call, rows, _member, lambda person: [person.account_id])


def list_segment_days(call: Call) -> Answer:
    """GET /segments/{segment_id}/days"""
    segment = service.get(call.session, call.shop.id, values.path_id(call, "segment_id"))
    days = queries.history(call.session, call.shop.id, segment.id, days=int(call.query.get("days", 30)))
    shown = [
        {"day": day.day.isoformat(), "members": day.members, "entered": day.entered, "left": day.left} for day in days
    ]
    return Answer(200, {"data": shown})


def list_segment_transitions(call: Call) -> Answer:
    """GET /segment-transitions"""
    key = pages.after(call, pages.row_id)
    wanted = call.query.get("segment_id")
    rows = queries.transitions(
        call.session,
        call.shop.id,
        beyond=key[0] if key else int(call.query.get("after", 0)),
        limit=pages.limit_of(call) + 1,
        segment_id=min(int(wanted), api_queries.LARGEST_ID) if wanted else None,
    )
    return pages.page(call, rows, _transition, lambda row: [row.number])


def preview_segment(call: Call) -> Answer:
    """POST /segment-previews"""
    found = queries.preview(call.session, call.shop.id, call.body["query"])
    return Answer(
        200, {"members": found.members, "of": found.everybody, "sample": [_person(one) for one in found.sample]}
    )


def list_customer_segments(call: Call) -> Answer:
    """GET /customers/{customer_id}/segments"""
    account_id = api_queries.account_id(call.session, call.shop.id, call.path["customer_id"])
    held = queries.of_account(call.session, call.shop.id, account_id)
    shown = [
        {
            "segment": _segment(membership.segment),
            "since": instant(membership.since),
            "reasons": [_reason(reason) for reason in membership.reasons],
        }
        for membership in held
    ]
    return Answer(200, {"data": shown})


def list_segment_attributes(call: Call) -> Answer:
    """GET /segment-attributes"""
    shown = [
        {
            "name": attribute.name,
            "kind": attribute.kind,
            "operators": list(attribute.operators),
            "words": list(attribute.words),
            "shopify": not attribute.own,
        }
        for attribute in ATTRIBUTES.values()
    ]
    return Answer(200, {"data": shown})


def _segment(segment: Segment) -> dict[str, Any]:
    return {
        "id": str(segment.id),
        "key": segment.key,
        "name": segment.name,
        "query": segment.query,
        "members": segment.members,
        "created_at": instant(segment.created_at),
        "updated_at": instant(segment.updated_at),
    }


def _person(person: Person) -> dict[str, Any]:
    customer_id = str(person.customer_id) if person.customer_id is not None else None
    return {"account_id": str(person.account_id), "customer_id": customer_id}


def _member(person: Person) -> dict[str, Any]:
    assert person.since is not None
    return {**_person(person), "since": instant(person.since)}


def _transition(row: Transition) -> dict[str, Any]:
    return {
        "number": row.number,
        "segment_id": str(row.segment_id),
        **_person(Person(row.account_id, row.customer_id)),
        "what": "entered" if row.entered else "left",
        "at": instant(row.at),
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "clause": str(reason.clause),
        "attribute": reason.clause.attribute.name,
        "operator": reason.clause.operator,
        "bounds": [_plain(bound) for bound in reason.bounds],
        "value": _plain(reason.value),
        "holds": reason.holds,
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it: days and decimals as text."""
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value
