"""The ceiling of one shop: it is served by one worker at a time, so further workers help further shops only.

A backlog of one shop, then the same of four, is drained by 1, 2 and 4 worker processes on this machine. There is no
bound to keep: the figures are written down so that nobody expects more of a second worker than it can do.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from sqlalchemy import text

from benchmarks.backlog import mixed_backlog, store
from benchmarks.bodies import Shopper
from benchmarks.processor import Watch
from benchmarks.report import Figure, conclude, table
from benchmarks.world import World
from webhooks.store import CHANNEL

WORKERS = (1, 2, 4)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=8_000)
    parser.add_argument("--warm-up", type=int, default=500)
    return parser.parse_args(arguments)


def main() -> int:
    """Measure in worlds of its own, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    rows: list[tuple[Figure, ...]] = []
    figures: dict[str, Figure] = {}
    for shops in (1, 4):
        with World("webhook_workers", shops) as world:
            for workers in WORKERS:
                per_second, busy = measure(world, workers, sizes)
                rows.append((f"{shops} shops, {workers} workers", per_second, busy))
                figures[f"shops_{shops}_workers_{workers}"] = round(per_second)
    table(("", "events/s", "cores in use"), rows)
    return conclude("webhook_workers", figures, {}, "one worker: its Python; several: the processor")


def measure(world: World, workers: int, sizes: argparse.Namespace) -> tuple[float, float]:
    """Events a second, and how much of the machine was in use, with so many workers on a new backlog."""
    shops = [(domain, world.shop_ids[domain]) for domain in world.domains]
    shoppers = [Shopper(1_000 * workers + number) for number in range(len(shops))]
    started = [world.worker() for _ in range(workers)]
    drain(world, shops, shoppers, sizes.warm_up)
    time.sleep(3)  # all of them are up, whoever did the warm-up
    with Watch({}) as watch:
        seconds = drain(world, shops, shoppers, sizes.events)
    world.stop(*started)
    return sizes.events / seconds, watch.use.others


def drain(world: World, shops: list[tuple[str, int]], shoppers: list[Shopper], events: int) -> float:
    """Seconds from waking the workers until the last event is done."""
    runtime = world.runtime
    store(runtime.database, runtime.keyring, mixed_backlog(shops, events, shoppers))
    began = time.monotonic()
    with runtime.database.system() as session:
        session.execute(text("select pg_notify(:channel, '')"), {"channel": CHANNEL})
    world.wait_until_done(300)
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
