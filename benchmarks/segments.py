"""Claim: with 1,000,000 customers and 5,000,000 orders everybody is looked at in ≤ 30 s, an event changes a segment
within 1 s, a midnight within 60 s, and a query is previewed in ≤ 200 ms.

The rival in the same run is what others do: looking at everybody again on a timer, whatever happened. The limit is
storing the very profiles and members in tables without a key.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from sqlalchemy import text

from app import clock, job_table
from app.orders import totals
from app.segments import dirty, queries
from app.segments.first import begin
from app.segments.follow import step
from app.segments.service import create
from app.shops.models import Shop
from benchmarks.copying import timed
from benchmarks.report import Figure, Wanted, conclude, percentile, table
from benchmarks.world import World

WANTED = {
    "everybody_seconds": Wanted(at_most=30),
    "event_p95_seconds": Wanted(at_most=1),
    "midnight_seconds": Wanted(at_most=60),
    "preview_p95_ms": Wanted(at_most=200),
}
PREVIEWS = (
    "last_order_date < -90d AND number_of_orders >= 1 AND email_subscription_status = 'SUBSCRIBED'",
    "amount_spent BETWEEN 100 AND 999.99",
    "customer_countries CONTAINS 'FI' OR loyalty_points > 500",
    "NOT (last_order_date >= -365d)",
    "last_order_date = -30d",
)
# Customers order between one and nine times, at their own pace, up to today.
_STATEMENTS = (
    "insert into accounts (shop_id, id, created_at) select :shop, i, :since from generate_series(1, :people) i",
    """
    insert into identities (shop_id, kind, value, account_id)
    select :shop, 'customer', (7000000000 + i)::text, i from generate_series(1, :people) i
    """,
    """
    insert into customers (shop_id, id, email, verified_email, country, language, state, created_at, updated_at,
                           triggered_at, digest, email_consent, email_consent_at)
    select :shop, 7000000000 + i, 'b' || i || '@example' || i % 50 || '.com', true,
           (array['FI', 'DE', 'US'])[1 + i % 3], 'en', 'enabled', :since + i % 720 * interval '1 day', :since, :since,
           '', (array['subscribed', 'unsubscribed', 'not_subscribed'])[1 + i % 3], :since
    from generate_series(1, :people) i
    """,
    """
    insert into orders (shop_id, id, account_id, customer_id, currency, subtotal_minor, current_subtotal_minor,
                        total_minor, current_total_minor, financial_status, paid, created_at, processed_at, updated_at,
                        triggered_at, digest)
    select :shop, 10 * i + n, i, 7000000000 + i, 'USD', 2500, 2500, 2500, 2500 + i % 9000, 'paid', true, at, at, at, at,
           ''
    from generate_series(1, :people) i cross join lateral generate_series(0, i % 9) n
    cross join lateral (select :until - (i % 97 + n * (10 + i % 60)) * interval '1 day' as at) t
    """,
    """
    insert into balances (shop_id, program_id, account_id, points, lifetime)
    select :shop, (select min(id) from programs where shop_id = :shop), i, i % 1000, 1000
    from generate_series(1, :people) i where i % 4 > 0
    """,
    "select setval(pg_get_serial_sequence('accounts', 'id'), :people)",
)
_ORDERED = text("""
update account_totals set orders = orders + 1, spent_minor = spent_minor + 90000, last_order_at = :now
where shop_id = :shop and account_id = any(:accounts)
""")
_FORGET = text("""
truncate segments, segment_shops, segment_profiles, segment_members, segment_days, segment_transitions, segment_changes
""")
_TABLES = ("accounts", "identities", "customers", "orders", "balances", "account_totals")
_CHUNK = 20_000


def main() -> int:
    """Measure in a world of its own, print, and return the exit code."""
    sizes = parse(sys.argv[1:])
    job_table.load()
    with World("segments", 1, kept=sizes.keep) as world:
        return run(world, sizes)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=40, help="steps of 500 events each")
    parser.add_argument("--keep", action="store_true", help="keep the world for the next run")
    return parser.parse_args(arguments)


def run(world: World, sizes: argparse.Namespace) -> int:
    """Everybody, events, a midnight, a new segment, previews."""
    shop = world.shop_ids[world.domains[0]]
    clock.set_offset(world.home, timedelta())
    fill(world, shop, sizes.people)
    with world.runtime.database.system() as session:
        begin(session, session.get_one(Shop, shop))
    everybody = timed(lambda: _step(world, shop))[1]
    _analyze(world, "segment_profiles", "segment_members")
    again = timed(lambda: _everybody_again(world, shop))[1]
    events = [timed(partial(_events, world, shop, number, sizes.people))[1] for number in range(sizes.events)]
    clock.set_offset(world.home, timedelta(days=1))
    midnight = timed(lambda: _step(world, shop))[1]
    with world.runtime.database.shop(shop) as session:
        create(session, shop, name="Another", query=PREVIEWS[1])
    another = timed(lambda: _step(world, shop))[1]
    previews = [timed(partial(_preview, world, shop, query))[1] * 1_000 for query in PREVIEWS * 4]
    bare = timed(lambda: _store_bare(world))[1]
    figures: dict[str, Figure] = {
        "people": sizes.people,
        "orders": _count(world, "orders"),
        "members": _count(world, "segment_members"),
        "everybody_seconds": round(everybody, 1),
        "everybody_again_seconds": round(again, 1),
        "event_p95_seconds": round(percentile(events, 0.95), 3),
        "midnight_seconds": round(midnight, 2),
        "another_segment_seconds": round(another, 2),
        "preview_p95_ms": round(percentile(previews, 0.95)),
        "bare_storing_seconds": round(bare, 1),
    }
    table(
        ("work", "seconds"),
        [
            ("everybody, from nothing", everybody),
            ("rival: everybody again, on a timer", again),
            ("500 events, p95", percentile(events, 0.95)),
            ("a midnight", midnight),
            ("one more segment", another),
            ("preview, p95", percentile(previews, 0.95) / 1_000),
            ("limit: the same rows stored bare", bare),
        ],
    )
    limited = "PostgreSQL: reading every order once, and keeping the indexes of profiles and members"
    return conclude("segments", figures, WANTED, limited)


def fill(world: World, shop: int, people: int) -> None:
    """People with orders, totals and points; made once in a world that is kept."""
    values = {"shop": shop, "people": people, "since": clock.now() - timedelta(days=720), "until": clock.now()}
    if _count(world, "accounts"):
        with world.runtime.database.system() as session:
            session.execute(_FORGET)
        return
    for statement in _STATEMENTS:
        named = {name: value for name, value in values.items() if f":{name}" in statement}
        with world.runtime.database.system() as session:
            session.execute(text(statement), named)
    _analyze(world, *_TABLES)
    for first in range(1, people + 1, _CHUNK):
        with world.runtime.database.system() as session:
            totals.recompute(session, ((shop, n) for n in range(first, min(first + _CHUNK, people + 1))))
    _analyze(world, *_TABLES)


def _analyze(world: World, *tables: str) -> None:
    with world.runtime.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in tables:
            connection.execute(text(f"vacuum analyze {name}"))


def _step(world: World, shop: int) -> None:
    more = True
    while more:
        with world.runtime.database.shop(shop) as session:
            more = step(session, shop).more


def _everybody_again(world: World, shop: int) -> None:
    with world.runtime.database.shop(shop) as session:
        dirty.note_shop(session, shop)
    _step(world, shop)


def _events(world: World, shop: int, number: int, people: int) -> None:
    """500 customers order today, as far as segments are concerned: noted, and followed."""
    accounts = [1 + (number * 500 + n) * 7919 % people for n in range(500)]
    with world.runtime.database.shop(shop) as session:
        session.execute(_ORDERED, {"shop": shop, "accounts": accounts, "now": clock.now()})
        dirty.note_accounts(session, ((shop, account) for account in accounts))
    _step(world, shop)


def _preview(world: World, shop: int, query: str) -> None:
    with world.runtime.database.shop(shop) as session:
        queries.preview(session, shop, query)


def _store_bare(world: World) -> None:
    with world.runtime.database.system() as session:
        for name in ("segment_profiles", "segment_members"):
            session.execute(text(f"create table bare_{name} as select * from {name}"))  # noqa: S608 - constants
        session.rollback()


def _count(world: World, name: str) -> int:
    with world.runtime.database.system() as session:
        return int(session.execute(text(f"select count(*) from {name}")).scalar_one())  # noqa: S608 - constants


if __name__ == "__main__":
    sys.exit(main())
