"""Claim: ≥ 1.5 times the durable acknowledgements a second of Shopify's own Node library.

Both doors stand before the same PostgreSQL with durable commits, one process each, and get the same load in turn, so
that noise hits both. The rival's handler inserts every event before the library answers; its log is silenced and its
pool is 20. Beside each door stands the same door without its commit: what the commit costs, and what limits it.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import rival
from benchmarks.bodies import SIZE, Shopper, Signer, Webhook
from benchmarks.load import Answers, Generator, Load
from benchmarks.processor import Use, Watch
from benchmarks.report import Figure, Wanted, conclude, percentile, table
from benchmarks.world import SECRET, World

WANTED = {"ratio": Wanted(at_least=1.5)}
OURS, RIVAL, OURS_BARE, RIVAL_BARE = "ours", "rival", "ours without commit", "rival without commit"


@dataclass
class Door:
    """A server under load and what it did in each round."""

    name: str
    family: int
    port: int
    rounds: list[Answers] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """The middle round."""
        return statistics.median(answers.per_second for answers in self.rounds)

    def cores(self, name: str) -> float:
        return statistics.median(use.cores[name] for use in self.uses)

    @property
    def processor_ms(self) -> float:
        """Processor time of server and PostgreSQL for one acknowledgement: unlike the rate, it does not depend on
        what else the machine does."""
        spent = sum(
            (use.cores["server"] + use.cores["PostgreSQL"]) * answers.seconds
            for use, answers in zip(self.uses, self.rounds, strict=True)
        )
        return 1_000 * spent / max(sum(answers.statuses[200] for answers in self.rounds), 1)


def strike(world: World, door: Door, requests: Sequence[Webhook], connections: int, seconds: float) -> None:
    """One round: keep-alive connections, each sending its next request as soon as the last one is answered."""
    endless = Signer(SECRET).endless(world.domains, requests)
    generator = Generator(Load(door.port, endless, connections=connections, seconds=seconds))
    with Watch({"server": door.family, "PostgreSQL": world.postmaster}) as watch:
        answers = generator.answers()
        watch.told("load generator", answers.processor_seconds)
    door.rounds.append(answers)
    door.uses.append(watch.use)


def open_doors(world: World, *, with_rival: bool) -> list[Door]:
    """Start every door there is to measure."""
    doors = [(OURS, *world.web())]
    if with_rival:
        doors.append((RIVAL, *rival.start(world, store=True)))
    doors.append((OURS_BARE, *world.web("benchmarks.door_without_commit")))
    if with_rival:
        doors.append((RIVAL_BARE, *rival.start(world, store=False)))
    return [Door(name, child.process.pid, port) for name, child, port in doors]


def main() -> int:
    """Measure in a world of its own, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    if not sizes.without_rival:
        rival.prepare()
    with World("webhook_door") as world:
        return run(world, sizes)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm-up", type=float, default=2.0, help="seconds of each door")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--without-rival", action="store_true", help="our door only; the claim is then not judged")
    return parser.parse_args(arguments)


def run(world: World, sizes: argparse.Namespace) -> int:
    """Measure in this world, where nothing waits and no worker runs."""
    shopper = Shopper(1)
    bodies = [webhook for _ in range(100) for webhook in shopper.order() if len(webhook.body) == SIZE]
    doors = open_doors(world, with_rival=not sizes.without_rival)
    for door in doors:
        strike(world, door, bodies, sizes.connections, sizes.warm_up)
    warm = {door.name: door.rounds.pop().statuses[200] for door in doors}
    for door in doors:
        door.uses.clear()
    for _ in range(sizes.rounds):
        for door in doors:
            strike(world, door, bodies, sizes.connections, sizes.seconds)
    lost = _lost(world, {door.name: door for door in doors}, warm)
    return report({door.name: door for door in doors}, lost)


def _lost(world: World, doors: dict[str, Door], warm: dict[str, int]) -> int:
    """Acknowledged but not stored, on either side."""
    acknowledged = {name: warm[name] + sum(a.statuses[200] for a in door.rounds) for name, door in doors.items()}
    lost = max(acknowledged[OURS] - world.count("pending"), 0)
    return lost + (max(acknowledged[RIVAL] - rival.stored(world), 0) if RIVAL in doors else 0)


def report(doors: dict[str, Door], lost: int) -> int:
    """Print the table and the JSON line."""
    rows: list[tuple[Figure, ...]] = []
    for door in doors.values():
        latencies = [latency for answers in door.rounds for latency in answers.latencies]
        cores = [door.cores(name) for name in ("server", "PostgreSQL", "load generator")]
        others = statistics.median(use.others for use in door.uses)
        waits = (1_000 * percentile(latencies, 0.5), 1_000 * percentile(latencies, 0.99))
        rows.append((door.name, door.per_second, *waits, door.processor_ms, *cores, others))
    table(("", "acks/s", "p50 ms", "p99 ms", "ms of processor", "server", "PostgreSQL", "generator", "others"), rows)
    print("\n  acks/s: middle round; the last four columns are processor cores; one process behind each door")
    ours = doors[OURS]
    figures: dict[str, Figure] = {
        "ours_per_second": round(ours.per_second),
        "ours_without_commit_per_second": round(doors[OURS_BARE].per_second),
        "ours_processor_ms": round(ours.processor_ms, 3),
        "processes_each": 1,
        "generator_cores": ours.cores("load generator"),
        "cores_used_by_others": statistics.median(use.others for use in ours.uses),
    }
    if RIVAL in doors:
        pairs = zip(ours.rounds, doors[RIVAL].rounds, strict=True)
        figures |= {
            "rival_per_second": round(doors[RIVAL].per_second),
            "rival_without_commit_per_second": round(doors[RIVAL_BARE].per_second),
            "rival_pool": rival.POOL,
            "rival_processor_ms": round(doors[RIVAL].processor_ms, 3),
            "ratio": round(statistics.median(a.per_second / b.per_second for a, b in pairs), 2),
        }
    failures = lost + sum(answers.failures for door in doors.values() for answers in door.rounds)
    return conclude("webhook_door", figures, WANTED, ours.uses[-1].sentence(), failures=failures)


if __name__ == "__main__":
    sys.exit(main())
