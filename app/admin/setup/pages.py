"""The set-up as pages: goal, program, numbers, look, preview; one form each, any of them to come back to."""

from collections.abc import Mapping
from typing import Any

from app import clock
from app.admin.program.saying import say
from app.admin.setup import proposals, service
from app.admin.texts import LANGUAGES
from app.admin.texts import gettext as _
from app.admin.texts import lazy_gettext as _l
from app.admin.visit import Done, View, Visit
from app.loyalty.programs import default_program
from app.loyalty.rules import parse
from app.loyalty.wording import sentences
from app.storefront import dirty

STEPS = (
    ("/setup", _l("Goal")),
    ("/setup/program", _l("Program")),
    ("/setup/numbers", _l("Numbers")),
    ("/setup/look", _l("Look")),
    ("/setup/preview", _l("Preview and launch")),
)
_COLOUR_DIGITS = set("0123456789abcdefABCDEF")


def goal(visit: Visit) -> View:
    """What for, what kind of shop, how large."""
    return _step(
        visit, "goal", goals=proposals.GOALS, businesses=proposals.BUSINESSES, sizes=proposals.SIZES, at="/setup"
    )


def save_goal(visit: Visit) -> Done:
    """Keep it, propose a program, and let nothing be posted before the launch."""
    form = visit.form
    answers: dict[str, Any] = {
        "goal": form.choice("goal", proposals.GOALS),
        "business": form.choice("business", proposals.BUSINESSES),
        "size": form.choice("size", proposals.SIZES),
    }
    form.check()
    if answers["goal"] != _setup(visit).get("goal"):
        answers["template"] = proposals.proposed(answers["goal"])
        answers["numbers"] = vars(_first_numbers(visit, answers["template"], answers))
    service.keep(visit.session, visit.shop.id, answers)
    service.put_off(visit.session, visit.shop, visit.actor)
    return Done("/setup/program", _("Kept"))


def program(visit: Visit) -> View:
    """Which kind of program; the one that suits the goal is chosen already."""
    setup = _setup(visit)
    suits = proposals.proposed(setup.get("goal", ""))
    return _step(visit, "program", templates=proposals.TEMPLATES, suits=suits, at="/setup/program")


def save_program(visit: Visit) -> Done:
    """Keep it; another kind begins with its own numbers."""
    template = visit.form.choice("template", proposals.TEMPLATES)
    visit.form.check()
    setup = _setup(visit)
    answers: dict[str, Any] = {"template": template}
    if template != setup.get("template") or "numbers" not in setup:
        answers["numbers"] = vars(_first_numbers(visit, template, setup))
    service.keep(visit.session, visit.shop.id, answers)
    return Done("/setup/numbers", _("Kept"))


def numbers(visit: Visit) -> View:
    """How many points, what they buy, how long they live."""
    setup = _setup(visit)
    template = setup.get("template", proposals.proposed(setup.get("goal", "")))
    chosen = _numbers(visit, setup, template)
    return _step(visit, "numbers", template=proposals.TEMPLATES[template], numbers=chosen, at="/setup/numbers")


def save_numbers(visit: Visit) -> Done:
    """Keep them."""
    form, currency = visit.form, visit.shop.currency
    setup = _setup(visit)
    template = setup.get("template", proposals.proposed(setup.get("goal", "")))
    first = _numbers(visit, setup, template)
    has_bonus = proposals.TEMPLATES[template].bonus is not None
    chosen = proposals.Numbers(
        points=form.whole("points", least=1, most=1_000),
        bonus=form.whole("bonus", least=1, most=1_000_000) if has_bonus else first.bonus,
        minimum=form.amount("minimum", currency, least=1) if template == "larger" else first.minimum,
        reward_points=form.whole("reward_points", least=1, most=10_000_000),
        reward_minor=form.amount("reward_value", currency, least=1),
        waiting_days=form.whole("waiting_days", most=365),
        expiry_months=form.whole("expiry_months", most=120),
    )
    form.check()
    service.keep(visit.session, visit.shop.id, {"template": template, "numbers": vars(chosen)})
    return Done("/setup/look", _("Kept"))


def look(visit: Visit) -> View:
    """How the program is called, its colour, its languages."""
    profile = service.profile(visit.session, visit.shop.id)
    name = profile.setup.get("name") or default_program(visit.session, visit.shop.id).name
    return _step(
        visit, "look", name=name, colour=colour_of(visit), spoken=profile.languages or ["en"], at="/setup/look"
    )


def save_look(visit: Visit) -> Done:
    """Keep it, and work out what the last year would have cost."""
    form = visit.form
    name = form.text("name", needed=True, most=60)
    colour = read_colour(visit)
    spoken = form.choices("languages", LANGUAGES)
    form.check()
    row = service.keep(visit.session, visit.shop.id, {"name": name})
    row.colour, row.languages = colour, spoken
    dirty.note_shop(visit.session, visit.shop.id)
    if "numbers" in row.setup:
        _ask(visit, row.setup)
    return Done("/setup/preview", _("Kept"))


def preview(visit: Visit) -> View:
    """The rules in plain words, what they would have cost, and the launch."""
    setup = _setup(visit)
    if "numbers" not in setup:
        return goal(visit)
    chosen = proposals.Numbers.of(setup["numbers"])
    rules = parse(proposals.rules(setup["template"], chosen, visit.shop.currency))
    asked = service.worked_out(visit.session, visit.shop, setup)
    return _step(
        visit,
        "preview",
        # The last sentence says since when the rules hold; these do not yet.
        rules=[say(one) for one in list(sentences(rules, visit.shop.currency, visit.zone))[:-1]],
        numbers=chosen,
        asked=asked,
        worth=_worth(asked.answer, chosen, setup) if asked and asked.answer else None,
        waiting=service.is_waiting(default_program(visit.session, visit.shop.id)),
        at="/setup/preview",
    )


def work_out(visit: Visit) -> Done:
    """Ask once more: orders have come in since."""
    _ask(visit, _setup(visit))
    return Done("/setup/preview", _("Worked out again"))


def launch(visit: Visit) -> Done:
    """From now on orders earn points by these rules."""
    service.launch(visit.session, visit.shop, visit.actor)
    return Done("/", _("Your program is live"))


def colour_of(visit: Visit) -> str:
    """The accent colour, #rrggbb."""
    return service.profile(visit.session, visit.shop.id).colour or "#1f6fd1"


def read_colour(visit: Visit) -> str:
    """The colour of a form; complains about anything that is not one."""
    colour = visit.form.text("colour").lower()
    if len(colour) != 7 or colour[0] != "#" or not set(colour[1:]) <= _COLOUR_DIGITS:
        visit.form.complain("colour", _("A colour such as #1f6fd1 is needed."))
    return colour


def _ask(visit: Visit, setup: Mapping[str, Any]) -> None:
    asked = service.work_out(visit.session, visit.shop, setup)
    total = service.sales(visit.session, visit.shop.id, clock.now() - service.LOOKED_BACK)
    service.keep(visit.session, visit.shop.id, {"question": asked.id, "sales": total})


def _worth(answer: Mapping[str, Any], chosen: proposals.Numbers, setup: Mapping[str, Any]) -> dict[str, Any]:
    """What all points would cost, if every one of them were spent; as a share of sales where those are known."""
    draft = answer["draft"]
    cost = draft["points"] * chosen.reward_minor // chosen.reward_points
    total = setup.get("sales")
    return {
        "points": draft["points"],
        "members": draft["accounts"],
        "orders": answer["orders"],
        "cost": cost,
        "share": cost / total if total else None,
    }


def _first_numbers(visit: Visit, template: str, answers: Mapping[str, Any]) -> proposals.Numbers:
    return proposals.numbers(template, answers.get("business", ""), answers.get("size", ""), visit.shop.currency)


def _numbers(visit: Visit, setup: Mapping[str, Any], template: str) -> proposals.Numbers:
    return proposals.Numbers.of(setup["numbers"]) if "numbers" in setup else _first_numbers(visit, template, setup)


def _setup(visit: Visit) -> dict[str, Any]:
    return dict(service.profile(visit.session, visit.shop.id).setup)


def _step(visit: Visit, template_name: str, *, at: str, **values: Any) -> View:
    values |= {"setup": _setup(visit), "steps": STEPS, "at": at}
    return View(f"admin/setup/{template_name}.html", values)
