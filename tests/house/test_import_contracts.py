"""The import contracts bite: each of them breaks when its rule is broken."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

# contract → (file, import that it must refuse)
OFFENCES = {
    "dev-store-stands-alone": ("dev_store/offence.py", "import app.money"),
    "app-without-dev-store": ("app/offence.py", "import dev_store.clock"),
    "webhooks-are-entered-from-the-top": ("app/orders/offence.py", "import webhooks.models"),
    "flask-at-the-edge": ("app/loyalty/offence.py", "from flask import request"),
    "shopifyapi-in-one-module": ("app/shopify/offence.py", "import shopify"),
    "one-job-engine-in-one-place": ("app/shops/offence.py", "import procrastinate"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in ("app", "webhooks", "dev_store"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def lint(folder: Path) -> str:
    """What lint-imports says about this folder's packages (not about ours, which an editable install also offers)."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    environ = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "500"}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False).stdout


def test_every_contract_refuses_what_it_forbids(copy: Path) -> None:
    contracts = configparser.ConfigParser()
    contracts.read(copy / ".importlinter")
    names = {key.rpartition(":")[2]: contracts[key]["name"] for key in contracts if ":contract:" in key}
    assert set(names) == set(OFFENCES)

    assert f"{len(names)} kept, 0 broken" in lint(copy)
    for file, statement in OFFENCES.values():
        (copy / file).write_text(f'"""Breaks a contract."""\n\n{statement}\n')
    after = lint(copy)
    assert [name for name in names.values() if f"{name} BROKEN" not in after] == []
