"""Orders from before the installation: what they would be worth, and the merchant's one choice from when on they count.

Until the choice is made imported orders earn nothing; what it would cost is worked out by the fold itself.
"""

from datetime import date

from app.admin.texts import gettext as _
from app.admin.visit import Done, View, Visit
from app.loyalty import history, questions
from app.loyalty.dates import start_of
from app.loyalty.programs import default_program

CHOICES = ("all", "day", "none")


def show(visit: Visit) -> View:
    """What orders from a day on would be worth; a large shop is worked out by the worker, and the page asks again."""
    program = default_program(visit.session, visit.shop.id)
    day = _day(visit.query.get("from", ""))
    since = start_of(day, visit.zone) if day else None
    asked = questions.ask_about_history(visit.session, visit.shop, program, since)
    values = {
        "program": program,
        "day": day,
        "worth": asked.answer,
        "is_final": program.history_chosen_at is not None and history.is_posted(visit.session, program),
    }
    return View("admin/program_past.html", values)


def _day(text: str) -> date | None:
    """A day out of an address; a bent one is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def choose(visit: Visit) -> Done:
    """From when on imported orders earn: always, from a day on, or never."""
    form = visit.form
    what = form.choice("what", CHOICES)
    day = form.day("day", needed=what == "day")
    form.check()
    program = default_program(visit.session, visit.shop.id)
    since = start_of(day, visit.zone) if what == "day" and day else None
    history.choose(visit.session, visit.shop.id, program.id, since, none=what == "none", actor=visit.actor)
    return Done("/program", _("The choice is made. Points follow within minutes."))
