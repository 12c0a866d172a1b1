"""The segments' pages: the list with counts, one segment over time with its members, and the editor of its query."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from app.admin.forms import Form
from app.admin.members import queries as members
from app.admin.members.pages import row_id
from app.admin.segments.wording import ATTRIBUTES, name_of
from app.admin.texts import gettext as _
from app.admin.visit import Done, View, Visit
from app.audit.service import record
from app.errors import Invalid
from app.loyalty.programs import default_program
from app.segments import queries, service
from app.segments.catalogue import ATTRIBUTES as KNOWN
from app.segments.models import Segment
from app.segments.queries import Person

PAGE = 50
DAYS = 30


def show_list(visit: Visit) -> View:
    """All segments of the shop with how many are in them."""
    segments = service.listed(visit.session, visit.shop.id)
    return View("admin/segments.html", {"segments": segments, "name_of": name_of})


def show(visit: Visit, segment_id: int) -> View:
    """A segment: how it grew, who is in it."""
    segment = service.get(visit.session, visit.shop.id, segment_id)
    beyond = row_id(visit.query.get("beyond")) or 0
    people = queries.members(visit.session, visit.shop.id, segment.id, beyond=beyond, limit=PAGE + 1)
    values = {
        "segment": segment,
        "name": name_of(segment),
        "days": queries.history(visit.session, visit.shop.id, segment.id, days=DAYS),
        "people": _with_names(visit, people[:PAGE]),
        "next": people[PAGE - 1].account_id if len(people) > PAGE else None,
    }
    return View("admin/segment.html", values)


def _with_names(visit: Visit, people: Sequence[Person]) -> list[dict[str, Any]]:
    program = default_program(visit.session, visit.shop.id).id
    found = members.members(visit.session, visit.shop.id, program, [one.account_id for one in people])
    by_id = {member.id: member for member in found}
    return [{"member": by_id[one.account_id], "since": one.since} for one in people if one.account_id in by_id]


def show_editor(visit: Visit, segment_id: int | None = None) -> View:
    """The form of a new segment, or of one that is there; `query` in the address is counted without being kept."""
    segment = service.get(visit.session, visit.shop.id, segment_id) if segment_id is not None else None
    tried = visit.query.get("query")
    values: dict[str, Any] = {
        "segment": segment,
        "name": visit.query.get("name", segment.name if segment else ""),
        "query": tried if tried is not None else segment.query if segment else "",
        # Counting first must not forget what the form was made from.
        "seen": visit.query.get("seen", seen(segment)) if segment else None,
        "attributes": [{"known": one, "words": ATTRIBUTES.get(one.name, one.name)} for one in KNOWN.values()],
        "preview": None,
    }
    if tried is not None:
        values |= _tried(visit, tried)
    return View("admin/segment_editor.html", values)


def _tried(visit: Visit, query: str) -> dict[str, Any]:
    try:
        found = queries.preview(visit.session, visit.shop.id, query)
    except Invalid as error:
        visit.form.complain("query", "; ".join(said(error)))
        return {}
    return {"preview": found, "people": _with_names(visit, found.sample)}


def said(error: Invalid) -> list[str]:
    """What is wrong with a query, with line and column, as Shopify words it."""
    return [fault["detail"] for fault in error.extra.get("errors", [])] or [error.detail]


def seen(segment: Segment) -> str:
    """The segment as a form was made from it."""
    return repr([segment.name, segment.query])


def create(visit: Visit) -> Done:
    """A new segment; its members are counted by the worker."""
    name, query = _typed(visit.form)
    with _complaints(visit.form):
        segment = service.create(visit.session, visit.shop.id, name=name, query=query)
    _record(visit, segment, "segment.created")
    return Done(f"/segments/{segment.id}", _("The segment is made. Its members are being counted."))


def change(visit: Visit, segment_id: int) -> Done:
    """Another name or query."""
    name, query = _typed(visit.form)
    segment = service.get(visit.session, visit.shop.id, segment_id)
    visit.session.refresh(segment, with_for_update=True)
    visit.form.unchanged_since(seen(segment))
    with _complaints(visit.form):
        segment = service.change(visit.session, visit.shop.id, segment_id, name=name, query=query)
    _record(visit, segment, "segment.changed")
    return Done(f"/segments/{segment.id}", _("The segment is saved."))


def remove(visit: Visit, segment_id: int) -> Done:
    """Delete a segment; customers stay."""
    segment = service.get(visit.session, visit.shop.id, segment_id)
    _record(visit, segment, "segment.removed")
    service.remove(visit.session, visit.shop.id, segment_id)
    return Done("/segments", _("The segment is deleted."))


def _typed(form: Form) -> tuple[str, str]:
    name, query = form.text("name", needed=True, most=service.LONGEST_NAME), form.given("query").strip()
    if not query:
        form.complain("query", _("This is needed."))
    form.check()
    return name, query


@contextmanager
def _complaints(form: Form) -> Iterator[None]:
    """Complaints of the language stand beside the query, where line and column can be looked up."""
    try:
        yield
    except Invalid as error:
        form.complain("query", "; ".join(said(error)))
        form.check()


def _record(visit: Visit, segment: Segment, what: str) -> None:
    after = {"name": segment.name, "query": segment.query}
    record(visit.session, visit.shop.id, actor=visit.actor, what=what, subject=f"segment:{segment.id}", after=after)
