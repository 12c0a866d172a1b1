"""The control plane and the command line, over real HTTP against a served store."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from dev_store.__main__ import main
from dev_store.config import ConfigError
from dev_store.server import serving
from dev_store.web import create_app
from tests.dev_store.scene import SHOP, MakeConfig

Ask = Callable[..., Any]
LINE = {"title": "Mug", "quantity": 2, "price": "12.50"}


@pytest.fixture
def url(make_config: MakeConfig) -> Iterator[str]:
    """A store that serves on a free port, with one shop."""
    with serving(create_app(make_config(port=0))) as url:
        requests.post(f"{url}/_dev/shops", json={"domain": SHOP, "currency": "GBP"}, timeout=5).raise_for_status()
        yield url


@pytest.fixture
def ask(url: str) -> Ask:
    """`ask("verb", **arguments)` gives (status, answer)."""

    def post(verb: str, **body: Any) -> tuple[int, Any]:
        answer = requests.post(f"{url}/_dev/shops/{SHOP}/{verb}", json=body, timeout=5)
        return answer.status_code, answer.json()

    return post


def test_a_verb_is_done_at_the_instant_it_names(url: str, ask: Ask) -> None:
    _, customer = ask("create_customer", email="ann@example.com", at="2026-01-02T03:04:05Z")
    status, order = ask("place_order", customer_id=customer["result"], lines=[LINE], at="2026-02-01T00:00:00+01:00")
    assert status == 200
    [document] = requests.get(f"{url}/_dev/shops/{SHOP}/orders", timeout=5).json()["data"]
    assert (document["id"], document["total_price"], document["currency"]) == (order["result"], "25.00", "GBP")
    assert document["created_at"] == "2026-01-31T18:00:00-05:00"


def test_a_line_is_refunded_by_its_id(url: str, ask: Ask) -> None:
    _, order = ask("place_order", lines=[LINE])
    [document] = requests.get(f"{url}/_dev/shops/{SHOP}/orders", timeout=5).json()["data"]
    status, _ = ask("refund", id=order["result"], lines={document["line_items"][0]["id"]: 1})
    assert status == 200
    assert requests.get(f"{url}/_dev/shops/{SHOP}/figures", timeout=5).json()["money"]["refunded"] == "12.50"


def test_a_batch_answers_for_each_verb_and_a_refused_one_leaves_the_others(ask: Ask) -> None:
    verbs = [
        {"verb": "place_order", "lines": [LINE]},
        {"verb": "place_order", "lines": [LINE], "discount_codes": ["NOPE"]},
        {"verb": "explode"},
        {"verb": "place_order", "lines": [LINE], "at": "soon"},
        {"verb": "place_order", "lines": [LINE]},
    ]
    status, answer = ask("batch", verbs=verbs)
    assert status == 200
    assert ["result" in one for one in answer["results"]] == [True, False, False, False, True]
    assert answer["results"][1]["reason"] == "not_found"


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("place_order", {}, 400),
        ("place_order", {"lines": [{"title": "Mug"}]}, 400),
        ("place_order", {"lines": [LINE], "at": "yesterday"}, 400),
        ("place_order", {"lines": [{**LINE, "price": "12.505"}]}, 400),
        ("place_order", {"lines": [], "email": "a@b.example"}, 422),
        ("refund", {"id": 1, "amount": "1.00"}, 404),
        ("shop_document", {}, 404),
        ("_emit", {}, 404),
    ],
)
def test_nonsense_is_answered_with_a_reason(ask: Ask, verb: str, body: dict[str, Any], status: int) -> None:
    found, answer = ask(verb, **body)
    assert found == status
    assert answer["error"]


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"\xff"])
def test_a_body_that_is_no_object_is_refused(url: str, raw: bytes) -> None:
    assert requests.post(f"{url}/_dev/shops/{SHOP}/place_order", data=raw, timeout=5).status_code == 400


def test_an_unknown_shop_is_not_found(url: str) -> None:
    assert requests.get(f"{url}/_dev/shops/other.myshopify.com/figures", timeout=5).status_code == 404


def test_documents_come_in_pages(url: str, ask: Ask) -> None:
    ids = [ask("place_order", lines=[LINE])[1]["result"] for _ in range(3)]
    first = requests.get(f"{url}/_dev/shops/{SHOP}/orders?limit=2", timeout=5).json()
    second = requests.get(f"{url}/_dev/shops/{SHOP}/orders?limit=2&after={first['next']}", timeout=5).json()
    assert [document["id"] for document in first["data"] + second["data"]] == ids


def test_figures_count_orders_by_state(url: str, ask: Ask) -> None:
    paid = ask("place_order", lines=[LINE])[1]["result"]
    ask("place_order", lines=[LINE], financial_status="pending", test=True)
    ask("refund", id=paid, amount="1.00")
    figures = requests.get(f"{url}/_dev/shops/{SHOP}/figures", timeout=5).json()
    assert figures["orders"]["by_financial_status"] == {"partially_refunded": 1, "pending": 1}
    assert (figures["orders"]["all"], figures["orders"]["test"], figures["orders"]["guest"]) == (2, 1, 2)


def test_switches_and_clock_are_read_and_changed(url: str) -> None:
    changed = requests.put(f"{url}/_dev/delivery", json={"drop": 0.25}, timeout=5).json()
    assert (changed["drop"], changed["double"]) == (0.25, 0.0)
    assert requests.put(f"{url}/_dev/delivery", json={"drop": 7}, timeout=5).status_code == 400
    there = requests.put(f"{url}/_dev/clock", json={"now": "2025-01-01T00:00:00Z"}, timeout=5).json()
    assert there["now"].startswith("2025-01-01T00:00:0")
    assert requests.get(f"{url}/_dev/clock", timeout=5).json()["offset_seconds"] < 0


def test_the_store_answers_to_this_machine_only(url: str, make_config: MakeConfig) -> None:
    assert requests.get(f"{url}/_dev/", headers={"Host": "evil.example"}, timeout=5).status_code == 403
    with pytest.raises(ConfigError, match="this machine only"):
        make_config(host="0.0.0.0")  # noqa: S104 (what must be refused)


def test_the_command_line_asks_a_running_store(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PERENNIAL_DEV_STORE", url)
    shop = ["--shop", SHOP]
    assert main(["customer", *shop, "--email", "ann@example.com"]) == 0
    customer = json.loads(capsys.readouterr().out)["result"]
    assert main(["discount", *shop, "--code", "FIVE", "--amount", "5.00"]) == 0
    capsys.readouterr()
    order = ["order", *shop, "--customer", str(customer), "--line", "Blue: mug:2:12.50", "--code", "five"]
    assert main(order) == 0
    placed = json.loads(capsys.readouterr().out)["result"]
    assert main(["refund", *shop, "--order", str(placed), "--amount", "3.00"]) == 0
    assert main(["cancel", *shop, "--order", str(placed)]) == 0
    assert main(["cancel", *shop, "--order", str(placed)]) == 1
    assert "cancelled already" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["Mug", "Mug:2", "Mug:two:1.00"])
def test_a_line_that_cannot_be_read_is_explained(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["order", "--shop", SHOP, "--line", line])
    assert "--line" in capsys.readouterr().err


def test_orders_placed_at_the_same_time_do_not_disturb_each_other(url: str, ask: Ask) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: ask("place_order", lines=[LINE]), range(40)))
    assert {status for status, _ in done} == {200}
    documents = requests.get(f"{url}/_dev/shops/{SHOP}/orders?limit=250", timeout=5).json()["data"]
    assert sorted(document["order_number"] for document in documents) == list(range(1001, 1041))


def test_the_store_does_not_start_without_the_apps_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SHOPIFY_API_SECRET", raising=False)
    assert main(["serve", "--home", str(tmp_path)]) == 2
    assert "SHOPIFY_API_SECRET" in capsys.readouterr().err
