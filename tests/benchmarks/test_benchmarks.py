"""Every benchmark at a tiny size: it starts, measures, says its one line, and leaves nothing behind."""

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

SIZES = {
    "webhook_door": "--without-rival --seconds 0.3 --rounds 1 --warm-up 0.1 --connections 8",
    "webhook_processing": "--events 150 --single-events 5 --warm-up 20 --shops 2",
    "webhook_latency": "--rate 40 --seconds 1 --burst 60 --burst-seconds 0.5 --connections 8",
}


def start(name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"benchmarks.{name}", *SIZES[name].split()]
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


@pytest.mark.parametrize("name", sorted(SIZES))
def test_a_benchmark_ends_with_one_line_of_json_and_leaves_nothing_behind(name: str) -> None:
    process = start(name)
    printed, complained = process.communicate(timeout=60)
    line: dict[str, Any] = json.loads(printed.splitlines()[-1])
    assert set(line) == {"name", "figures", "wanted", "ok", "limited_by"}, complained
    assert line["name"] == name
    assert line["figures"]["failures"] == 0
    assert process.returncode == (0 if line["ok"] else 1)
    assert homes_of(process.pid) == []
    assert living_in(process.pid) == []


def test_an_interrupted_benchmark_ends_its_processes_and_removes_its_home() -> None:
    process = start("webhook_latency")
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
