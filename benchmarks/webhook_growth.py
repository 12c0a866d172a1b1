"""Claim: an event costs less than 20 % more at 1,000,000 accounts than at 10,000, and at 1,000 shops than at one.

The loop drains the same number of waiting events in each of three installations, several rounds in turn, in this
process. Cost is the processor time of this process and of PostgreSQL for an event; what the clock says is beside it.
Buyers are drawn evenly from all accounts, which no cache likes.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from sqlalchemy import text

from app import job_table
from benchmarks.backlog import mixed_backlog, store
from benchmarks.bodies import Shopper
from benchmarks.grown import fill
from benchmarks.processor import Watch
from benchmarks.report import Figure, Wanted, conclude, table
from benchmarks.world import World
from webhooks.loop import InboxLoop

WANTED = {"accounts_growth": Wanted(at_most=1.2), "shops_growth": Wanted(at_most=1.2)}
SMALL, ACCOUNTS, SHOPS = "one shop, few accounts", "one shop, many accounts", "many shops, few accounts"


@dataclass(frozen=True)
class Round:
    """What an event cost, in milliseconds of processor and in events a second."""

    loop: float
    postgres: float
    per_second: float

    @property
    def cost(self) -> float:
        return self.loop + self.postgres


class Installation:
    """A world of one size, with its shoppers."""

    def __init__(self, world: World, each: int, shops: int) -> None:
        self._world = world
        self._shops = [(domain, world.shop_ids[domain]) for domain in world.domains]
        self._shoppers = [Shopper(number, customers=each) for number in range(1, shops + 1)]
        fill(world, each, self._shoppers)
        self._loop = InboxLoop(world.runtime)

    def round(self, events: int) -> Round:
        """Store so many events, then measure their drain."""
        runtime = self._world.runtime
        store(runtime.database, runtime.keyring, mixed_backlog(self._shops, events, self._shoppers))
        with runtime.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("analyze inbox_events"))
            connection.execute(text("checkpoint"))
        began, processor = time.monotonic(), time.process_time()
        with Watch({"PostgreSQL": self._world.postmaster}) as watch:
            done = self._loop.drain()
            loop, seconds = time.process_time() - processor, time.monotonic() - began
        assert done == events, f"{done} events of {events}"
        return Round(1_000 * loop / done, 1_000 * watch.use.cores["PostgreSQL"] * seconds / done, done / seconds)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=10_000, help="accounts of the small ones")
    parser.add_argument("--many", type=int, default=1_000_000, help="accounts of the large one")
    parser.add_argument("--shops", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=4_000, help="events a round")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args(arguments)


def main() -> int:
    """Measure in worlds of its own, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    job_table.load()
    with ExitStack() as stack:
        plan = {SMALL: (1, sizes.few), ACCOUNTS: (1, sizes.many), SHOPS: (sizes.shops, sizes.few // sizes.shops)}
        sites = {
            name: Installation(stack.enter_context(World(f"webhook_growth-{number}", shops)), each, shops)
            for number, (name, (shops, each)) in enumerate(plan.items())
        }
        for site in sites.values():  # warm-up: plans are made, caches are what they will be
            site.round(sizes.events)
        rounds: dict[str, list[Round]] = {name: [] for name in sites}
        for _ in range(sizes.rounds):
            for name, site in sites.items():
                rounds[name].append(site.round(sizes.events))
    return report(rounds)


def report(rounds: dict[str, list[Round]]) -> int:
    """Print the table and the JSON line."""
    middle = {name: statistics.median(one.cost for one in found) for name, found in rounds.items()}
    rows: list[tuple[Figure, ...]] = [
        (
            name,
            *(statistics.median(getattr(one, part) for one in found) for part in ("loop", "postgres", "cost")),
            min(one.cost for one in found),
            max(one.cost for one in found),
            statistics.median(one.per_second for one in found),
        )
        for name, found in rounds.items()
    ]
    table(("ms of processor an event", "loop", "PostgreSQL", "both", "least", "most", "events/s"), rows)
    figures: dict[str, Figure] = {
        "ms_per_event": round(middle[SMALL], 3),
        "accounts_growth": round(middle[ACCOUNTS] / middle[SMALL], 3),
        "shops_growth": round(middle[SHOPS] / middle[SMALL], 3),
    }
    return conclude("webhook_growth", figures, WANTED, "the processor: one loop and its PostgreSQL session in turn")


if __name__ == "__main__":
    sys.exit(main())
