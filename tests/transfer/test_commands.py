"""The commands as an operator types them."""

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app import cli
from app.runtime import Runtime
from app.shops.models import Shop
from app.transfer.error_report import as_csv, neutral
from app.transfer.errors import RowError
from tests.factories import make_shop
from tests.transfer.tables import assert_green, balances

DOMAIN = "demo.myshopify.com"


@pytest.fixture
def perennial(runtime: Runtime) -> Callable[..., Result]:
    """The command line on this test's database."""
    runner = CliRunner()
    return lambda *arguments: runner.invoke(cli.cli, [*arguments], obj=lambda: runtime)


def test_a_file_comes_in_and_goes_out_again(
    perennial: Callable[..., Result], runtime: Runtime, shop: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "balances.csv"
    file.write_text("email;points balance\nada@example.com;120\nbob@example.com;30\n")
    dry = perennial("balances", "import", "--shop", DOMAIN, "--dry-run", str(file))
    assert dry.exit_code == 0
    assert "2 rows with 150 points for 2 people; nothing is written." in dry.output
    assert "line 2: email ada@example.com: 120 points; 0 -> 120" in dry.output
    assert balances(runtime, shop.id) == {}
    done = perennial("balances", "import", "--shop", DOMAIN, str(file))
    assert (done.exit_code, "2 rows, 150 points, 0 rows left out: done." in done.output) == (0, True)
    assert balances(runtime, shop.id) == {"ada@example.com": (120, 120), "bob@example.com": (30, 30)}
    again = perennial("balances", "import", "--shop", DOMAIN, str(file))
    assert again.exit_code == 1
    assert "Say --again" in again.output
    import_id = done.output.rsplit(maxsplit=1)[1]
    assert import_id in perennial("balances", "list", "--shop", DOMAIN).output
    undone = perennial("balances", "undo", "--shop", DOMAIN, import_id)
    assert (undone.exit_code, "is undone." in undone.output) == (0, True)
    assert balances(runtime, shop.id) == {}
    assert_green(runtime)


def test_wrong_rows_are_told_and_written_where_they_can_be_mended(
    perennial: Callable[..., Result], runtime: Runtime, shop: Shop, tmp_path: Path
) -> None:
    file, report = tmp_path / "balances.csv", tmp_path / "errors.csv"
    file.write_text('email,=points\nada@example.com,"=1+1"\n')
    arguments = ("--column", "points==points", "--errors", str(report), str(file))
    wrong = perennial("balances", "import", "--shop", DOMAIN, *arguments)
    assert wrong.exit_code == 1
    assert "line 2, column '=points': '=1+1' is not a whole number." in wrong.output
    assert "1 rows are wrong, 0 are right. Nothing was imported." in wrong.output
    [_, row] = csv.reader(io.StringIO(report.read_text(), newline=""))
    assert row[:2] == ["2", "'=points"]
    assert os.stat(report).st_mode & 0o777 == 0o600
    assert perennial("balances", "import", "--shop", "no.myshopify.com", str(file)).exit_code == 1


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_spreadsheet_evaluates_a_report(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"
    [_, row] = csv.reader(io.StringIO(as_csv([RowError(1, cell, "fine", "")]), newline=""))
    assert row[1].startswith("'")


def test_a_shop_goes_out_and_comes_in_elsewhere(
    perennial: Callable[..., Result], runtime: Runtime, shop: Shop, tmp_path: Path
) -> None:
    balances_file, file = tmp_path / "balances.csv", tmp_path / "shop.jsonl.gz"
    balances_file.write_text("email,points\nada@example.com,120\n")
    perennial("balances", "import", "--shop", DOMAIN, str(balances_file))
    written = perennial("export", "--shop", DOMAIN, str(file))
    assert (written.exit_code, "It holds personal data" in written.output) == (0, True)
    assert os.stat(file).st_mode & 0o777 == 0o600
    assert perennial("export", "--shop", DOMAIN, str(file)).exit_code == 1
    refused = perennial("import", "--shop", DOMAIN, str(file))
    assert (refused.exit_code, "without points only" in refused.output) == (1, True)
    other = make_shop(runtime, "other.myshopify.com")
    taken = perennial("import", "--shop", "other.myshopify.com", str(file))
    assert (taken.exit_code, taken.output.startswith("1 accounts, 0 orders, 1 entries: 120 points")) == (0, True)
    assert balances(runtime, other.id) == {"ada@example.com": (120, 120)}
    assert_green(runtime)
