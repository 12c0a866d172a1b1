"""Claims: at 200 webhooks a second, points are visible in the API within 1 s (p99) and acknowledgements take 100 ms at
most (p99); of 20,000 webhooks within ten seconds none is refused and none waits more than 5 s for its answer.

Requests come when they are due and not when the door is ready, and their waiting begins when they are due.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bodies import Shopper, Signer, mixed
from benchmarks.load import Answers, Generator, Load
from benchmarks.probe import Prober, Seen, probes
from benchmarks.processor import Use, Watch
from benchmarks.report import Figure, Wanted, conclude, percentile, table
from benchmarks.world import SECRET, World

WANTED = {
    "points_visible_p99_seconds": Wanted(at_most=1),
    "acknowledged_p99_ms": Wanted(at_most=100),
    "burst_slowest_seconds": Wanted(at_most=5),
    "burst_refused": Wanted(at_most=0),
}
PROBED = 0.05  # the share of the steady load that is followed until its points are visible


@dataclass(frozen=True)
class Steady:
    """What the load of every day showed."""

    answers: Answers
    seen: Seen
    use: Use


@dataclass(frozen=True)
class Burst:
    """What the flash sale showed; `caught_up` is when the last event was done, from the first request."""

    answers: Answers
    caught_up: float
    use: Use


@dataclass(frozen=True)
class Stage:
    """The processes under load."""

    world: World
    port: int
    families: dict[str, int]


def steady(stage: Stage, signer: Signer, rate: float, seconds: float) -> Steady:
    """The mixed load at a rate, with probes among it."""
    domain = stage.world.domains[0]
    probed = rate * PROBED
    shopper, numbers = Shopper(900), range(10_000, 10_000 + int(probed * seconds))
    planned = probes(signer, shopper, domain, stage.world.api_key(domain), numbers)
    requests = mixed(signer, stage.world.domains, int((rate - probed) * seconds))
    generator = Generator(Load(stage.port, requests, rate=rate - probed))
    with Watch(stage.families) as watch:
        prober = Prober(stage.port, planned, probed)
        answers = generator.answers()
        watch.told("load generator", answers.processor_seconds)
        seen = prober.seen()
    stage.world.wait_until_done(120)
    return Steady(answers, seen, watch.use)


def burst(stage: Stage, signer: Signer, count: int, seconds: float, connections: int) -> Burst:
    """`count` requests, evenly due within `seconds`."""
    requests = mixed(signer, stage.world.domains, count)
    began = time.monotonic()
    generator = Generator(Load(stage.port, requests, connections=connections, rate=count / seconds))
    with Watch(stage.families) as watch:
        answers = generator.answers()
        watch.told("load generator", answers.processor_seconds)
    stage.world.wait_until_done(300)
    return Burst(answers, time.monotonic() - began, watch.use)


def main() -> int:
    """Measure in a world of its own, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    with World("webhook_latency") as world:
        return run(world, sizes)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=20.0, help="of the steady load")
    parser.add_argument("--burst", type=int, default=20_000)
    parser.add_argument("--burst-seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=64, help="of the burst")
    return parser.parse_args(arguments)


def run(world: World, sizes: argparse.Namespace) -> int:
    """Measure in this world."""
    web, port = world.web()
    worker = world.worker()
    families = {"web": web.process.pid, "worker": worker.process.pid, "PostgreSQL": world.postmaster}
    stage, signer = Stage(world, port, families), Signer(SECRET)
    warm_up = mixed(signer, ["bench-1.myshopify.com"], 100)
    Generator(Load(port, warm_up, connections=8)).answers()
    world.wait_until_done(60)
    calm = steady(stage, signer, sizes.rate, sizes.seconds)
    rush = burst(stage, signer, sizes.burst, sizes.burst_seconds, sizes.connections)
    undone = world.count("parked") + world.count("pending")
    return report(calm, rush, undone)


def report(calm: Steady, rush: Burst, undone: int) -> int:
    """Print the table and the JSON line."""
    acknowledged = calm.answers.latencies + calm.seen.acknowledged
    waits = [
        ("steady: acknowledged, ms", acknowledged, 1_000),
        ("steady: points visible in the API, ms", calm.seen.visible, 1_000),
        ("burst: acknowledged, ms", rush.answers.latencies, 1_000),
    ]
    rows: list[tuple[Figure, ...]] = [
        (name, len(found), *(unit * percentile(found, share) for share in (0.5, 0.9, 0.99, 1)))
        for name, found, unit in waits
    ]
    table(("", "of", "p50", "p90", "p99", "slowest"), rows)
    print(f"\n  steady load: {calm.use.sentence()}")
    figures: dict[str, Figure] = {
        "points_visible_p99_seconds": round(percentile(calm.seen.visible, 0.99), 3),
        "acknowledged_p99_ms": round(1_000 * percentile(acknowledged, 0.99), 1),
        "burst_slowest_seconds": round(percentile(rush.answers.latencies, 1), 2),
        "burst_refused": rush.answers.failures,
        "burst_seconds": round(rush.answers.seconds, 1),
        "burst_caught_up_seconds": round(rush.caught_up, 1),
        "generator_cores": rush.use.cores["load generator"],
        "cores_used_by_others": rush.use.others,
        "steady_cores_used_by_others": calm.use.others,
    }
    failures = calm.answers.failures + calm.seen.failures + rush.answers.failures + undone
    return conclude("webhook_latency", figures, WANTED, f"in the burst {rush.use.sentence()}", failures=failures)


if __name__ == "__main__":
    sys.exit(main())
