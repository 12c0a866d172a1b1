"""The kept world of the ledger's benchmarks is one that verification agrees with, and is made once."""

import json
import shutil
from collections.abc import Iterator

import pytest

from app.customers.queries import account_of_customer
from benchmarks import ledger_verify
from benchmarks.ledger_world import LOTS, STEPS, customer_id, world
from benchmarks.world import HOMES

ACCOUNTS = 61


@pytest.fixture(scope="module")
def _no_traces() -> Iterator[None]:
    yield
    shutil.rmtree(HOMES / f"ledger-{ACCOUNTS}")


@pytest.mark.usefixtures("_no_traces")
def test_a_world_is_made_once_agrees_and_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ledger_verify.parse(["--accounts", str(ACCOUNTS)])
    with world(ACCOUNTS) as made:
        ledger_verify.run(made, sizes)
        (shop,) = made.shop_ids.values()
        with made.runtime.database.system() as session:
            assert account_of_customer(session, shop, customer_id(7)) == 7
        complete = (made.home / "complete.json").read_text()
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["name"], line["figures"]["failures"]) == ("ledger_verify", 0)
    assert line["figures"]["entries"] == ACCOUNTS * len(STEPS) == ACCOUNTS * 20
    assert len(LOTS) == 12
    with world(ACCOUNTS) as again:
        assert (again.home / "complete.json").read_text() == complete
