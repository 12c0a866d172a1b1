"""Claim: a draft rule over 500,000 orders in ≤ 60 s, and the live rules reproduce the live ledger to the point.

The history is made by SQL and settled by the product. Then a draft that looks at products, numbers of orders and
actions is held against the live rules, which do so too: both are folded for every account. The limit in the same run is
reading the same facts without folding them. Every source of every account is compared with the ledger.
"""

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import text

from app.loyalty import rules as rule_versions
from app.loyalty import what_if
from app.loyalty.programs import program_rules
from benchmarks import order_history
from benchmarks.report import Figure, Wanted, conclude, table
from benchmarks.world import World

FULL = 500_000
WANTED = {"seconds_for_500000": Wanted(at_most=60), "sources_unlike_the_ledger": Wanted(at_most=0)}
_HELD = text("""
select count(*) from ledger_entries where shop_id = :shop and source_kind in ('order', 'action')
""")


def main() -> int:
    """Measure, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    name = f"history-{sizes.orders}" if sizes.keep else "what_if"
    with World(name, shops=1, kept=sizes.keep) as world:
        return run(world, sizes)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=FULL)
    parser.add_argument("--keep", action="store_true", help="keep the history for the next run")
    return parser.parse_args(arguments)


def run(world: World, sizes: argparse.Namespace) -> int:
    """Measure in this world."""
    shop = order_history.make(world, sizes.orders)
    with world.runtime.database.shop(shop) as session:
        live = program_rules(session, [shop])[shop]
        draft = replace(live, versions=(rule_versions.parse(order_history.DRAFT),))
        orders, reading = 0, time.monotonic()
        for _, facts in what_if.history(session, live, draft):
            orders += len(facts.orders)
        reading = time.monotonic() - reading
        memory = _megabytes()
        folding, processor = time.monotonic(), time.process_time()
        found = what_if.compare(session, live, draft)
        folding, processor = time.monotonic() - folding, time.process_time() - processor
        grown = _megabytes() - memory
        unlike = sum(1 for _ in what_if.unlike_the_ledger(session, live))
        entries = int(session.scalar(_HELD, {"shop": shop}) or 0)
    table(
        ("", "orders", "seconds", "orders/s"),
        (
            ("reading the facts only", orders, reading, orders / reading),
            ("draft and live rules folded", orders, folding, orders / folding),
        ),
    )
    print(f"\n  {found.accounts:,} accounts; live {found.live.points:,} points, draft {found.draft.points:,}")
    print(f"  {entries:,} entries of orders and actions compared; {unlike} sources differ")
    figures: dict[str, Figure] = {
        "orders": orders,
        "seconds": round(folding, 1),
        "seconds_for_500000": round(folding * FULL / orders, 1),
        "orders_per_second": round(orders / folding),
        "reading_orders_per_second": round(orders / reading),
        "python_ms_per_order": round(processor / orders * 1_000, 3),
        "ratio_to_reading": round(folding / reading, 2),
        "sources_unlike_the_ledger": unlike,
        "entries_compared": entries,
        "memory_grown_megabytes": round(grown, 1),
    }
    return conclude("what_if", figures, WANTED, "one core of Python making facts and folding them")


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
