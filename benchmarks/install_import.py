"""Claim: a shop of 200,000 customers and 500,000 orders is imported in ≤ 5 times what COPY of the same rows takes, in
flat memory under 400 MB.

A worker as `serve` starts it imports from a shop that is a file (`bulk_shop`): every line, refunds by their ids, totals
of every account. Then, in the same run and the same database, the very rows that the import wrote are stored once more
by COPY into tables with the same keys and indexes; into bare ones, too, which is told beside it.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text

from app import clock, job_table
from app.demo.processes import free_port
from app.intake import queries, service
from app.runtime import Runtime
from app.shopify.oauth import Tokens
from app.shops import tokens
from app.shops.models import Shop
from benchmarks import bulk_shop
from benchmarks.copying import BARE, WITH_KEYS, copied
from benchmarks.report import Figure, Wanted, conclude, table
from benchmarks.world import World

WANTED = {"ratio": Wanted(at_most=5), "worker_peak_mb": Wanted(at_most=400)}
TABLES = ("accounts", "identities", "customers", "orders", "order_lines", "order_codes", "refunds", "refund_lines",
          "account_totals")  # fmt: skip


def main() -> int:
    """Measure in a world of its own, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    with World("install_import", 1) as world:
        return run(world, sizes)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--orders", type=int, default=500_000)
    return parser.parse_args(arguments)


def run(world: World, sizes: argparse.Namespace) -> int:
    """Make the shop, import it, and store the same rows again."""
    folder = make_folder(world)
    bulk_shop.write(folder, "customers", bulk_shop.customers(sizes.customers))
    lines = bulk_shop.write(folder, "orders", bulk_shop.orders(range(sizes.orders), sizes.customers))
    connect(world, folder)
    seconds, stages, peaks = carry_out(world, service.IMPORT)
    indexed = copied(world.runtime, world.home / "rows.copy", TABLES, WITH_KEYS)
    bare = copied(world.runtime, world.home / "rows.copy", TABLES, BARE)
    counts = _counts(world.runtime)
    rows: list[Sequence[Figure]] = [(f"import: {name}", spent, "") for name, spent in stages.items()]
    rows += [
        ("import, all of it", seconds, f"{seconds / indexed:.1f} times"),
        ("COPY of the same rows, same keys and indexes", indexed, "1"),
        ("COPY of the same rows, bare tables", bare, f"{bare / indexed:.2f} times"),
    ]
    table((f"{sizes.customers:,} customers, {sizes.orders:,} orders, {lines:,} lines", "seconds", ""), rows)
    half = peaks[len(peaks) // 2] if peaks else 0.0
    figures: dict[str, Figure] = {
        "customers": sizes.customers,
        "orders": sizes.orders,
        "lines": lines - sizes.orders,
        "seconds": round(seconds, 1),
        "copy_seconds": round(indexed, 1),
        "ratio": round(seconds / indexed, 2),
        "bare_copy_seconds": round(bare, 1),
        "ratio_to_bare_copy": round(seconds / bare, 1),
        "worker_peak_mb": round(max(peaks, default=0.0)),
        "worker_mb_at_half_time": round(half),
        "rows_written": sum(counts.values()),
    }
    right = counts["customers"] == sizes.customers and counts["orders"] == sizes.orders
    right = right and counts["order_lines"] == lines - sizes.orders
    limit = "PostgreSQL, beside a worker and two processes that read"
    return conclude("install_import", figures, WANTED, limit, failures=int(not right))


def make_folder(world: World) -> Path:
    """Where the shop's file lies."""
    folder = world.home / "shop"
    folder.mkdir(exist_ok=True)
    return folder


def connect(world: World, folder: Path) -> None:
    """Serve the folder as Shopify, and give the shop a token for it."""
    port = free_port(0)
    world.start("bulk shop", ["-m", "benchmarks.bulk_shop", str(folder), str(port)], up=port)
    world.environ["PERENNIAL_SHOPIFY_ORIGIN"] = f"http://127.0.0.1:{port}/{{shop}}"
    shop_id = world.shop_ids[world.domains[0]]
    with world.runtime.database.system() as session:
        shop = session.get_one(Shop, shop_id)
        shop.orders_complete_from = clock.now()
        tokens.store(world.runtime.keyring, shop, Tokens("benchmark", "read_orders,read_customers,read_products"))


def carry_out(world: World, kind: str) -> tuple[float, dict[str, float], list[float]]:
    """Have a worker carry a run out; its seconds, those of each stage, and the worker's memory in MB as time went."""
    job_table.load()
    worker = world.worker()
    shop_id = world.shop_ids[world.domains[0]]
    began = last = time.monotonic()
    with world.runtime.database.system() as session:
        service.begin(session, shop_id, kind)
    stages: dict[str, float] = {}
    memory: list[float] = []
    while True:
        time.sleep(0.1)
        with world.runtime.database.system() as session:
            [newest] = queries.runs(session, shop_id, limit=1)
        now = time.monotonic()
        stages[newest.stage] = stages.get(newest.stage, 0.0) + now - last
        last = now
        memory.append(_resident_mb(worker.process.pid))
        if newest.finished_at is not None:
            break
    world.stop(worker)
    assert newest.state == "done", newest.error
    return last - began, stages, memory


def _resident_mb(process: int) -> float:
    """Of a process and those that it has started; what they share counts for each. 0 for one that has just ended."""
    place = Path(f"/proc/{process}")
    try:
        found = [line for line in (place / "status").read_text().splitlines() if line.startswith("VmRSS")]
        children = [int(child) for listed in place.glob("task/*/children") for child in listed.read_text().split()]
    except OSError:
        return 0.0
    own = int(found[0].split()[1]) / 1024 if found else 0.0
    return own + sum(map(_resident_mb, children))


def _counts(runtime: Runtime) -> dict[str, int]:
    with runtime.database.system() as session:
        return {
            name: int(session.scalar(text(f"select count(*) from {name}")) or 0)  # noqa: S608 - names of our own
            for name in TABLES
        }


if __name__ == "__main__":
    sys.exit(main())
