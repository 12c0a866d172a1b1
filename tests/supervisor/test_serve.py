"""`perennial serve` as the operator knows it: the real application on an embedded database of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.supervisor.conftest import ROOT, _free_port, left_behind, wait_until


class Serving:
    """A running `perennial serve`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = _free_port()
        self.log = home.parent / "serve.log"
        environment = {
            "PERENNIAL_HOME": str(home),
            "PERENNIAL_DEV": "1",
            "PORT": str(self.port),
            "SHOPIFY_API_KEY": "key",
            "SHOPIFY_API_SECRET": "hush-hush",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ready(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=15).status_code == 200
        except requests.ConnectionError:
            return False

    def children(self, module: str) -> list[int]:
        """The processes that the supervisor started for this module."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", f"app.child {module}"],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(pid) for pid in found.stdout.split()]

    def server(self) -> int:
        return int((self.home / "postgres/data/postmaster.pid").read_text().split()[0])


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    served = Serving(tmp_path / "a home")
    yield served
    if served.process.poll() is None:
        served.process.terminate()
        served.process.wait(40)
    wait_until(lambda: not left_behind(tmp_path))


@pytest.mark.timeout(300)  # two processes start five times; a busy machine takes its time
def test_serve_survives_what_may_be_killed_and_stops_with_nothing_left(serving: Serving) -> None:
    wait_until(serving.ready, 60)
    for module in ("app.worker", "app.web"):
        (before,) = serving.children(module)
        os.kill(before, signal.SIGKILL)
        wait_until(lambda module=module, before=before: serving.children(module) not in ([], [before]))  # type: ignore[misc]
        wait_until(serving.ready, 60)
    os.kill(int((serving.home / "postgres.keeper").read_text()), signal.SIGKILL)
    os.kill(serving.server(), signal.SIGKILL)
    wait_until(serving.ready, 60)
    os.killpg(serving.process.pid, signal.SIGINT)  # what Ctrl-C in a terminal does
    assert serving.process.wait(40) == 0
    assert not left_behind(serving.home)
    said = serving.log.read_text()
    assert "process_killed" not in said
    assert "hush-hush" not in said
