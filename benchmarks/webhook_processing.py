"""Claim: ≥ 1,500 events a second end to end while the door is open, and ≥ 10 times one event a transaction.

End to end means: from the first request sent until the last event is done, its points in the ledger and its lots
written, with web, worker, PostgreSQL and the load generator all on this machine. The comparison is the same loop on the
same kind of load with batches of one.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bodies import Signer, mixed
from benchmarks.load import Answers, Generator, Load
from benchmarks.processor import Use, Watch
from benchmarks.report import Figure, Wanted, conclude, table
from benchmarks.world import SECRET, World

WANTED = {"events_per_second": Wanted(at_least=1_500), "ratio": Wanted(at_least=10)}


@dataclass(frozen=True)
class Run:
    """One load from the first request to the last event done."""

    events: int
    seconds: float
    answers: Answers
    use: Use

    @property
    def per_second(self) -> float:
        return self.events / self.seconds


def measure(world: World, port: int, worker: int, web: int, requests: list[bytes]) -> Run:
    """Send all requests as fast as they are answered, and wait until all are done."""
    began = time.monotonic()
    generator = Generator(Load(port, requests))
    with Watch({"web": web, "worker": worker, "PostgreSQL": world.postmaster}) as watch:
        answers = generator.answers()
        watch.told("load generator", answers.processor_seconds)
        world.wait_until_done(300)
        seconds = time.monotonic() - began
    return Run(len(requests), seconds, answers, watch.use)


def main() -> int:
    """Measure in a world of its own, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    with World("webhook_processing", sizes.shops) as world:
        return run(world, sizes)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=15_000)
    parser.add_argument("--single-events", type=int, default=500, help="for the comparison with batches of one")
    parser.add_argument("--warm-up", type=int, default=200, help="events before the first measurement")
    parser.add_argument("--shops", type=int, default=4)
    return parser.parse_args(arguments)


def run(world: World, sizes: argparse.Namespace) -> int:
    """Measure in this world."""
    web, port = world.web()
    worker, signer = world.worker(), Signer(SECRET)
    total, first = sizes.warm_up + sizes.events + sizes.single_events, sizes.warm_up + sizes.events
    requests = mixed(signer, world.domains, total)
    measure(world, port, worker.process.pid, web.process.pid, requests[: sizes.warm_up])  # warm-up
    batches = measure(world, port, worker.process.pid, web.process.pid, requests[sizes.warm_up : first])
    world.stop(worker)
    single = world.worker("benchmarks.one_at_a_time")
    ones = measure(world, port, single.process.pid, web.process.pid, requests[first:])
    undone = total - world.count("done")
    points = world.points()
    return report(batches, ones, undone, points)


def report(batches: Run, ones: Run, undone: int, points: int) -> int:
    """Print the table and the JSON line."""
    header = ("", "events", "seconds", "events/s", "acks/s", "web", "worker", "PostgreSQL", "generator", "others")
    rows: list[tuple[Figure, ...]] = []
    for name, run in (("batches of up to 500", batches), ("one event a transaction", ones)):
        cores = [run.use.cores[family] for family in ("web", "worker", "PostgreSQL", "load generator")]
        rows.append((name, run.events, run.seconds, run.per_second, run.answers.per_second, *cores, run.use.others))
    table(header, rows)
    print("\n  the last five columns are processor cores; points in the ledger afterwards:", f"{points:,}")
    figures: dict[str, Figure] = {
        "events_per_second": round(batches.per_second),
        "one_by_one_per_second": round(ones.per_second),
        "ratio": round(batches.per_second / ones.per_second, 1),
        "acknowledged_per_second": round(batches.answers.per_second),
        "processor_ms_per_event": round(sum(batches.use.cores.values()) * batches.seconds / batches.events * 1_000, 2),
        "generator_cores": batches.use.cores["load generator"],
        "cores_used_by_others": batches.use.others,
        "events_not_done": undone,
    }
    failures = batches.answers.failures + ones.answers.failures + undone + (points <= 0)
    return conclude("webhook_processing", figures, WANTED, batches.use.sentence(), failures=failures)


if __name__ == "__main__":
    sys.exit(main())
