"""Shops that have had customers for long: accounts with an order, a lot and an entry each, made by set-based SQL.

Customers have the ids under which `benchmarks.bodies.Shopper` lets them buy. Everything that the inbox loop reads or
writes of an account is there and agrees, so that what it does next costs what it costs in a shop of that size.
"""

from sqlalchemy import text

from app.sql import rows
from benchmarks.bodies import Shopper
from benchmarks.world import World

# Orders that are told nothing of any more; the app's own numbers of accounts begin anew in each world.
_EVERYONE = """
create temporary table everyone on commit drop as
select row_number() over () as id, s.shop_id, p.id as program_id, s.first_customer + number as customer_id,
       'b' || s.first_customer + number || '@example.com' as email,
       timestamptz '2025-06-01 12:00Z' + number % 200 * interval '1 day' as at
from jsonb_to_recordset(cast(:shops as jsonb)) as s(shop_id bigint, first_customer bigint)
join programs p using (shop_id) cross join generate_series(0, :each - 1) as number
"""
_STATEMENTS = (
    "insert into accounts (shop_id, id, created_at) select shop_id, id, at from everyone",
    """
    insert into identities (shop_id, kind, value, account_id)
    select shop_id, 'customer', customer_id::text, id from everyone
    """,
    """
    insert into customers (shop_id, id, email, verified_email, first_name, last_name, created_at, updated_at,
                           triggered_at, digest)
    select shop_id, customer_id, email, true, 'Mary', 'Jo', at, at, at, '' from everyone
    """,
    """
    insert into orders (shop_id, id, account_id, customer_id, email, currency, subtotal_minor, current_subtotal_minor,
                        total_minor, current_total_minor, financial_status, paid, created_at, processed_at, updated_at,
                        triggered_at, digest)
    select shop_id, id, id, customer_id, email, 'USD', 2500, 2500, 2500, 2500, 'paid', true, at, at, at, at, ''
    from everyone
    """,
    """
    insert into order_lines (shop_id, order_id, id, product_id, quantity, current_quantity, price_minor, discount_minor,
                             gift_card)
    select shop_id, id, id, 77, 1, 1, 2500, 0, false from everyone
    """,
    """
    insert into account_totals (shop_id, account_id, orders, spent_minor, first_order_at, last_order_at)
    select shop_id, id, 1, 2500, at, at from everyone
    """,
    """
    insert into ledger_entries (shop_id, program_id, account_id, source_kind, source_id, points, reason, rule_version,
                                business_at, recorded_at)
    select shop_id, program_id, id, 'order', id::text, 25, 'order_earned', 1, at, at from everyone
    """,
    """
    insert into lots (shop_id, program_id, account_id, source_kind, source_id, granted, remaining, available_at)
    select shop_id, program_id, id, 'order', id::text, 25, 25, at from everyone
    """,
    """
    insert into balances (shop_id, program_id, account_id, points, lifetime)
    select shop_id, program_id, id, 25, 25 from everyone
    """,
    "select setval(pg_get_serial_sequence('accounts', 'id'), (select max(id) from accounts))",
)


def fill(world: World, each: int, shoppers: list[Shopper]) -> None:
    """Give every shop of a fresh world `each` customers; the shoppers are those of its domains, in their order."""
    shops = [
        {"shop_id": world.shop_ids[domain], "first_customer": shopper.customer_id(0)}
        for domain, shopper in zip(world.domains, shoppers, strict=True)
    ]
    with world.runtime.database.system() as session:
        session.execute(text(_EVERYONE), {"shops": rows(shops), "each": each})
        for statement in _STATEMENTS:
            session.execute(text(statement))
    with world.runtime.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))
        connection.execute(text("checkpoint"))
