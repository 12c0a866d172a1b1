"""`make contract` agrees where our server does what was recorded, tells where not, and what it cannot ask."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.__main__ import main
from tests.contract.recordings import load
from tests.contract.replay import Replay, Tally

CUSTOMER = "gid://shopify/Customer/9522206933298"
CONSENT = {"marketingState": "SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN"}
CREATE = """mutation ($input: CustomerInput!) {
  customerCreate(input: $input) { customer { id email } userErrors { field message } } }"""


def replayed(folder: Path, recording: dict[str, Any]) -> Tally:
    (folder / "recording.json").write_text(json.dumps(recording))
    [one] = load(folder)
    return Replay(one).run()


def created(email: str) -> dict[str, Any]:
    answer = {"customerCreate": {"customer": {"id": CUSTOMER, "email": email}, "userErrors": []}}
    return {
        "query": CREATE,
        "variables": {"input": {"email": "ann@example.com"}},
        "response": {"status": 200, "payload": {"data": answer}},
    }


def test_recorded_ids_are_followed_from_step_to_step(tmp_path: Path) -> None:
    shown = {"customer": {"id": CUSTOMER, "tags": []}}
    read = {"query": "query ($id: ID!) { customer(id: $id) { id tags } }", "variables": {"id": CUSTOMER}}
    tally = replayed(tmp_path, {"create": created("ann@example.com"), "read": {**read, "response": {"data": shown}}})
    assert (tally.asked, tally.agreed, tally.not_asked) == (2, 2, {})


def test_a_different_message_is_a_difference_with_its_path(tmp_path: Path) -> None:
    recording = created("ann@example.com")
    payload = recording["response"]["payload"]["data"]["customerCreate"]
    payload["userErrors"] = [{"field": ["email"], "message": "Something else"}]
    tally = replayed(tmp_path, {"create": recording})
    assert (tally.asked, tally.agreed) == (1, 0)
    assert "userErrors" in str(tally.disagreed["create"][0])


def test_without_a_query_the_answer_says_what_was_asked(tmp_path: Path) -> None:
    payload = {"customer": {"id": CUSTOMER, "defaultEmailAddress": CONSENT}, "userErrors": []}
    recording = {
        "precondition": {"response": {"data": {"customerCreate": {"customer": {"id": CUSTOMER, "email": "a@x.org"}}}}},
        "mutation": {
            "variables": {"input": {"customerId": CUSTOMER, "emailMarketingConsent": CONSENT}},
            "response": {"data": {"customerEmailMarketingConsentUpdate": payload}},
        },
    }
    tally = replayed(tmp_path, recording)
    assert (tally.asked, tally.agreed) == (1, 1)
    assert list(tally.not_asked) == ["precondition"]


def test_what_is_not_served_is_listed_and_not_counted(tmp_path: Path) -> None:
    query = "mutation ($name: String!) { segmentCreate(name: $name, query: $name) { segment { id } } }"
    step = {"query": query, "variables": {"name": "x"}, "response": {"data": {"segmentCreate": {"segment": None}}}}
    tally = replayed(tmp_path, {"step": step})
    assert tally.asked == 0
    assert tally.not_asked == {"step": "not implemented in the dev store: Mutation.segmentCreate"}


def test_no_folder_and_an_empty_folder_fail_with_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "RECORDINGS" in capsys.readouterr().err
    assert main([str(tmp_path)]) == 2
    assert "no recording" in capsys.readouterr().err


def test_the_exit_code_tells_whether_all_agrees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.json").write_text(json.dumps({"create": created("ann@example.com")}))
    assert main([str(tmp_path)]) == 0
    (tmp_path / "two.json").write_text(json.dumps({"create": created("somebody@else.com")}))
    assert main([str(tmp_path)]) == 1
    assert "Shopify 'somebody@else.com', here 'ann@example.com'" in capsys.readouterr().out
