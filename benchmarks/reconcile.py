"""Claim: of 100,000 orders of which 1 % were dropped, a reconciliation finds and repairs exactly those.

The shop here was imported when every 200th order was not there and every other 200th had not been paid yet; the
webhooks of both were dropped. Then Shopify has all of it. Counted are the orders that were found missed and stale, the
rows that were written (all others must be the very same rows as before), and what differs afterwards. The limit beside
it is an import of the same file into a shop that has nothing: to compare may take twice as long.
"""

import argparse
import sys
from collections.abc import Sequence

from sqlalchemy import text

from app.intake import queries, service
from benchmarks import bulk_shop
from benchmarks.install_import import carry_out, connect, make_folder
from benchmarks.report import Figure, Wanted, conclude, table
from benchmarks.world import World

WANTED = {
    "share_of_import": Wanted(at_most=2.0),
    "written_too_much": Wanted(at_most=0),
    "left": Wanted(at_most=0),
}
# Of so many orders one did not arrive, and the change of another.
EVERY = 200


def main() -> int:
    """Measure in a world of its own, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    with World("reconcile", 1) as world:
        return run(world, sizes)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    return parser.parse_args(arguments)


def run(world: World, sizes: argparse.Namespace) -> int:
    """Import what had arrived, then compare with what there is."""
    folder, numbers, people = make_folder(world), range(1, sizes.orders + 1), max(sizes.orders // 3, 1)
    bulk_shop.write(folder, "customers", bulk_shop.customers(people))
    bulk_shop.write(folder, "orders", bulk_shop.orders(numbers, people, without=EVERY, changed=EVERY))
    connect(world, folder)
    imported, _, _ = carry_out(world, service.IMPORT)
    before = _rows(world)
    bulk_shop.write(folder, "orders", bulk_shop.orders(numbers, people))
    reconciled, stages, _ = carry_out(world, service.RECONCILE)
    after = _rows(world)
    with world.runtime.database.system() as session:
        [done] = queries.runs(session, world.shop_ids[world.domains[0]], limit=1)
    untouched = sum(before[order] == row for order, row in after.items() if order in before)
    wanted = {"missed": len(numbers) // EVERY, "stale": len([n for n in numbers if n % EVERY == EVERY // 2])}
    written = len(after) - untouched
    table(
        (f"{sizes.orders:,} orders", "seconds"),
        [("import of what had arrived", imported), *((f"reconciliation: {name}", s) for name, s in stages.items()),
         ("reconciliation, all of it", reconciled)],
    )  # fmt: skip
    figures: dict[str, Figure] = {
        "orders": sizes.orders,
        "missed": done.counts["missed"],
        "stale": done.counts["stale"],
        "repaired": done.counts["written"],
        "written_too_much": written - sum(wanted.values()),
        "left": done.counts["left"],
        "seconds": round(reconciled, 1),
        "import_seconds": round(imported, 1),
        "share_of_import": round(reconciled / imported, 2),
    }
    exact = {name: done.counts[name] for name in wanted} == wanted and len(after) == sizes.orders
    return conclude("reconcile", figures, WANTED, "reading and staging the file", failures=int(not exact))


def _rows(world: World) -> dict[int, str]:
    """Every order's row as PostgreSQL has it: written again is another one."""
    with world.runtime.database.system() as session:
        return {row.id: row.xmin for row in session.execute(text("select id, xmin::text from orders"))}


if __name__ == "__main__":
    sys.exit(main())
