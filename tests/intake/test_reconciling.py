"""Reconciliation: exactly what was dropped is found, repaired and earns; afterwards nothing differs."""

from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from app import clock, jobs
from app.cli import cli
from app.intake import nightly, queries, running, staging, subscriptions
from app.intake import service as intake
from dev_store.commerce import OrderLine
from tests.intake.conftest import SHOP, World
from tests.intake.test_import import in_small_pieces

KINDS = ("missed", "stale", "written", "left")


def counts(world: World, *, everything: bool = False) -> dict[str, int]:
    run = world.run("reconcile", everything=everything)
    assert (run.state, run.error) == ("done", None)
    return {kind: run.counts.get(kind, 0) for kind in KINDS}


def buy(world: World, price: str, **who: str | int) -> int:
    return world.commerce.place_order(at=clock.now(), lines=[OrderLine("Tea", 1, price)], **who)


def test_orders_whose_webhooks_were_dropped_are_found_repaired_and_earn(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_pieces(monkeypatch)
    world.run("import")
    [(customer,)] = world.rows("select min(id) from customers")
    with world.runtime.database.system() as session:
        session.execute(text("update shops set orders_complete_from = now() - interval '1 hour'"))
    before = dict(world.rows("select id, xmin::text from orders"))
    missed = [buy(world, "12.00", customer_id=customer), buy(world, "7.00", email="new@example.com")]
    [(stale,)] = world.rows("select max(id) from orders where paid and cancelled_at is null and listed_refunds = '{}'")
    line = world.commerce.state.get(SHOP, "order", stale)["line_items"][0]["id"]  # type: ignore[index]  # it is there
    world.commerce.refund(stale, at=clock.now(), lines={line: 1})
    assert counts(world) == {"missed": 2, "stale": 1, "written": 3, "left": 0}
    after = dict(world.rows("select id, xmin::text from orders"))
    assert sorted(order for order in after if before.get(order) != after[order]) == sorted([stale, *missed])
    assert world.rows("select source_id, points from ledger_entries order by 1") == [
        (str(missed[0]), 12),
        (str(missed[1]), 7),
    ]
    assert world.rows(
        f"select quantity from refund_lines l join refunds r on r.id = l.refund_id where order_id = {stale}"
    ) == [(1,)]
    assert counts(world) == {"missed": 0, "stale": 0, "written": 0, "left": 0}


def test_only_what_changed_since_the_last_run_is_read(world: World) -> None:
    world.run("import")
    buy(world, "5.00", email="new@example.com")
    run = world.run("reconcile", everything=False)
    assert (run.counts["orders"], run.counts["missed"], run.counts.get("customers", 0)) == (1, 1, 0)
    query = [one["query"] for one in world.store.state.all(SHOP, "bulk_operation")][-1]
    assert run.since is not None
    assert f"orders(query: \"updated_at:>='{run.since:%Y-%m-%dT%H:%M:%SZ}'\")" in query


def test_a_field_that_was_changed_here_by_mistake_is_put_right_though_no_time_says_so(world: World) -> None:
    world.run("import")
    with world.runtime.database.system() as session:
        session.execute(text("update order_lines set quantity = 9 where id = (select min(id) from order_lines)"))
        session.execute(text("delete from order_codes where order_id = (select min(order_id) from order_codes)"))
        session.execute(text("update customers set last_name = 'Wrong' where id = (select min(id) from customers)"))
        for table in ("orders", "customers"):  # told a while ago: operations say whole seconds
            session.execute(text(f"update {table} set triggered_at = triggered_at - interval '1 minute'"))
    run = world.run("reconcile", everything=True)
    assert {kind: run.counts[kind] for kind in KINDS} == {"missed": 0, "stale": 1, "written": 1, "left": 0}
    assert (run.counts["customers_stale"], run.counts["customers_missed"]) == (1, 0)
    assert world.rows("select count(*) from customers where last_name = 'Wrong'") == [(0,)]
    assert counts(world, everything=True) == {"missed": 0, "stale": 0, "written": 0, "left": 0}


def test_deletions_that_nobody_told_of_are_found_when_everything_is_compared(world: World) -> None:
    """An order of now, a customer; one of January may merely be hidden, until the scope for old orders is granted."""
    world.run("import")
    first, second = buy(world, "5.00", email="new@example.com"), buy(world, "6.00", email="new@example.com")
    world.run("reconcile")
    [(old,)] = world.rows("select min(id) from orders")
    [(person,)] = world.rows("select max(id) from customers")
    told_before = "update {} set updated_at = updated_at - interval '1 hour', triggered_at = now() - interval '1 hour'"
    with world.runtime.database.system() as session:
        for table in ("orders", "customers"):
            session.execute(text(told_before.format(table)))
    for order in (first, old):
        world.commerce.delete_order(order, at=clock.now())
    for key in [
        doc["id"] for doc in world.store.state.all(SHOP, "order") if (doc["customer"] or {}).get("id") == person
    ]:
        world.commerce.delete_order(key, at=clock.now())
    world.commerce.delete_customer(person, at=clock.now())
    assert world.run("reconcile", everything=False).counts.get("asked_for", 0) == 0
    assert world.run("reconcile").counts["asked_for"] == 2
    jobs.drain(world.runtime)
    gone = "select id from orders where deleted_at is not null order by id"
    assert world.rows(gone) == [(first,)]
    assert world.rows("select id from customers where deleted_at is not null") == [(person,)]
    with world.runtime.database.system() as session:
        session.execute(text("update shops set scopes = scopes || ',read_all_orders'"))
    assert world.run("reconcile").counts["asked_for"] >= 1
    jobs.drain(world.runtime)
    deleted = {row[0] for row in world.rows(gone)}
    assert {old, first} <= deleted
    assert second not in deleted
    assert {doc["id"] for doc in world.store.state.all(SHOP, "order")} == {
        row[0] for row in world.rows("select id from orders where deleted_at is null")
    }
    assert world.run("reconcile").counts["asked_for"] == 0


def test_everything_is_compared_once_a_week(world: World) -> None:
    world.run("import")
    for ago, since_null in (("6 days", False), ("7 days", True)):
        with world.runtime.database.system() as session:
            session.execute(text(f"update intake_runs set planned_at = now() - interval '{ago}'"))
        nightly.reconcile_all(world.runtime)
        with world.runtime.database.system() as session:
            run = queries.open_run(session, world.shop_id)
            assert run is not None
            assert (run.since is None) == since_null
            session.execute(text("delete from intake_runs where finished_at is null"))


def test_the_command_says_what_it_found_and_repaired(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run("import")
    buy(world, "5.00", email="new@example.com")
    monkeypatch.setattr("app.cli.runtime", lambda: world.runtime)
    monkeypatch.setattr("time.sleep", lambda _: None)
    from app.intake.commands import reconcile

    told = CliRunner().invoke(reconcile, ["--shop", SHOP], obj=lambda: world.runtime)
    assert told.exit_code == 0, told.output
    assert (
        f"{SHOP}: 1 orders and 0 customers compared; orders missed 1, stale 0, repaired 1; customers missed 0, "
        "stale 0; difference after repair: 0." in told.output
    )
    assert "reconcile" in cli.commands
    assert "import-shop" in cli.commands


def test_runs_begin_by_themselves_after_an_installation_every_night_and_on_a_return(world: World) -> None:
    runtime = world.runtime
    nightly.sweep(runtime)
    nightly.sweep(runtime)
    assert world.rows("select kind, state, since from intake_runs") == [("import", "running", None)]
    assert jobs.drain(runtime, until=clock.wall_now() + timedelta(minutes=1)) > 0
    for _ in range(5):
        jobs.drain(runtime, until=clock.wall_now() + timedelta(minutes=1))
    with runtime.database.system() as session:
        [imported] = queries.runs(session, world.shop_id)
    assert (imported.kind, imported.state, imported.step, imported.steps) == ("import", "done", 8, 8)
    nightly.reconcile_all(runtime)
    with runtime.database.system() as session:
        run = queries.open_run(session, world.shop_id)
        assert run is not None
        assert (run.kind, run.since) == ("reconcile", imported.planned_at - intake.OVERLAP)
    assert world.finish(run.id).state == "done"
    with runtime.database.system() as session:
        session.execute(text("update shops set state = 'uninstalled'"))
    nightly.sweep(runtime)
    with runtime.database.system() as session:
        waiting = queries.open_run(session, world.shop_id)
        assert waiting is not None
        session.execute(text("update shops set state = 'installed'"))
        session.execute(text("update intake_runs set due_at = due_at - interval '1 hour' where due_at is not null"))
        assert intake.plan_lost(session, clock.wall_now() - nightly.LOST_AFTER) == 1


def test_what_was_read_for_a_shop_that_was_erased_is_dropped(world: World) -> None:
    run_id = world.begin("import")
    running.carry_on(world.runtime, world.shop_id, run_id, seconds=0)
    with world.runtime.database.system() as session:
        staging.create(session, run_id, "orders")
    nightly.sweep(world.runtime)
    assert sorted(world.rows("select tablename from pg_tables where schemaname = 'staging'")) == [
        (f"listed_{run_id}",),
        (f"marker_{run_id}",),
        (f"orders_{run_id}",),
    ]
    with world.runtime.database.system() as session:
        session.execute(text("delete from intake_runs"))
        session.execute(text("update shops set state = 'uninstalled'"))
    nightly.sweep(world.runtime)
    assert world.rows("select 1 from pg_tables where schemaname = 'staging'") == []
    assert world.rows("select 1 from intake_runs") == []


def test_the_end_of_an_operation_is_told_by_webhook_and_saves_waiting(world: World) -> None:
    run_id = world.begin("import")
    running.carry_on(world.runtime, world.shop_id, run_id, seconds=0)
    [(operation,)] = world.rows("select operation_id from intake_runs")
    with world.runtime.database.system() as session:
        session.execute(text("delete from procrastinate_jobs"))
        intake.operation_ended(session, world.shop_id, operation)
        intake.operation_ended(session, world.shop_id, "gid://shopify/BulkOperation/1")
    assert world.rows("select task_name, args ->> 'run_id' from procrastinate_jobs") == [
        ("intake.advance", str(run_id))
    ]


def test_a_shops_own_subscriptions_are_made_again_with_the_next_reconciliation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "PER_SHOP", ("CUSTOMER_JOINED_SEGMENT", "CUSTOMER_LEFT_SEGMENT"))
    assert world.run("reconcile").counts["subscriptions_restored"] == 2
    held = list(world.store.state.all(SHOP, "webhook_subscription"))
    assert [one["uri"] for one in held] == [f"{world.runtime.settings.app_url}/webhooks"] * 2
    world.store.state.delete(SHOP, "webhook_subscription", held[0]["id"])  # as Shopify does after eight failures
    assert world.run("reconcile").counts["subscriptions_restored"] == 1
    assert world.run("reconcile").counts["subscriptions_restored"] == 0
    assert {one["topic"] for one in world.store.state.all(SHOP, "webhook_subscription")} == set(subscriptions.PER_SHOP)
