"""The program's page: what it does, in words that are made from its rules; its terms, its versions, its one switch."""

from typing import Any

from app import clock
from app.admin.program import queries
from app.admin.program.saying import rules_in_words, terms_in_words
from app.admin.texts import gettext as _
from app.admin.visit import Done, View, Visit
from app.api.queries import rule_version
from app.errors import Conflict
from app.loyalty import program_changes
from app.loyalty.models import Program, RuleVersion
from app.loyalty.programs import default_program, program_rules, read_rules
from app.loyalty.wording import Offer, Terms
from app.money import to_decimal

_EARNING = {"actions", "referral"}
RUNNING, STOPPED, AHEAD, ENDED = "running", "stopped", "ahead", "ended"


def show(visit: Visit) -> View:
    """The program as it is now."""
    program = default_program(visit.session, visit.shop.id)
    versions = queries.versions(visit.session, program)
    values = {
        "program": program,
        "state": state_of(visit, program),
        "in_words": in_words(visit, program),
        "versions": [_version(visit, row) for row in versions],
        "newest": versions[0].version if versions else 0,
        "seen": seen(program),
    }
    return View("admin/program.html", values)


def state_of(visit: Visit, program: Program) -> str:
    """Whether the program earns now, and why not."""
    now = clock.now()
    if program.earns_from is not None and now < program.earns_from:
        return AHEAD
    if program.ends_at is not None and now >= program.ends_at:
        return ENDED
    rules = program_rules(visit.session, [visit.shop.id])[visit.shop.id].at(now)
    return RUNNING if rules is not None and (rules.earning or rules.actions) else STOPPED


def in_words(visit: Visit, program: Program) -> list[str]:
    """The rules of this moment, what points buy, and the terms."""
    live = program_rules(visit.session, [visit.shop.id])[visit.shop.id]
    rules = live.at(clock.now())
    said = (
        rules_in_words(rules, visit.shop.currency, live.zone) if rules else [_("Nothing earns points at the moment.")]
    )
    offers = [
        Offer(reward.title, reward.points, to_decimal(reward.value_minor, reward.currency), reward.currency)
        for reward in queries.offered(visit.session, program)
    ]
    return said + terms_in_words(Terms.of(program), offers, live.zone)


def _version(visit: Visit, row: RuleVersion) -> dict[str, Any]:
    rules = read_rules(row)
    return {
        "version": row.version,
        "since": row.in_force_from,
        "made": row.created_at,
        "ahead": row.in_force_from is not None and row.in_force_from > clock.now(),
        "in_words": rules_in_words(rules, visit.shop.currency, visit.zone),
    }


def seen(program: Program) -> str:
    """The terms as a form was made from them."""
    return repr([getattr(program, name) for name in ("name", "forgives_debts", "returns_spent", "return_days")])


def change_terms(visit: Visit) -> Done:
    """Name, debts, and what becomes of points when a reward is given back."""
    form = visit.form
    program = program_changes.locked_program(
        visit.session, visit.shop.id, default_program(visit.session, visit.shop.id).id
    )
    form.unchanged_since(seen(program))
    changes = {
        "name": form.text("name", needed=True, most=60),
        "forgives_debts": form.has("forgives_debts"),
        "returns_spent": form.has("returns_spent"),
        "return_days": form.whole("return_days", least=0, most=3_650),
    }
    form.check()
    program_changes.change_program(visit.session, visit.shop.id, program.id, changes, actor=visit.actor)
    return Done("/program", _("The terms are saved."))


def switch(visit: Visit) -> Done:
    """Stop earning from now on, or go on with the rules from before the stop; what was earned stays."""
    program = default_program(visit.session, visit.shop.id)
    newest = program_changes.newest_version(visit.session, program)
    visit.form.unchanged_since(str(newest.version if newest else 0))
    on = visit.form.choice("on", ("yes", "no")) == "yes"
    visit.form.check()
    rules = _rules_before_the_stop(visit, program) if on else _without_earning(visit, program)
    program_changes.add_version(visit.session, visit.shop.id, program.id, rules, None, actor=visit.actor)
    return Done("/program", _("The program earns again.") if on else _("The program has stopped."))


def _without_earning(visit: Visit, program: Program) -> dict[str, Any]:
    """Everything else stays, so that points that are there live on as before."""
    live = program_rules(visit.session, [visit.shop.id])[visit.shop.id].at(clock.now())
    rules = rule_version(visit.session, program, live.version).rules if live else {}
    return {**{name: value for name, value in rules.items() if name not in _EARNING}, "earning": []}


def _rules_before_the_stop(visit: Visit, program: Program) -> dict[str, Any]:
    row = queries.newest_that_earns(visit.session, program)
    if row is None:
        raise Conflict(_("There are no rules to go on with. Change the rules instead."))
    return dict(row.rules)
