"""Programs and their rule versions: looked at, changed, tried out on the past; the choice about history."""

from typing import Any

from app import clock
from app.api import pages, queries, values
from app.api.operation import Answer, Call
from app.api.words import instant, instant_or_none
from app.loyalty import history, program_changes, questions
from app.loyalty.answers import AS_POSTED
from app.loyalty.models import Program, RuleVersion
from app.loyalty.programs import program_rules, read_rules, zone_of
from app.loyalty.run_models import WhatIf
from app.loyalty.wording import Offer, Terms, in_words, terms_in_words
from app.money import to_decimal

_INSTANTS = ("earns_from", "ends_at")


def list_programs(call: Call) -> Answer:
    """GET /programs"""
    key = pages.after(call, pages.row_id)
    rows = queries.programs(call.session, call.shop.id, beyond=key[0] if key else None, limit=pages.limit_of(call) + 1)
    return pages.page(call, rows, lambda program: _program(call, program), lambda program: [program.id])


def get_program(call: Call) -> Answer:
    """GET /programs/{program_id}"""
    return Answer(200, _program(call, _wanted(call)))


def change_program(call: Call) -> Answer:
    """PATCH /programs/{program_id}"""
    changes: dict[str, Any] = dict(call.body)
    changes |= {name: values.instant(call.body, name) for name in _INSTANTS if name in changes}
    if "return_days" in changes:
        changes["return_days"] = int(changes["return_days"])
    program = program_changes.change_program(
        call.session, call.shop.id, values.path_id(call, "program_id"), changes, actor=call.actor
    )
    return Answer(200, _program(call, program))


def list_versions(call: Call) -> Answer:
    """GET /programs/{program_id}/versions"""
    program = _wanted(call)
    key = pages.after(call, pages.row_id)
    before = key[0] if key else None
    rows = queries.rule_versions(call.session, program, before=before, limit=pages.limit_of(call) + 1)
    return pages.page(call, rows, lambda row: _version(call, row), lambda row: [row.version])


def create_version(call: Call) -> Answer:
    """POST /programs/{program_id}/versions"""
    with values.complaints_by_place("rules", "rules"):
        version = program_changes.add_version(
            call.session,
            call.shop.id,
            values.path_id(call, "program_id"),
            call.body["rules"],
            values.instant(call.body, "in_force_from"),
            actor=call.actor,
        )
    return Answer(201, _version(call, version))


def create_preview(call: Call) -> Answer:
    """POST /programs/{program_id}/preview"""
    program = _wanted(call)
    with values.complaints_by_place("rules", "rules"):
        asked = questions.ask_about_rules(
            call.session,
            call.shop,
            program,
            call.body["rules"],
            values.needed_instant(call.body, "from"),
            values.needed_instant(call.body, "until"),
            call.body.get("counting", AS_POSTED),
        )
    return _preview(asked)


def get_preview(call: Call) -> Answer:
    """GET /programs/{program_id}/preview/{preview_id}"""
    program = _wanted(call)
    return _preview(questions.question(call.session, call.shop.id, program.id, values.path_id(call, "preview_id")))


def get_history(call: Call) -> Answer:
    """GET /programs/{program_id}/history"""
    program = _wanted(call)
    since = values.instant(call.query, "from", prefix="")
    return _history(program, questions.ask_about_history(call.session, call.shop, program, since))


def choose_history(call: Call) -> Answer:
    """POST /programs/{program_id}/history"""
    none = call.body["from"] == "none"
    since = None if none else values.instant(call.body, "from")
    program = history.choose(
        call.session, call.shop.id, values.path_id(call, "program_id"), since, none=none, actor=call.actor
    )
    return Answer(202, _program(call, program))


def _wanted(call: Call) -> Program:
    return queries.program(call.session, call.shop.id, values.path_id(call, "program_id"))


def _program(call: Call, program: Program) -> dict[str, Any]:
    live = program_rules(call.session, [call.shop.id])[call.shop.id]
    rules = live.at(clock.now())
    stored = queries.rule_version(call.session, program, rules.version) if rules else None
    offers = [
        Offer(reward.title, reward.points, to_decimal(reward.value_minor, reward.currency), reward.currency)
        for reward in queries.rewards_of(call.session, program)
    ]
    said = in_words(rules, call.shop.currency, live.zone) if rules else ["Nothing earns points at the moment."]
    return {
        "id": str(program.id),
        "name": program.name,
        "earns_from": instant_or_none(program.earns_from),
        "ends_at": instant_or_none(program.ends_at),
        "forgives_debts": program.forgives_debts,
        "returns_spent": program.returns_spent,
        "return_days": program.return_days,
        "history": {
            "chosen_at": instant_or_none(program.history_chosen_at),
            "from": instant_or_none(program.history_from),
        },
        "version": rules.version if rules else None,
        "rules": stored.rules if stored else None,
        "in_words": said + terms_in_words(Terms.of(program), offers, live.zone),
    }


def _version(call: Call, row: RuleVersion) -> dict[str, Any]:
    return {
        "version": row.version,
        "in_force_from": instant_or_none(row.in_force_from),
        "rules": row.rules,
        "in_words": in_words(read_rules(row), call.shop.currency, zone_of(call.shop.timezone)),
        "created_at": instant(row.created_at),
    }


def _preview(asked: WhatIf) -> Answer:
    shown = {"id": str(asked.id), "state": asked.state, "comparison": asked.answer}
    return Answer(200 if asked.state == "done" else 202, shown)


def _history(program: Program, asked: WhatIf) -> Answer:
    shown = {
        "chosen_at": instant_or_none(program.history_chosen_at),
        "chosen_from": instant_or_none(program.history_from),
        "state": asked.state,
        "worth": asked.answer,
    }
    return Answer(200 if asked.state == "done" else 202, shown)
