"""Forms: nothing that was typed is lost, nothing happens twice, nobody overwrites what somebody else has just saved."""

import json
import re
from threading import Barrier, Thread

import pytest
from sqlalchemy import text

from app.admin.forms import Form, Refused
from app.api import keys
from app.runtime import Runtime
from app.shops.models import Shop
from tests.admin.opened import Staff, words


def names(runtime: Runtime, shop: Shop) -> list[str]:
    with runtime.database.shop(shop.id) as session:
        return [key.name for key in keys.list_keys(session, shop.id)]


def test_a_form_sent_twice_has_one_effect_and_one_answer(clerk: Staff, runtime: Runtime, connected: Shop) -> None:
    first = clerk.send("/settings/brand", {"colour": "#123456", "languages": "de", "seen": "[null, []]"}, key="a")
    again = clerk.send("/settings/brand", {"colour": "#123456", "languages": "de", "seen": "[null, []]"}, key="a")
    assert (first.status_code, again.status_code) == (204, 204)
    assert first.headers["HX-Location"] == again.headers["HX-Location"]
    assert json.loads(first.headers["HX-Trigger"])["perennial:said"]["text"] == "Your brand is saved"
    with runtime.database.shop(connected.id) as session:
        changes = session.scalar(text("select count(*) from audit_log where what = 'brand.changed'"))
    assert changes == 1


def test_two_clicks_at_one_time_make_one_key(clerk: Staff, runtime: Runtime, connected: Shop) -> None:
    start, statuses = Barrier(2), list[int]()

    def click() -> None:
        start.wait()
        statuses.append(clerk.send("/settings/keys", {"name": "Till"}, key="b").status_code)

    clicks = [Thread(target=click) for _ in range(2)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert names(runtime, connected) == ["Till"]
    assert 200 in statuses


def test_a_secret_is_shown_once_and_kept_nowhere(clerk: Staff, runtime: Runtime, connected: Shop) -> None:
    made = clerk.send("/settings/keys", {"name": "Till"}, key="c")
    found = re.search(r"prk_[\w-]+", made.text)
    assert found is not None
    assert made.headers["HX-Push-Url"] == "false"
    again = clerk.send("/settings/keys", {"name": "Till"}, key="c")
    assert (again.status_code, again.text) == (204, "")
    with runtime.database.system() as session:
        kept = session.scalar(text("select string_agg(body, '') from idempotent_requests"))
    assert found.group() not in (kept or "")


def test_what_was_typed_stays_and_says_what_is_wrong(clerk: Staff, runtime: Runtime, connected: Shop) -> None:
    answer = clerk.send("/settings/keys", {"name": "x" * 70})
    assert answer.status_code == 422
    assert answer.headers["HX-Push-Url"] == "false"
    assert "x" * 70 in answer.text
    assert "At most 60 characters." in words(answer)
    assert 'aria-invalid="true"' in answer.text
    assert names(runtime, connected) == []


def test_a_form_that_was_corrected_is_taken(clerk: Staff, runtime: Runtime, connected: Shop) -> None:
    refused = clerk.send("/settings/keys", {"name": ""})
    key = re.search(r'action="/settings/keys".*?name="key" value="([^"]+)"', refused.text, re.DOTALL)
    assert key is not None
    assert clerk.send("/settings/keys", {"name": "Till"}, key=key.group(1)).status_code == 200
    assert names(runtime, connected) == ["Till"]


def test_a_form_of_before_sent_again_with_other_values_is_not_taken_for_the_first(clerk: Staff) -> None:
    """Back after saving, another value, save: the page says so, with what was typed."""
    clerk.send("/settings/keys", {"name": "Till"}, key="d")
    answer = clerk.send("/settings/keys", {"name": "Scale"}, key="d")
    assert answer.status_code == 422
    assert "This form was saved before with other values" in words(answer)
    assert 'value="Scale"' in answer.text


def test_a_form_without_a_key_changes_nothing(clerk: Staff, runtime: Runtime, connected: Shop) -> None:
    answer = clerk.app.post("/settings/keys", data={"name": "Till"}, headers=clerk.headers)
    assert answer.status_code == 422
    assert names(runtime, connected) == []


def test_two_editors_do_not_overwrite_each_other(clerk: Staff, runtime: Runtime, connected: Shop) -> None:
    seen = {"seen": "[null, []]"}
    assert clerk.send("/settings/brand", {"colour": "#111111", **seen}).status_code == 204
    late = clerk.send("/settings/brand", {"colour": "#222222", **seen})
    assert late.status_code == 422
    assert "Somebody else changed this in the meantime" in words(late)
    assert 'value="#222222"' in late.text
    with runtime.database.shop(connected.id) as session:
        assert session.scalar(text("select colour from shop_profiles")) == "#111111"


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [("12.50", "EUR", 1250), ("12,5", "EUR", 1250), (" 1 200 ", "JPY", 1200), ("1.234", "KWD", 1234)],
)
def test_amounts_are_read_as_they_are_written(typed: str, currency: str, minor: int) -> None:
    form = Form({"x": [typed]})
    assert (form.amount("x", currency), form.wrong) == (minor, {})


@pytest.mark.parametrize("typed", ["", "1,234", "1e9999", "NaN", "-1", "twelve", "1.2.3"])
def test_what_is_no_amount_is_a_complaint(typed: str) -> None:
    form = Form({"x": [typed]})
    form.amount("x", "EUR")
    assert list(form.wrong) == ["x"]
    with pytest.raises(Refused):
        form.check()


@pytest.mark.parametrize("typed", ["", "1.5", "٣", "9" * 30, "-1", "one"])
def test_what_is_no_whole_number_is_a_complaint(typed: str) -> None:
    form = Form({"x": [typed]})
    form.whole("x")
    assert list(form.wrong) == ["x"]
