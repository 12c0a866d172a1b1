"""Claim: `perennial ledger verify` checks ≥ 200,000 entries a second, at 1,000,000 accounts and 20,000,000 entries.

Measured in a kept world (`benchmarks.ledger_world`) whose entries are all sealed: the seals and every law, as the
command does it. Beside it, in the same run and over the same rows, what no check can do without: reading every entry
(`count` and `sum`), and a plain SHA-256 over the bytes of all entries as COPY sends them, with nothing compared.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import text

from app.db import driver_connection
from app.loyalty import seals
from app.loyalty.verify import Verdict, verify_database
from benchmarks.ledger_world import world
from benchmarks.processor import Use, Watch
from benchmarks.report import Figure, Wanted, conclude, table
from benchmarks.world import World

WANTED = {"entries_per_second": Wanted(at_least=200_000)}
T = TypeVar("T")


@dataclass(frozen=True)
class Timed(Generic[T]):
    """What some work returned, how long it took, and what it used."""

    result: T
    seconds: float
    use: Use


def main() -> int:
    """Measure in a kept world, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    with world(sizes.accounts) as made:
        return run(made, sizes)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--at-once", type=int, default=2, help="connections that verify; the command has two")
    return parser.parse_args(arguments)


def run(made: World, sizes: argparse.Namespace) -> int:
    """Seal what another benchmark left unsealed, then measure."""
    database = made.runtime.database
    seals.seal_all(database)
    read = _timed(made, lambda: _read(made))
    hashed = _timed(made, lambda: _hash(made))
    verified = _timed(made, lambda: verify_database(database, at_once=sizes.at_once))
    return report(verified, {"read all entries": read, "SHA-256 over COPY": hashed})


def _timed(made: World, work: Callable[[], T]) -> Timed[T]:
    began, own = time.monotonic(), time.process_time()
    with Watch({"PostgreSQL": made.postmaster}) as watch:
        result = work()
        watch.told("Python", time.process_time() - own)
    return Timed(result, time.monotonic() - began, watch.use)


def _read(made: World) -> int:
    with made.runtime.database.system() as session:
        session.execute(text("set local jit = off"))
        return int(session.execute(text("select count(*), sum(points) from ledger_entries")).one()[0])


def _hash(made: World) -> int:
    """In one process, as a script would; returns the number of entries."""
    digest, entries = hashlib.sha256(), 0
    with made.runtime.database.system() as session:
        driver = driver_connection(session)
        with driver.cursor() as cursor, cursor.copy("copy ledger_entries to stdout") as rows:
            for row in rows:
                digest.update(row)
                entries += 1
    return entries


def report(verified: Timed[Verdict], limits: dict[str, Timed[int]]) -> int:
    """Print the table and the JSON line."""
    verdict = verified.result
    rows: list[tuple[Figure, ...]] = []
    for name, seconds, use in [
        ("ledger verify", verified.seconds, verified.use),
        *((name, limit.seconds, limit.use) for name, limit in limits.items()),
    ]:
        cores = (use.cores["PostgreSQL"], use.cores["Python"], use.others)
        rows.append((name, verdict.entries, seconds, verdict.entries / seconds, *cores))
    table(("", "entries", "seconds", "entries/s", "PostgreSQL", "Python", "others"), rows)
    print(f"\n  the last three columns are processor cores; {verdict.accounts:,} accounts, {verdict.points:,} points")
    processor = sum(verified.use.cores.values()) * verified.seconds
    figures: dict[str, Figure] = {
        "entries_per_second": round(verdict.entries / verified.seconds),
        "entries": verdict.entries,
        "processor_us_per_entry": round(processor / verdict.entries * 1e6, 2),
        "times_reading": round(verified.seconds / limits["read all entries"].seconds, 1),
        "times_plain_hash": round(verified.seconds / limits["SHA-256 over COPY"].seconds, 2),
        "cores_used_by_others": verified.use.others,
        "unsealed": verdict.unsealed.entries,
        "disagreements": len(verdict.disagreements),
    }
    failures = len(verdict.disagreements) + verdict.unsealed.entries
    return conclude("ledger_verify", figures, WANTED, verified.use.sentence(), failures=failures)


if __name__ == "__main__":
    sys.exit(main())
