"""Two people with one form open: whoever saves later is told, at whatever moment, and keeps what was typed."""

import re
from threading import Barrier, Thread
from typing import Any

import pytest

from app.admin.pages import STATIC
from tests.admin.opened import words
from tests.admin.world import Admin, seen

POPUP = {
    "name": "Exit", "accent": "#1d5b4f", "teaser": "1", "title.en": "Before you go", "body.en": "Ten per cent off.",
    "consent.en": "I agree to offers by e-mail.", "exit": "1", "days": "14", "times": "3", "offer": "Welcome",
    "kind": "percent_off", "value": "10",
}  # fmt: skip
# Address of the form, the page it stands on, what is typed, and the field in which two people differ.
FORMS: dict[str, tuple[str, dict[str, Any], str]] = {
    "/settings/brand": ("/settings", {"languages": "en"}, "colour"),
    "/program/terms": ("/program", {"return_days": "7"}, "name"),
    "/rewards/1": ("/rewards/1", {"points": "100", "active": "1"}, "title"),
    "/popups/1": ("/popups/1", POPUP, "name"),
    "/segments/1": ("/segments/1/edit", {"query": "number_of_orders >= 3"}, "name"),
}
VALUES = {"colour": ("#111111", "#222222"), "name": ("First", "Second"), "title": ("First", "Second")}


@pytest.fixture
def shop(admin: Admin) -> Admin:
    """With one of everything that two people may edit."""
    assert admin.post("/popups", key="p", **POPUP).status_code == 204
    assert admin.post("/segments", key="s", name="Regular", query="number_of_orders >= 2").status_code == 204
    return admin


@pytest.mark.parametrize("action", FORMS)
def test_of_two_who_save_at_one_moment_one_is_told(shop: Admin, action: str) -> None:
    page, form, field = FORMS[action]
    before = seen(shop.get(page), action)
    start, answers = Barrier(2), dict[str, Any]()

    def save(value: str) -> None:
        start.wait()
        sent = {**form, field: value, "seen": before}
        answers[value] = shop.client.application.test_client().post(
            action, data={"key": value, **sent}, headers=shop.headers()
        )

    people = [Thread(target=save, args=(value,)) for value in VALUES[field]]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(answer.status_code for answer in answers.values()) == [204, 422]
    ((typed, late),) = [(value, answer) for value, answer in answers.items() if answer.status_code == 422]
    assert "Somebody else changed this in the meantime" in words(late)
    assert f'value="{typed}"' in late.text
    (kept,) = set(VALUES[field]) - {typed}
    assert f'value="{kept}"' in shop.get(page).text


def test_every_form_that_knows_what_it_was_made_from_is_held_to_it() -> None:
    """Those of rules are tried in test_program; two forms have an address that is worked out."""
    templates = sorted((STATIC.parent / "templates" / "admin").glob("*.html"))
    lines = [line for path in templates for line in path.read_text("utf-8").splitlines()]
    found = {
        match[1].replace("%s", "1")
        for line in lines
        if "seen=" in line and (match := re.search(r'm\.form\((?:"([^"]+)"|address)', line))
        if match[1]
    }
    assert found == {"/settings/brand", "/program/terms", "/rewards/1", "/program/preview", "/program/preview/1"}
    assert found - {"/program/preview", "/program/preview/1"} <= set(FORMS)
