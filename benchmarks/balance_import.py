"""Claim: 1,000,000 balances imported in ≤ 5 minutes, in constant memory, with every law of the ledger kept.

The limit in the same run is COPY of the very rows that the import made (accounts, identities, balances, entries, lots)
into bare tables without a key or an index: what the database costs for storing them at all.
"""

import argparse
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from app.loyalty.verify import verify
from app.runtime import Runtime
from app.shops.models import Shop
from app.transfer import balances
from app.transfer.models import BalanceImport
from benchmarks.copying import BARE, copied, timed
from benchmarks.report import Figure, Wanted, conclude, table
from benchmarks.world import World

WANTED = {"seconds": Wanted(at_most=300), "memory_growth_mb": Wanted(at_most=64)}
TABLES = ("accounts", "identities", "balances", "ledger_entries", "lots")


def main() -> int:
    """Measure in a world of its own, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    with World("balance_import", 1) as world:
        return run(world, sizes)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--with-undo", action="store_true", help="take the import back too")
    return parser.parse_args(arguments)


def run(world: World, sizes: argparse.Namespace) -> int:
    """Import, check, undo where asked, and store the same rows bare."""
    file = world.home / "balances.csv"
    write(file, sizes.rows)
    before = _peak_mb()
    shop_id = world.shop_ids[world.domains[0]]
    imported, reading = timed(lambda: _read(world.runtime, shop_id, file))
    _, posting = timed(lambda: balances.carry_on(world.runtime.database, shop_id, imported.id))
    grown = _peak_mb() - before
    agrees = _agrees(world.runtime)
    bare = copied(world.runtime, world.home / "rows.copy", TABLES, BARE)
    seconds = reading + posting
    lines: list[Sequence[Figure]] = [
        ("reading and checking the file", reading, sizes.rows / reading),
        ("posting", posting, sizes.rows / posting),
        ("both", seconds, sizes.rows / seconds),
        ("COPY of the same rows, bare", bare, sizes.rows / bare),
    ]
    if sizes.with_undo:
        _, undoing = timed(lambda: balances.take_back(world.runtime.database, shop_id, imported.id, actor="benchmark"))
        lines.append(("undo", undoing, sizes.rows / undoing))
        agrees = agrees and _agrees(world.runtime)
    table(("1 row a member", "seconds", "rows a second"), lines)
    figures: dict[str, Figure] = {
        "rows": sizes.rows,
        "seconds": round(seconds, 1),
        "rows_per_second": round(sizes.rows / seconds),
        "bare_copy_seconds": round(bare, 1),
        "ratio": round(seconds / bare, 1),
        "memory_growth_mb": round(grown),
    }
    limited = "PostgreSQL, which keeps the indexes of five tables"
    return conclude("balance_import", figures, WANTED, limited, failures=0 if agrees else 1)


def write(file: Path, rows: int) -> None:
    """A file as another program exports it."""
    with file.open("w", encoding="utf-8") as out:
        out.write("Email,Points balance\n")
        out.writelines(f"member-{number}@example.com,{number % 5_000 + 1}\n" for number in range(rows))


def _read(runtime: Runtime, shop_id: int, file: Path) -> BalanceImport:
    with runtime.database.system() as session, file.open("rb") as content:
        shop = session.get_one(Shop, shop_id)
        return balances.start(session, shop, content, actor="benchmark")


def _agrees(runtime: Runtime) -> bool:
    with runtime.database.system() as session:
        return verify(session).agrees


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
