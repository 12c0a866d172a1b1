"""The pages of what happened: events that were set aside, all webhooks, work that waits, imports, who changed what."""

from typing import Any

from app.admin.activity import queries
from app.admin.activity.wording import topic_in_words
from app.admin.members.pages import row_id
from app.admin.texts import gettext as _
from app.admin.texts import lazy_gettext as _l
from app.admin.texts import ngettext
from app.admin.visit import Done, View, Visit
from app.api.inbox import Event
from app.audit import queries as audit
from app.audit.service import record
from app.errors import Conflict, NotFound
from app.intake import queries as intake
from app.transfer import balances

PAGE = 50
LARGEST_ID = 2**63 - 1
STATES = {
    "parked": _l("Set aside"),
    "pending": _l("Waiting"),
    "done": _l("Done"),
    "ignored": _l("Nothing to do"),
}
TONES = {"parked": "critical", "pending": "warning", "done": "good", "ignored": None}
WORK = {
    "settling": _l("Points of the whole shop are looked at again"),
    "codes": _l("Codes that Shopify is to make or withdraw"),
    "pools": _l("Stocks of codes for popups"),
    "imports": _l("Imports of balances"),
    "consents": _l("Consents that Shopify is to hear of"),
    "what_ifs": _l("Previews of rules"),
}
IMPORT_STATES = {
    "read": _l("Read, not posted"),
    "posting": _l("Being posted"),
    "done": _l("Done"),
    "undoing": _l("Being taken back"),
    "undone": _l("Taken back"),
}

RUNS = {"import": _l("History of the shop"), "reconcile": _l("Comparison with Shopify")}
RUN_STATES = {"running": _l("Under way"), "done": _l("Done"), "failed": _l("Failed")}


def show(visit: Visit) -> View:
    """What needs a person, and what waits for the worker."""
    parked = visit.inbox.page(visit.session, visit.shop.id, state="parked", topic=None, before=None, limit=PAGE)
    pending = visit.inbox.page(visit.session, visit.shop.id, state="pending", topic=None, before=None, limit=100)
    values = {
        "parked": parked,
        "groups": visit.inbox.parked(visit.session, visit.shop.id) if len(parked) > 1 else [],
        "meaning": _meaning,
        "topic_of": topic_in_words,
        "pending": len(pending),
        "oldest": min((event.received_at for event in pending), default=None),
        "work": [work for work in queries.work(visit.session, visit.shop.id) if work.waiting],
        "kinds": WORK,
        "explained": explained,
    }
    return View("admin/activity.html", values)


def show_events(visit: Visit) -> View:
    """Webhooks newest first, by state and topic."""
    state = visit.query.get("state") if visit.query.get("state") in STATES else None
    topic = visit.query.get("topic", "").strip()[:100] or None
    before = row_id(visit.query.get("before"))
    rows = visit.inbox.page(visit.session, visit.shop.id, state=state, topic=topic, before=before, limit=PAGE + 1)
    values: dict[str, Any] = {
        "events": rows[:PAGE],
        "topic_of": topic_in_words,
        "next": rows[PAGE - 1].id if len(rows) > PAGE else None,
    }
    filters = {"state": state or "", "topic": topic or "", "states": STATES, "tones": TONES, "explained": explained}
    return View("admin/events.html", {**values, **filters})


def show_event(visit: Visit, event_id: int) -> View:
    """One event, and what can be done about it."""
    event = _event(visit, event_id)
    shown = {"states": STATES, "tones": TONES, "explained": explained}
    return View("admin/event.html", {"event": event, "topic_of": topic_in_words, **shown})


def explained(event: Event) -> str | None:
    """Why an event was set aside, in the reader's language; the detail behind it stays as it was written."""
    meaning, bracket, detail = (event.explanation or "").partition(" (")
    return _(meaning) + bracket + detail if meaning else None


def replay(visit: Visit, event_id: int) -> Done:
    """Let a parked event be tried again."""
    event = _event(visit, event_id)
    if not visit.inbox.replay(visit.session, visit.shop.id, event.id, visit.actor):
        raise Conflict(_("This event is not set aside any more: somebody was quicker."), kind="event-not-parked")
    _record(visit, event, "event.replayed")
    return Done("/activity", _("The event is tried again."))


def replay_many(visit: Visit) -> Done:
    """Let all parked events be tried again: of a topic, of a reason, or every one."""
    topic, reason = (visit.form.text(name, most=100) or None for name in ("topic", "reason"))
    tried = visit.inbox.replay_many(visit.session, visit.shop.id, topic=topic, reason=reason, actor=visit.actor)
    if not tried:
        raise Conflict(_("None of these events is set aside any more: somebody was quicker."), kind="event-not-parked")
    return Done("/activity", ngettext("%(num)s event is tried again.", "%(num)s events are tried again.", tried))


def _meaning(text: str | None) -> str | None:
    """A reason in the reader's language."""
    return _(text) if text else None


def dismiss(visit: Visit, event_id: int) -> Done:
    """Decide that nothing is to be made of a parked event; the note says why."""
    note = visit.form.text("note", needed=True, most=500)
    visit.form.check()
    event = _event(visit, event_id)
    if not visit.inbox.dismiss(visit.session, visit.shop.id, event.id, note, visit.actor):
        raise Conflict(_("This event is not set aside any more: somebody was quicker."), kind="event-not-parked")
    return Done("/activity", _("Nothing will be made of the event."))


def _record(visit: Visit, event: Event, what: str) -> None:
    record(visit.session, visit.shop.id, actor=visit.actor, what=what, subject=f"event:{event.id}")


def _event(visit: Visit, event_id: int) -> Event:
    found = visit.inbox.event(visit.session, visit.shop.id, event_id) if event_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(_("There is no such event in this shop."))
    return found


def show_imports(visit: Visit) -> View:
    """What came in at once: the shop's own history, comparisons with Shopify, balances of other programs."""
    values = {
        "imports": balances.imports(visit.session, visit.shop.id)[:PAGE],
        "states": IMPORT_STATES,
        "runs": intake.runs(visit.session, visit.shop.id),
        "run_states": RUN_STATES,
        "kinds": RUNS,
    }
    return View("admin/imports.html", values)


def show_changes(visit: Visit) -> View:
    """The audit log, newest first."""
    before = row_id(visit.query.get("before"))
    rows = audit.page(visit.session, visit.shop.id, actor=None, what=None, before=before, limit=PAGE + 1)
    following = rows[PAGE - 1].id if len(rows) > PAGE else None
    entries = [{"entry": row, "changed": _changed(row.before, row.after)} for row in rows[:PAGE]]
    return View("admin/changes.html", {"entries": entries, "next": following})


def _changed(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[str]:
    """Each value with what it was; long ones are cut, the log keeps them whole."""
    names = sorted({*(before or {}), *(after or {})})
    return [_one(name, (before or {}).get(name), (after or {}).get(name)) for name in names][:8]


def _one(name: str, before: Any, after: Any) -> str:
    told = [str(value)[:80] for value in (before, after) if value is not None]
    return f"{name}: {' → '.join(told)}"
