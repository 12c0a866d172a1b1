"""Every benchmark at a tiny size: it starts, measures, says its one line, and leaves nothing behind.

The rival of the door is left out: its packages are fetched only for the measurement.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report import Wanted, percentile
from benchmarks.world import HOMES, ROOT


def start(*module_and_arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", *module_and_arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    )


def homes_of(process: int) -> list[Path]:
    return list(HOMES.glob(f"*-{process}"))


def living_in(process: int) -> list[int]:
    """Processes whose environment names a home of that benchmark."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environ = (entry / "environ").read_bytes()
            except OSError:
                continue
            if f"-{process}\0".encode() in environ and b"PERENNIAL_HOME=" + os.fsencode(HOMES) in environ:
                found.append(int(entry.name))
    return found


@pytest.mark.timeout(300)
def test_every_benchmark_says_one_line_of_json_and_leaves_nothing_behind() -> None:
    process = start("tests.benchmarks.tiny")
    printed, complained = process.communicate(timeout=240)
    lines: list[dict[str, Any]] = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert [line["name"] for line in lines] == [
        "webhook_processing",
        "webhook_latency",
        "webhook_door",
        "proxy",
        "what_if",
        "balance_import",
        "segments",
    ], complained
    for line in lines:
        assert set(line) == {"name", "figures", "wanted", "ok", "limited_by"}
        assert set(line["wanted"]) <= set(line["figures"]) | {"ratio"}
        assert line["figures"]["failures"] == 0
    assert homes_of(process.pid) == []
    assert living_in(process.pid) == []


def test_an_interrupted_benchmark_ends_its_processes_and_removes_its_home() -> None:
    process = start("benchmarks.webhook_latency")
    deadline = time.monotonic() + 30
    while not living_in(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=40)
    assert process.returncode != 0
    assert homes_of(process.pid) == []
    assert living_in(process.pid) == []


def test_a_bound_is_kept_only_by_a_figure_that_was_measured() -> None:
    assert Wanted(at_least=1.5).kept_by(1.5)
    assert not Wanted(at_most=5).kept_by(5.1)
    assert not Wanted(at_least=1.5).kept_by(None)


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0], 1) == 3.0
    assert percentile([], 0.99) == 0.0
