"""A shop's history of orders, made by SQL: about seven orders and one review a customer, two lines an order,
one order in twenty partly refunded by a refund that its snapshot does not list, tags on the products.

For benchmarks that fold. Everything follows from the numbers of rows, so every run gives the same history.
"""

from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import select, text

from app import clock, job_table
from app.db import Database
from app.loyalty import settlement
from app.loyalty.programs import default_program
from app.loyalty.run_models import SettlementRun
from app.runtime import Runtime
from benchmarks.world import World

# Steps of settling plan jobs, which nobody runs here.
job_table.load()

_PRODUCTS = 200
_NUMBERS = "generate_series(1, cast(:orders as bigint)) i"
# An account's own number of an order: customers order unequally often, between one and about ten times.
_FIRST_ACCOUNT = 10_000_000
_ACCOUNT = f"{_FIRST_ACCOUNT} + (i * 7919 + (i / 3) * 31) % cast(:accounts as bigint) + 1"
_AT = "cast(:since as timestamptz) + (i * interval '700 days' / cast(:orders as bigint))"
# Two lines: one piece, and one to three pieces with a discount; prices of 5.00 to 104.99.
_PRICE = "500 + (i * 104729 + n * 1299709) % 10000"
_QUANTITY = "case when n = 1 then 1 else 1 + i % 3 end"
_DISCOUNT = "case when n = 1 then 0 else (i * 37) % 500 end"

_STATEMENTS = (
    f"""insert into accounts (shop_id, id, created_at)
    select :shop, {_FIRST_ACCOUNT} + i, :since from generate_series(1, :accounts) i""",  # noqa: S608 - constants of this module
    f"""insert into identities (shop_id, kind, value, account_id)
    select :shop, 'customer', (7000000000 + i)::text, {_FIRST_ACCOUNT} + i from generate_series(1, :accounts) i""",  # noqa: S608 - constants of this module
    f"""insert into order_lines (shop_id, order_id, id, product_id, quantity, current_quantity, price_minor,
                             discount_minor, tax_minor, gift_card)
    select :shop, 5000000000 + i, 2 * i + n, (i * 13 + n * 7) % {_PRODUCTS} + 1, {_QUANTITY}, {_QUANTITY}, {_PRICE},
           {_DISCOUNT}, ({_PRICE}) / 5, i % 97 = 0 and n = 1
    from {_NUMBERS} cross join generate_series(1, 2) n""",  # noqa: S608 - constants of this module
    f"""insert into orders (shop_id, id, account_id, customer_id, name, source_name, currency, subtotal_minor,
                        current_subtotal_minor, shipping_minor, gift_card_minor, paid, financial_status, created_at,
                        processed_at, updated_at, triggered_at)
    select :shop, 5000000000 + i, {_ACCOUNT}, 7000000000 + {_ACCOUNT} - {_FIRST_ACCOUNT}, '#' || i,
           case when i % 11 = 0 then 'pos' else 'web' end, :currency, l.net, l.net, 490, l.gift_cards, true, 'paid',
           {_AT}, {_AT}, {_AT}, {_AT}
    from {_NUMBERS} join (
        select order_id, sum(price_minor * quantity - discount_minor) as net,
               sum(case when gift_card then price_minor * quantity else 0 end) as gift_cards
        from order_lines where shop_id = :shop group by 1
    ) l on l.order_id = 5000000000 + i""",  # noqa: S608 - constants of this module
    f"""insert into refunds (shop_id, id, order_id, lines_minor, loose_minor, created_at, processed_at)
    select :shop, 8000000000 + i, 5000000000 + i, l.price_minor, case when i % 40 = 0 then 100 else 0 end, {_AT}, {_AT}
    from {_NUMBERS} join order_lines l on l.shop_id = :shop and l.order_id = 5000000000 + i and l.id = 2 * i + 1
    where i % 20 = 0""",  # noqa: S608 - constants of this module
    """insert into refund_lines (shop_id, refund_id, line_id, quantity)
    select :shop, id, 2 * (id - 8000000000) + 1, 1 from refunds where shop_id = :shop""",
    f"""insert into product_labels (shop_id, product_id, label, since, until)
    select :shop, p, label, '-infinity', 'infinity'
    from generate_series(1, {_PRODUCTS}) p, unnest(array['tag:tea', 'collection:7']) label
    where (p % 4 = 0) = (label = 'tag:tea')""",  # noqa: S608 - constants of this module
    f"""insert into actions (shop_id, kind, key, account_id, business_at, recorded_at)
    select :shop, 'review', i::text, {_ACCOUNT}, {_AT} + interval '5 days', {_AT} + interval '5 days'
    from {_NUMBERS} where i % 5 = 0""",  # noqa: S608 - constants of this module
    "insert into rule_versions (shop_id, program_id, version, in_force_from, rules, created_at) "
    "values (:shop, :program, 2, :second, cast(:rules as jsonb), :second)",
)
_TABLES = ("accounts", "identities", "orders", "order_lines", "refunds", "refund_lines", "product_labels", "actions")

# The second half of the time: goods tagged tea and gift cards do not count, reviews bring points, a day has a limit.
LIVE: dict[str, Any] = {
    "earning": [{"kind": "per_unit", "points": 1}],
    "exclude": {"tags": ["tea"]},
    "caps": {"day": 150},
    "actions": {"review": {"points": 25, "per_year": 2}},
    "waiting_days": 14,
    "expiry": {"kind": "after", "months": 12},
}
DRAFT: dict[str, Any] = {
    "earning": [
        {"kind": "per_unit", "points": 2, "only": {"collections": [7]}},
        {"kind": "per_unit", "points": 1, "only": {"tags": ["tea"]}},
        {"kind": "nth_order", "points": 100, "every": 5},
    ],
    "multipliers": [{"factor": "1.5", "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}],
    "caps": {"order": 300},
    "actions": {"review": {"points": 40, "per_year": 3}},
}


def make(world: World, orders: int) -> int:
    """Make the history in the first shop of a world, and let the product settle it; returns the shop's id.

    In a world that is kept it is made once; who interrupts the making goes on where it was. It is settled every time:
    the ledger has to hold what today's program makes of the history.
    """
    shop = next(iter(world.shop_ids.values()))
    with world.runtime.database.system() as session:
        made = text("select exists (select from product_labels where shop_id = :shop)")
        filled = session.scalar(made, {"shop": shop})
    if not filled:
        _fill(world.runtime.database, shop, orders)
    if _open_run(world.runtime, shop) is None:
        with world.runtime.database.system() as session:
            settlement.plan(session, shop, why="program.changed", since=None)
    _settle(world.runtime, shop)
    return shop


def _fill(database: Database, shop: int, orders: int) -> None:
    with database.system() as session:
        program = default_program(session, shop).id
    values = {
        "shop": shop,
        "program": program,
        "orders": orders,
        "accounts": max(orders // 5, 1),
        "currency": "USD",
        "since": clock.now() - timedelta(days=720),
        "second": clock.now() - timedelta(days=360),
        "rules": orjson.dumps(LIVE).decode(),
    }
    with database.system() as session:
        for statement in _STATEMENTS:
            named = {name: value for name, value in values.items() if f":{name}" in statement}
            session.execute(text(statement), named)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in _TABLES:
            connection.execute(text(f"vacuum analyze {table}"))


def _settle(runtime: Runtime, shop: int) -> None:
    """Every step of the open run, as the worker would do them; jobs that steps plan are left aside."""
    while (run_id := _open_run(runtime, shop)) is not None:
        settlement.settle_shop(runtime, shop_id=shop, run_id=run_id)


def _open_run(runtime: Runtime, shop: int) -> int | None:
    wanted = select(SettlementRun.id).where(SettlementRun.shop_id == shop, SettlementRun.finished_at.is_(None))
    with runtime.database.system() as session:
        return session.scalar(wanted.limit(1))
