"""Changing the rules: a draft, a look at who would have gained and lost by it, then in force from now or a day on.

The draft lives in the row of its question (`app.loyalty.questions`), so the page of a preview can be opened again,
shared, and come back to. Which version it was made from stands in the address; if another one came meanwhile, the draft
is not put in force but shown with that said.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from app import clock
from app.admin.forms import Form
from app.admin.members import queries as members
from app.admin.program import queries, rules_form
from app.admin.program.saying import rules_in_words, say
from app.admin.texts import gettext as _
from app.admin.visit import Done, View, Visit
from app.errors import Invalid
from app.loyalty import program_changes, questions
from app.loyalty.answers import ALL_ORDERS, AS_POSTED
from app.loyalty.dates import start_of
from app.loyalty.models import Program
from app.loyalty.programs import default_program
from app.loyalty.rules import parse
from app.loyalty.run_models import WhatIf
from app.loyalty.wording import action_name

# Most shops know a year: its seasons are in it once.
PERIOD = timedelta(days=365)
PERIODS = ("90", "365", "730")
_WHOLES = (
    *("unit_points", "order_points", "waiting_days", "expiry_months", "expiry_days"),
    *("cap_order", "cap_day", "cap_account", "referral_advocate", "referral_friend"),
    *(f"action_{name}" for name in rules_form.ACTIONS),
)
_AMOUNTS = ("unit_per", "order_minimum")
_TICKS = ("gift_cards", "shipping")


def show_form(visit: Visit) -> View:
    """The rules to be changed: a form for most shops, and the rules themselves for whoever wants more."""
    program = default_program(visit.session, visit.shop.id)
    rules = _newest(visit, program)
    values = {
        "base": _base(visit, program),
        "fields": rules_form.fields(rules),
        "actions": {name: say(action_name(name)) for name in rules_form.ACTIONS},
        "json": orjson.dumps(rules, option=orjson.OPT_INDENT_2).decode(),
        "expert": visit.query.get("as") == "rules" or visit.form.given("as") == "rules",
        "periods": PERIODS,
    }
    return View("admin/program_change.html", values)


def _newest(visit: Visit, program: Program) -> dict[str, Any]:
    """What a draft begins with: the newest rules, or those from before a stop."""
    row = queries.newest_that_earns(visit.session, program) or program_changes.newest_version(visit.session, program)
    return dict(row.rules) if row else {"earning": []}


def _base(visit: Visit, program: Program) -> str:
    row = program_changes.newest_version(visit.session, program)
    return str(row.version if row else 0)


def ask(visit: Visit) -> Done:
    """Keep the draft and ask what it would have given; nothing is in force yet."""
    program = default_program(visit.session, visit.shop.id)
    rules = _typed(visit.form) if visit.form.given("as") == "rules" else _laid_over(visit, program)
    days = int(visit.form.choice("days", PERIODS) or 0)
    counting = ALL_ORDERS if visit.form.has("all_orders") else AS_POSTED
    visit.form.check()
    until = clock.now()
    since = until - timedelta(days=days)
    asked = questions.ask_about_rules(visit.session, visit.shop, program, rules, since, until, counting)
    return Done(f"/program/preview/{asked.id}?base={visit.form.given('seen')}", _("Here is what would have changed."))


def _typed(form: Form) -> Any:
    """Rules written by hand; every complaint about them stands beside the text."""
    try:
        rules = orjson.loads(form.given("rules"))
        parse(rules)
    except orjson.JSONDecodeError as error:
        form.complain("rules", _("Line %(line)s, column %(column)s: %(what)s", line=error.lineno, column=error.colno,
                                 what=error.msg))  # fmt: skip
    except Invalid as error:
        form.complain("rules", "; ".join(error.extra["errors"]))
    form.check()
    return rules


def _laid_over(visit: Visit, program: Program) -> dict[str, Any]:
    form = visit.form
    for name in _WHOLES:
        if form.text(name):
            form.whole(name, least=0, most=1_000_000)
    for name in _AMOUNTS:
        _check_amount(form, name)
    if form.choice("expiry", (rules_form.NEVER, rules_form.AFTER, rules_form.INACTIVITY)) != rules_form.NEVER:
        _check_one_of(form)
    form.check()
    told = {name: form.text(name) for name in (*_WHOLES, *_AMOUNTS, "expiry")}
    return rules_form.laid_over(_newest(visit, program), told | {name: "on" for name in _TICKS if form.has(name)})


def _check_amount(form: Form, name: str) -> None:
    try:
        number = Decimal(form.text(name) or "0")
    except InvalidOperation:
        number = Decimal(-1)
    if not (number.is_finite() and 0 <= number < 10**9):
        form.complain(name, _("An amount such as 12.50 is needed."))


def _check_one_of(form: Form) -> None:
    given = [name for name in ("expiry_months", "expiry_days") if form.text(name) not in ("", "0")]
    if len(given) != 1:
        form.complain("expiry_months", _("Give either months or days."))


def show_preview(visit: Visit, question_id: int) -> View:
    """What a draft says, what it would have given, who has most at stake, and the way to put it in force."""
    program = default_program(visit.session, visit.shop.id)
    asked = questions.question(visit.session, visit.shop.id, program.id, question_id)
    values = {
        "asked": asked,
        "answer": asked.answer,
        "people": _people(visit, program, asked.answer),
        "base": visit.query.get("base", visit.form.given("seen")),
        "changes": _changes(visit, program, asked),
        "today": clock.now().astimezone(visit.zone).date(),
    }
    return View("admin/program_preview.html", values)


def _people(visit: Visit, program: Program, answer: Mapping[str, Any] | None) -> dict[str, str]:
    """Names of those with most at stake, by account."""
    if answer is None:
        return {}
    ids = [int(one["account"]) for side in ("gainers", "losers") for one in answer[side]]
    found = members.members(visit.session, visit.shop.id, program.id, ids)
    return {str(member.id): member.title for member in found}


def _changes(visit: Visit, program: Program, asked: WhatIf) -> dict[str, list[str]]:
    """Sentences that stay, come and go; when the rules begin is said apart, because that is still to be chosen."""
    live, draft = (
        rules_in_words(parse(rules), visit.shop.currency, visit.zone)[:-1]
        for rules in (_newest(visit, program), asked.asked["rules"])
    )
    return {
        "stay": [said for said in draft if said in live],
        "come": [said for said in draft if said not in live],
        "go": [said for said in live if said not in draft],
    }


def put_in_force(visit: Visit, question_id: int) -> Done:
    """Add the draft as a version, from now or from the beginning of a day on."""
    form = visit.form
    program = program_changes.locked_program(
        visit.session, visit.shop.id, default_program(visit.session, visit.shop.id).id
    )
    asked = questions.question(visit.session, visit.shop.id, program.id, question_id)
    form.unchanged_since(_base(visit, program))
    day = form.day("day", needed=True) if form.choice("when", ("now", "day")) == "day" else None
    form.check()
    begins = start_of(day, visit.zone) if day else None
    program_changes.add_version(
        visit.session, visit.shop.id, program.id, asked.asked["rules"], begins, actor=visit.actor
    )
    return Done("/program", _("The new rules are in force.") if begins is None else _("The new rules are planned."))
