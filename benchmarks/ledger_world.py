"""A shop whose ledger has been written for years: twenty entries an account, made once and kept for the next benchmark.

`world(accounts)` is what benchmarks call; `python -m benchmarks.ledger_world 1000000` makes one beforehand. Everything
that points stand in agrees, as `perennial ledger verify` demands: entries and their seals, lots, uses, balances,
redemptions. Rows lie in the order in which a shop would have written them, so those of one account are spread over the
whole table. The orders themselves are not there: who settles an account of this world takes their points back.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from app import clock
from app.loyalty import seals
from app.loyalty.models import Reward
from app.postgres.server import EmbeddedPostgres
from benchmarks.world import World

_Half = tuple[tuple[str, ...], tuple[Callable[[], Iterator[str]], ...]]

# Settings of the server that fills the tables, and of none that is measured.
_IN_HASTE = {
    "fsync": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_compression": "off",
    "maintenance_work_mem": "1GB",
}
CUSTOMERS_FROM = 7_000_000_000
_ORDERS_FROM = 5_000_000_000_000
_ADJUSTED, _PRICE = 25, 100
# Days between an account's entries, and their beginning before now.
_PACE, _SINCE = 36, 760


def customer_id(account: int) -> int:
    """Shopify's id of the customer who holds an account, 1 to the size of the world."""
    return CUSTOMERS_FROM + account


@dataclass(frozen=True)
class Step:
    """An entry that every account has; `key` and `points` are SQL over the account `i`."""

    kind: str
    key: str
    points: str
    reason: str


def _earned(n: int) -> str:
    return f"(case {n} when 1 then 60 else 120 end + (i * 37 + {n} * 101) % 380)"


def _order(n: int) -> str:
    return f"({_ORDERS_FROM} + {n} * :accounts + i)::text"


def _redemption(n: int) -> str:
    return f"md5('{n}:' || i)::uuid"


def _bought(n: int) -> Step:
    return Step("order", _order(n), _earned(n), "order_earned")


def _refunded(n: int, part: int) -> Step:
    return Step("order", _order(n), f"-({_earned(n)} / {part})", "order_adjusted")


def _redeemed(n: int, points: int = -_PRICE, reason: str = "redeemed") -> Step:
    return Step("redemption", f"{_redemption(n)}::text", str(points), reason)


# Redemption 2 is cancelled; what order 3 brought expires; order 5 is refunded wholly.
STEPS = (
    *(_bought(1), _bought(2), _bought(3), _refunded(2, 2), _bought(4), _redeemed(1), _bought(5)),
    *(Step("adjustment", "'bonus:' || i", str(_ADJUSTED), "adjusted"), _bought(6), _refunded(5, 1), _bought(7)),
    *(_redeemed(2), _redeemed(2, _PRICE, "redemption_cancelled"), _bought(8)),
    *(Step("expiry", f"'order:' || {_order(3)}", f"-{_earned(3)}", "expired"), _bought(9), _redeemed(3)),
    *(_bought(10), _refunded(10, 4), _bought(11)),
)


@dataclass(frozen=True)
class Holding:
    """A lot that every account has, and how many of its points are used."""

    kind: str
    key: str
    granted: str
    used: str = "0"
    step: int = 0


_FIRST = f"least({_earned(1)}, {_PRICE})"  # of redemption 1; order 2 gives the rest
LOTS = (
    Holding("order", _order(1), _earned(1), _FIRST, 1),
    Holding("order", _order(2), f"{_earned(2)} - {_earned(2)} / 2", f"{_PRICE} - {_FIRST}", 2),
    Holding("order", _order(3), _earned(3), _earned(3), 3),
    Holding("order", _order(4), _earned(4), str(_PRICE - _ADJUSTED), 5),
    Holding("order", _order(5), "0", step=7),
    Holding("adjustment", "'bonus:' || i", str(_ADJUSTED), str(_ADJUSTED), 8),
    *(Holding("order", _order(n), _earned(n), step=step) for n, step in ((6, 9), (7, 11), (8, 14), (9, 16))),
    Holding("order", _order(10), f"{_earned(10)} - {_earned(10)} / 4", step=18),
    Holding("order", _order(11), _earned(11), step=20),
)
# The spending source and the number of the lot (from 0) that it uses.
USES = (
    ("redemption", f"{_redemption(1)}::text", 0),
    ("redemption", f"{_redemption(1)}::text", 1),
    ("expiry", f"'order:' || {_order(3)}", 2),
    ("redemption", f"{_redemption(3)}::text", 3),
    ("redemption", f"{_redemption(3)}::text", 5),
)
_ACCOUNTS = "generate_series(1, :accounts) i"


def _at(step: int) -> str:
    return f"cast(:since as timestamptz) + {step * _PACE} * interval '1 day' + i % 1000000 * interval '1 second'"


def _entries() -> Iterator[str]:
    for number, step in enumerate(STEPS):
        yield f"""
            insert into ledger_entries (shop_id, id, program_id, account_id, source_kind, source_id, points, reason,
                                        rule_version, business_at, recorded_at, actor)
            select :shop, {number} * :accounts + i, :program, i, '{step.kind}', {step.key}, {step.points},
                   '{step.reason}', {1 if step.kind == "order" else "null"}, {_at(number + 1)}, {_at(number + 1)},
                   {"'key:1'" if step.kind in {"adjustment", "redemption"} else "null"}
            from {_ACCOUNTS}
        """  # noqa: S608 - constants of this module


def _lots() -> Iterator[str]:
    for number, lot in enumerate(LOTS):
        expires = _at(lot.step + 11) if lot.step == 3 else f"{_at(lot.step)} + interval '1096 days'"
        yield f"""
            insert into lots (shop_id, id, program_id, account_id, source_kind, source_id, granted, remaining,
                              available_at, expires_at)
            select :shop, {number} * :accounts + i, :program, i, '{lot.kind}', {lot.key}, {lot.granted},
                   {lot.granted} - ({lot.used}), {_at(lot.step)}, {expires}
            from {_ACCOUNTS}
        """  # noqa: S608 - constants of this module


def _uses() -> Iterator[str]:
    for kind, key, lot in USES:
        yield f"""
            insert into lot_uses (shop_id, program_id, account_id, source_kind, source_id, lot_id, points)
            select :shop, :program, i, '{kind}', {key}, {lot} * :accounts + i, {LOTS[lot].used}
            from {_ACCOUNTS} where {LOTS[lot].used} > 0
        """  # noqa: S608 - constants of this module


def _people() -> Iterator[str]:
    points = " + ".join(step.points for step in STEPS)
    lifetime = " + ".join(step.points for step in STEPS if step.kind in {"order", "adjustment"})
    yield f"insert into accounts (shop_id, id, created_at) select :shop, i, {_at(0)} from {_ACCOUNTS}"  # noqa: S608 - constants of this module
    yield f"""
        insert into identities (shop_id, kind, value, account_id)
        select :shop, 'customer', ({CUSTOMERS_FROM} + i)::text, i from {_ACCOUNTS}
    """  # noqa: S608 - constants of this module
    yield f"""
        insert into customers (shop_id, id, email, verified_email, first_name, last_name, created_at, updated_at)
        select :shop, {CUSTOMERS_FROM} + i, 'shopper-' || i || '@example.com', true, 'First', 'Last ' || i,
               {_at(0)}, {_at(0)}
        from {_ACCOUNTS}
    """  # noqa: S608 - constants of this module
    yield f"""
        insert into balances (shop_id, program_id, account_id, points, lifetime)
        select :shop, :program, i, {points}, {lifetime} from {_ACCOUNTS}
    """  # noqa: S608 - constants of this module


def _redemptions() -> Iterator[str]:
    for number, state, step in ((1, "used", 6), (2, "cancelled", 12), (3, "used", 17)):
        yield f"""
            insert into redemptions (shop_id, id, program_id, account_id, reward_id, points, code, state, actor,
                                     created_at, settled_at)
            select :shop, {_redemption(number)}, :program, i, :reward, {_PRICE},
                   'POINTS-' || upper(replace({_redemption(number)}::text, '-', '')), '{state}', 'key:1', {_at(step)},
                   {_at(step)} + interval '1 hour'
            from {_ACCOUNTS}
        """  # noqa: S608 - constants of this module


# Two halves of about the same work, one for each processor; each in a transaction that also emptied the tables, which
# is what lets PostgreSQL leave the log out.
_HALVES: tuple[_Half, ...] = (
    (("ledger_entries", "ledger_blocks", "ledger_heads", "seal_marks"), (_entries,)),
    (
        ("lots", "lot_uses", "accounts", "identities", "customers", "balances", "redemptions"),
        (_lots, _uses, _people, _redemptions),
    ),
)
# What a table's rows are found by, to be made again once they are there.
_KEYS = text("""
select 'alter table ' || c.conrelid::regclass || ' drop constraint ' || quote_ident(c.conname) as drop,
       'alter table ' || c.conrelid::regclass || ' add constraint ' || quote_ident(c.conname) || ' '
       || pg_get_constraintdef(c.oid) as make
from pg_constraint c where c.conrelid = cast(:table as regclass) and c.contype in ('p', 'u')
union all
select 'drop index ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid)
from pg_index i
where i.indrelid = cast(:table as regclass) and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
""")
# How many numbers an account takes of each counter.
_NUMBERED = {"ledger_entries": len(STEPS), "lots": len(LOTS), "accounts": 1}


@contextmanager
def world(accounts: int, name: str = "ledger") -> Iterator[World]:
    """A world with one shop and so many accounts, numbered from 1; made when it is not there yet, and kept.

    Whoever adds rows of its own to it gives it another `name`.
    """
    kept = World(f"{name}-{accounts}", shops=1, kept=True)
    if not _complete(kept).exists():
        _make(kept, accounts)
    with kept:
        yield kept


def _complete(kept: World) -> Path:
    return kept.home / "complete.json"


def _make(kept: World, accounts: int) -> None:
    """Fill the tables under a server in haste, which has ended when this returns."""
    server = EmbeddedPostgres(kept.home, _IN_HASTE)
    server.start()
    try:
        with kept:
            if _complete(kept).exists():
                return  # somebody else made it while we waited
            began = time.monotonic()
            values = _values(kept, accounts)
            with ThreadPoolExecutor(len(_HALVES)) as pool:
                list(pool.map(lambda half: _fill(kept, half, values), _HALVES))
            _finish(kept, accounts)
            filled = time.monotonic()
            sealed = seals.seal_all(kept.runtime.database)
            seconds = {"filling": round(filled - began), "sealing": round(time.monotonic() - filled)}
            made = {"accounts": accounts, "sealed": sealed, "seconds": seconds}
            _complete(kept).write_text(json.dumps(made))
    finally:
        server.leave()


def _values(kept: World, accounts: int) -> dict[str, Any]:
    (shop,) = kept.shop_ids.values()
    with kept.runtime.database.system() as session:
        reward = session.scalars(select(Reward).where(Reward.shop_id == shop)).one()
        values = {"accounts": accounts, "shop": shop, "program": reward.program_id, "reward": reward.id}
    return {**values, "since": clock.now() - timedelta(days=_SINCE)}


def _fill(kept: World, half: _Half, values: dict[str, Any]) -> None:
    tables, parts = half
    with kept.runtime.database.system() as session:
        session.execute(text(f"truncate {', '.join(tables)}"))
        keys = [key for table in tables for key in session.execute(_KEYS, {"table": table}).all()]
        for key in keys:
            session.execute(text(key.drop))
        for statement in (statement for part in parts for statement in part()):
            session.execute(text(statement), values)
        for key in keys:
            session.execute(text(key.make))


def _finish(kept: World, accounts: int) -> None:
    """Go on counting behind the rows that are there, and let PostgreSQL learn about them."""
    with kept.runtime.database.system() as session:
        for table, numbers in _NUMBERED.items():
            session.execute(text(f"select setval(pg_get_serial_sequence('{table}', 'id'), {numbers * accounts})"))
    with kept.runtime.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))
        connection.execute(text("checkpoint"))


def main() -> int:
    """Make a world, or say that it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("accounts", type=int)
    accounts = parser.parse_args().accounts
    with world(accounts) as made:
        print(f"{made.home}: {_complete(made).read_text()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
