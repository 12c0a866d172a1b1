"""The benchmark of the admin: it looks at every page that reads more than a row, and its report says what is wrong.

Its world takes a minute to be made even small, so the run itself is a soak.
"""

import json
import random
import re

import pytest

from app.admin.table import PAGES as ALL
from benchmarks import admin
from benchmarks.admin import Measured

# Forms and answers of one row, files, and steps that only a new shop sees.
_NOT_MEASURED = {
    "/setup", "/setup/program", "/setup/numbers", "/setup/look", "/setup/preview", "/members.csv", "/program/past",
    "/program/preview/<int:question_id>", "/rewards/<int:reward_id>", "/popups/new", "/segments/new",
    "/segments/<int:segment_id>/edit", "/activity/webhooks/<int:event_id>", "/activity/imports", "/settings",
    "/settings/export", "/settings/requests/<int:request_id>.json",
}  # fmt: skip


def test_every_page_is_measured_or_named_as_one_that_reads_no_list() -> None:
    dice = random.Random(1)
    asked = {re.sub(r"/\d+", "/<n>", address(dice, 100).partition("?")[0]) for address in admin.PAGES.values()}
    rules = {re.sub(r"<int:\w+>", "<n>", page.path) for page in ALL if page.path not in _NOT_MEASURED}
    assert asked == rules
    assert {page.path for page in ALL} >= _NOT_MEASURED


def test_a_table_that_is_read_whole_and_a_slow_page_are_missed(capsys: pytest.CaptureFixture[str]) -> None:
    found = Measured(
        times={admin.NOTHING: [1.0], "home": [20.0], "members": [300.0]},
        statements={"home": {11}, "members": {7, 8}},
        whole={"members: orders"},
    )
    assert admin.report(found, 10, 50, browser=False) == 1
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["figures"]["slowest_page"] == "members"
    assert told["figures"]["which_tables"] == "members: orders"
    assert told["figures"]["statements_that_differ"] == 1
    assert told["figures"]["files_not_counted"] == 0
    assert told["ok"] is False


def test_one_press_in_fifty_may_be_slower_than_the_one_that_counts() -> None:
    assert admin.inp([]) == 0.0
    assert admin.inp([90.0] * 48 + [400.0]) == 400.0
    assert admin.inp([90.0] * 49 + [400.0]) == 90.0


@pytest.mark.soak
def test_the_whole_of_it_runs_small() -> None:
    assert admin.run(60, 120, 1, browser=False) in (0, 1)
