"""The program in the admin: said in words from its rules, changed after a look at who wins, stopped by one switch."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.loyalty.models import RuleVersion
from app.loyalty.run_models import WhatIf
from tests.admin.opened import words
from tests.admin.world import Admin, member, order, seen

FORM = {"unit_points": "2", "unit_per": "1", "expiry": "never", "days": "730"}


def rules(admin: Admin) -> list[dict[str, Any]]:
    """All versions, oldest first."""
    with admin.runtime.database.shop(admin.shop_id) as session:
        return list(session.scalars(select(RuleVersion.rules).order_by(RuleVersion.version)))


def asked(admin: Admin, **form: str) -> str:
    """Ask what a draft would have given; returns the address of its preview."""
    answer = admin.post("/program/preview", key=str(form), **{"seen": "1", **FORM, **form})
    assert answer.status_code == 204, words(answer)
    found = re.search(r'"path":"([^"]+)"', answer.headers["HX-Location"])
    assert found
    return found[1]


@pytest.mark.requirement(132)
def test_the_page_says_what_the_rules_do_and_nothing_else(admin: Admin) -> None:
    shown = admin.shown("/program")
    assert "1 point for each whole EUR of all goods." in shown
    assert "100 points buy “5 EUR off”: 5 EUR off an order." in shown
    assert "Points do not expire." in shown
    assert "Version 1: since the beginning" in shown


def test_a_draft_is_tried_on_the_past_before_it_is_in_force(admin: Admin) -> None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        account = member(session, admin.shop_id, 7001, first="Ada")
        order(session, admin.shop_id, account, 1001, 12_00)
    address = asked(admin)
    shown = admin.shown(address)
    assert "What is new 2 points for each whole EUR of all goods." in shown
    assert "No longer 1 point for each whole EUR of all goods." in shown
    assert "Points under the new rules 24 worth 1.20 EUR" in shown
    assert "Points under the present rules 12" in shown
    assert "Ada 12 24 12" in shown
    assert len(rules(admin)) == 1
    answer = admin.post(address.partition("?")[0], key="force", seen="1", when="now")
    assert answer.status_code == 204
    assert rules(admin)[1] == {"earning": [{"kind": "per_unit", "points": 2}]}
    assert "2 points for each whole EUR" in admin.shown("/program")


def test_a_draft_made_beside_another_change_is_not_put_in_force(admin: Admin) -> None:
    one, other = asked(admin), asked(admin, unit_points="3")
    assert admin.post(one.partition("?")[0], key="a", seen="1", when="now").status_code == 204
    answer = admin.post(other.partition("?")[0], key="b", seen="1", when="now")
    assert answer.status_code == 422
    assert "Somebody else changed this in the meantime." in words(answer)
    assert len(rules(admin)) == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"unit_points": "many"}, "A whole number is needed."),
        ({"unit_per": "0,5,5"}, "An amount such as 12.50 is needed."),
        ({"expiry": "after", "expiry_months": ""}, "Give either months or days."),
        ({"as": "rules", "rules": '{"earning": ['}, "Line 1, column"),
        ({"as": "rules", "rules": '{"earning": [{"kind": "per_mile"}]}'}, "earning[0].kind must be one of"),
        ({"days": "3"}, "Choose one of these."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_asks_nothing(admin: Admin, typed: dict[str, str], said: str) -> None:
    answer = admin.post("/program/preview", seen="1", **{**FORM, **typed})
    assert answer.status_code == 422
    assert said in words(answer)
    with admin.runtime.database.shop(admin.shop_id) as session:
        assert session.scalars(select(WhatIf)).all() == []


def test_the_switch_stops_earning_and_goes_on_with_the_rules_of_before(admin: Admin) -> None:
    first = rules(admin)
    assert admin.post("/program/switch", key="1", on="no", seen="1").status_code == 204
    shown = admin.shown("/program")
    assert "In plain words Stopped" in shown
    assert "Orders earn no points." in shown
    assert rules(admin)[1] == {"earning": []}
    assert admin.post("/program/switch", key="2", on="yes", seen="2").status_code == 204
    assert rules(admin)[2] == first[0]
    with admin.runtime.database.shop(admin.shop_id) as session:
        audit = session.scalars(select(AuditEntry).where(AuditEntry.what == "version.added")).all()
    assert [(entry.actor, entry.after and entry.after["version"]) for entry in audit] == [
        ("staff:81", 2),
        ("staff:81", 3),
    ]


def test_terms_are_saved_unless_somebody_else_was_quicker(admin: Admin) -> None:
    before = seen(admin.get("/program"), "/program/terms")
    wish = {"name": "Leaves", "return_days": "7", "forgives_debts": "1"}
    assert admin.post("/program/terms", key="1", seen=before, **wish).status_code == 204
    shown = admin.shown("/program")
    assert "Who has spent points that are taken back later owes nothing." in shown
    answer = admin.post("/program/terms", key="2", seen=before, **{**wish, "name": "Roots"})
    assert answer.status_code == 422
    assert 'value="Roots"' in answer.text
    with admin.runtime.database.shop(admin.shop_id) as session:
        assert admin.program(session).name == "Leaves"


def test_imported_orders_wait_for_the_merchants_choice_with_their_worth_in_sight(admin: Admin) -> None:
    with admin.runtime.database.shop(admin.shop_id) as session:
        account = member(session, admin.shop_id, 7001, first="Ada")
        order(session, admin.shop_id, account, 1001, 12_00, imported=True)
    assert "Orders that were imported earn nothing before you have chosen." in admin.shown("/program")
    assert "Points 12 worth 0.60 EUR Members 1 Orders 1" in admin.shown("/program/past")
    assert "No imported orders would earn" in admin.shown("/program/past", **{"from": "2026-04-01"})
    refused = admin.post("/program/past", key="1", what="day")
    assert refused.status_code == 422
    assert "This is needed." in words(refused)
    assert admin.post("/program/past", key="2", what="all").status_code == 204
    assert "You chose on" in admin.shown("/program")
