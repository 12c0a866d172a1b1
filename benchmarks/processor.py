"""Who used the processor: seconds by process family, and how busy the machine was. Reads /proc, so Linux only."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_TICK = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class Use:
    """Processor seconds a second of the wall clock by family (1.0 is one core), and the share of all cores in use."""

    cores: dict[str, float]
    busy: float
    waiting_for_disk: float

    @property
    def others(self) -> float:
        """Cores that were used by what is not measured: other programs, and the kernel for all of us."""
        return round(max(self.busy * CORES - sum(self.cores.values()), 0.0), 2)

    def sentence(self) -> str:
        """What held the measurement back, in one sentence."""
        parts = sorted([*self.cores.items(), ("other programs", self.others)], key=lambda part: -part[1])
        shares = ", ".join(f"{name} {cores:.2f}" for name, cores in parts)
        cause = "the processor" if self.busy > 0.9 else "waiting between steps (commits, locks), not the processor"
        return (
            f"{cause}: {self.busy:.0%} of {CORES} cores busy, {self.waiting_for_disk:.0%} waiting for the disk; "
            f"cores used by {shares}"
        )


class Watch:
    """Measures between the beginning of the block and its end; `use` is there afterwards."""

    def __init__(self, families: Mapping[str, int]) -> None:
        """`families`: name -> the process id of its eldest."""
        self._families = dict(families)
        self._told: dict[str, float] = {}
        self.use = Use({}, 0.0, 0.0)

    def told(self, name: str, seconds: float) -> None:
        """Processor seconds that a family says of itself, because it will have ended when the block does."""
        self._told[name] = self._told.get(name, 0.0) + seconds

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._before = self._seconds()
        self._machine = _machine()
        return self

    def __exit__(self, *_: object) -> None:
        wall = time.monotonic() - self._started
        after, machine = self._seconds(), [b - a for a, b in zip(self._machine, _machine(), strict=True)]
        total = max(sum(machine), 1)
        idle, disk = machine[3], machine[4]
        cores = {name: round(max(after[name] - self._before[name], 0.0) / wall, 3) for name in self._families}
        cores |= {name: round(seconds / wall, 3) for name, seconds in self._told.items()}
        self.use = Use(cores, round(1 - (idle + disk) / total, 3), round(disk / total, 3))

    def _seconds(self) -> dict[str, float]:
        children = _children()
        return {name: _family_seconds(eldest, children) for name, eldest in self._families.items()}


def _machine() -> list[int]:
    return [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]


def _stat(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            found.setdefault(int(fields[1]), []).append(int(entry.name))
    return found


def _family_seconds(pid: int, children: Mapping[int, list[int]]) -> float:
    """Of a process, its living descendants, and those that ended and were waited for."""
    fields = _stat(pid)
    own = sum(int(field) for field in fields[11:15]) / _TICK if fields else 0.0
    return own + sum(_family_seconds(child, children) for child in children.get(pid, []))
