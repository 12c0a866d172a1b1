"""The import on install: what is here afterwards is what webhooks would have told, whatever went wrong on the way."""

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from app import clock
from app.customers import service as customers
from app.customers.payload import Consent
from app.intake import afterwards, comparing, reading, running, taking
from app.intake import service as intake
from app.intake.models import IntakeRun
from app.loyalty import history
from app.orders import service as orders
from app.orders.payload import parse_order
from app.reactions import react
from app.shopify import bulk
from dev_store.commerce import OrderLine
from tests.intake.conftest import BEGIN, SHOP, World

Rows = dict[str, list[tuple[Any, ...]]]

ONLY_WEBHOOKS_TELL = {"imported", "address_digest", "cart_ref", "landing_ref"}
DONE = {
    "customers": 4,
    "customers_missed": 4,
    "orders": 12,
    "order_lines": 24,
    "missed": 12,
    "stale": 0,
    "written": 12,
    "refunds": 4,
    "refunds_read": 4,
    "products": 1,
}


@pytest.fixture(scope="module")
def expected() -> Rows:
    """What the first undisturbed import of this module left; every world here has the same past."""
    return {}


def hold(world: World, expected: Rows) -> None:
    """The same as after an undisturbed run: the first caller says what that is, and is the undisturbed one."""
    found = world.projections()
    if not expected:
        expected.update(found)
    assert found == expected


def undisturbed(world: World, expected: Rows) -> None:
    run = world.run("import")
    assert (run.state, run.error) == ("done", None)
    assert {name: run.counts[name] for name in DONE} == DONE
    expected.clear()
    hold(world, expected)


def test_an_import_tells_what_webhooks_would_have_told(world: World, expected: Rows) -> None:
    undisturbed(world, expected)
    assert [row[1] for row in world.rows("select distinct 1, imported from orders")] == [True]
    assert world.rows("select count(*) from ledger_entries") == [(0,)]
    assert world.rows("select tablename from pg_tables where schemaname = 'staging'") == []
    imported = {name: rows for name, rows in expected.items() if name not in {"labels", "customers"}}
    with world.runtime.database.system() as session:
        for table in ("orders", "order_lines", "order_codes", "refunds", "refund_lines", "account_totals"):
            session.execute(text(f"delete from {table}"))
        told = [_webhook(world, doc) for doc in world.store.state.all(SHOP, "order")]
        react(session, orders.apply(session, told))
        session.execute(text("update orders set landing_site = null, location_id = null"))
    by_webhooks = world.projections()
    assert by_webhooks["order_lines"] == imported["order_lines"]
    assert by_webhooks["refunds"] == imported["refunds"]
    assert by_webhooks["refund_lines"] == imported["refund_lines"]
    assert by_webhooks["owners"] == imported["owners"]
    assert by_webhooks["totals"] == imported["totals"]
    assert [row[:3] for row in by_webhooks["order_codes"]] == [row[:3] for row in imported["order_codes"]]
    marks = [place for place, name in enumerate(_order_columns()) if name in ONLY_WEBHOOKS_TELL]
    assert [_without(row, marks) for row in by_webhooks["orders"]] == [
        _without(row, marks) for row in imported["orders"]
    ]


def _webhook(world: World, doc: dict[str, Any]) -> Any:
    from dev_store.state import public

    body = orjson.loads(orjson.dumps(public(doc)))
    return parse_order(world.shop_id, body, clock.now())


def _order_columns() -> list[str]:
    from app.orders.models import Order
    from tests.intake.conftest import _NOT_SHOP_DATA

    return [column.name for column in Order.__table__.columns if column.name not in _NOT_SHOP_DATA]


def _without(row: tuple[Any, ...], places: list[int]) -> tuple[Any, ...]:
    return tuple(value for place, value in enumerate(row) if place not in places)


def test_history_earns_when_the_merchant_has_chosen_and_then_the_next_import_does_so_too(world: World) -> None:
    world.run("import")
    with world.runtime.database.system() as session:
        [program] = session.execute(text("select id from programs")).scalars().all()
        history.choose(session, world.shop_id, program, None, actor="test")
    world.commerce.place_order(
        at=BEGIN + timedelta(days=60), email="late@example.com", lines=[OrderLine("Tea", 1, "30.00")]
    )
    assert world.run("import").counts["missed"] == 1
    with world.runtime.database.system() as session:
        earned = session.execute(text("select points from ledger_entries order by business_at")).scalars().all()
    assert (len(earned), earned[-1]) == (12, 30)


def test_a_newer_webhook_wins_over_what_the_import_read_before_it(world: World) -> None:
    run_id = world.begin("import")
    _until(world, run_id, "take")
    [(order_id,)] = world.rows("select min(id) from staging.orders_1")
    doc = world.store.state.get(SHOP, "order", order_id)
    assert doc is not None
    doc |= {"updated_at": "2026-11-01T00:00:00Z", "current_total_price": "1.00", "current_total_price_set": None}
    with world.runtime.database.system() as session:
        react(session, orders.apply(session, [_webhook(world, doc)]))
    world.finish(run_id)
    assert world.rows(f"select current_total_minor, imported from orders where id = {order_id}") == [(100, False)]
    assert world.rows("select count(*) from orders") == [(12,)]


def test_who_was_forgotten_is_not_named_again(world: World) -> None:
    world.run("import")
    [(customer_id,)] = world.rows("select min(id) from customers")
    with world.runtime.database.system() as session:
        session.execute(text(f"update customers set redacted_at = now(), email = null where id = {customer_id}"))
        session.execute(text(f"update orders set redacted_at = now(), email = null where customer_id = {customer_id}"))
        session.execute(text("update orders set updated_at = updated_at - interval '1 day', total_minor = 0"))
    world.run("import")
    assert world.rows(f"select email from customers where id = {customer_id}") == [(None,)]
    assert world.rows(f"select distinct email, total_minor > 0 from orders where customer_id = {customer_id}") == [
        (None, True)
    ]


def test_who_was_heard_of_before_the_import_keeps_what_is_known(world: World) -> None:
    """An order, a consent and a guest's address came by webhooks first; a fourth customer is new."""
    [one, two, three, four] = [doc["id"] for doc in world.store.state.all(SHOP, "customer")]
    [ordered] = [
        doc for doc in world.store.state.all(SHOP, "order") if doc["customer"] and doc["customer"]["id"] == one
    ][:1]
    guest = copy.deepcopy(ordered) | {"id": 77, "customer": None, "email": "person1@example.com", "name": "#77"}
    with world.runtime.database.system() as session:
        react(session, orders.apply(session, [_webhook(world, ordered), _webhook(world, guest)]))
        refusal = Consent(
            shop_id=world.shop_id, customer_id=three, channel="email", state="unsubscribed", level=None, at=clock.now()
        )
        customers.apply_consents(session, [refusal])
    before = world.rows("select value, account_id from identities order by value")
    assert [value for value, _ in before] == [str(one), "person1@example.com"]
    run = world.run("import")
    assert (run.counts["customers_missed"], run.counts["customers_stale"]) == (4, 0)
    owners = dict(world.rows("select value, account_id from identities"))
    assert set(owners) == {str(person) for person in (one, two, three, four)} | {
        "person1@example.com",
        "guest@example.com",
    }
    assert owners[str(one)] == before[0][1]
    merged = "select merged_into from accounts where id = " + str(owners["person1@example.com"])
    assert world.rows(merged) == [(owners[str(two)],)]
    assert world.rows("select account_id from orders where id = 77") == [(owners[str(two)],)]
    consents = dict(world.rows("select id, email_consent from customers"))
    assert (consents[three], len(consents)) == ("unsubscribed", 4)
    assert world.rows(
        "select count(*) from accounts a where not exists (select from identities where account_id = a.id)"
    ) == [(0,)]


def test_an_import_again_writes_nothing(world: World, expected: Rows) -> None:
    undisturbed(world, expected)
    before = world.rows("select id, xmin::text from orders order by 1")
    again = world.run("import")
    assert (again.counts["missed"], again.counts["stale"], again.counts["written"]) == (0, 0, 0)
    assert (again.counts["customers_missed"], again.counts["customers_stale"]) == (0, 0)
    assert again.counts.get("refunds_read", 0) == 0
    assert world.rows("select id, xmin::text from orders order by 1") == before
    hold(world, expected)


def test_two_runs_of_a_shop_are_never_open_at_once(world: World) -> None:
    world.begin("import")
    with world.runtime.database.system() as session:
        assert intake.begin(session, world.shop_id, "reconcile") is None


def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a file of some kilobytes takes as many transactions as one of some hundred megabytes."""
    monkeypatch.setattr(reading, "CHUNK_BYTES", 1_500)
    monkeypatch.setattr(bulk, "_BLOCK", 700)
    for stage in (comparing, taking, afterwards):
        monkeypatch.setattr(stage, "BATCH", 5)


TROUBLES = [
    ["canceled", "failed"],
    ["silent", "expired"],
    ["truncated"],
    ["busy", "dropped", "no_ranges", "dropped"],
    pytest.param(["slow", "dropped", "dropped", "dropped"], marks=pytest.mark.soak),
    pytest.param(["failed", "truncated", "expired", "canceled"], marks=pytest.mark.soak),
]


@pytest.mark.parametrize("kinds", TROUBLES, ids="-".join)
def test_trouble_with_bulk_operations_changes_nothing_in_the_end(
    world: World, expected: Rows, kinds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not expected:
        undisturbed(world, expected)
        return
    in_small_pieces(monkeypatch)
    world.troubles(*kinds)
    run = world.run("import")
    assert (run.state, run.error) == ("done", None)
    hold(world, expected)


class Killed(BaseException):
    """The process is gone: nothing after it is done, the transaction in hand is rolled back."""


def _until(world: World, run_id: int, stage: str) -> None:
    while True:
        with world.runtime.database.system() as session:
            if session.get_one(IntakeRun, (world.shop_id, run_id)).stage == stage:
                return
        running.carry_on(world.runtime, world.shop_id, run_id, seconds=0)


STEPS: list[tuple[Any, str]] = [
    (intake, "held"),
    (intake, "next_stage"),
    (intake, "count"),
]


def kill_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, turn: int) -> Callable[[], None]:
    """Die at the n-th call of a function, after it did its work and before its transaction is kept."""
    whole, calls = getattr(owner, name), [0]

    def dying(*args: Any, **more: Any) -> Any:
        result = whole(*args, **more)
        calls[0] += 1
        if calls[0] == turn:
            raise Killed
        return result

    monkeypatch.setattr(owner, name, dying)
    return lambda: monkeypatch.setattr(owner, name, whole)


def killed_again_and_again(world: World, monkeypatch: pytest.MonkeyPatch, turns: list[int]) -> int:
    """Run an import that dies at these turns of its steps, one after the other; returns how often it died."""
    run_id, deaths = world.begin("import"), 0
    for place, turn in enumerate(turns):
        owner, name = STEPS[place % len(STEPS)]
        heal = kill_at(monkeypatch, owner, name, turn)
        try:
            world.finish(run_id)
        except Killed:
            deaths += 1
        heal()
    assert world.finish(run_id).state == "done"
    return deaths


def test_an_importer_that_is_killed_at_every_stage_ends_where_it_would_have(
    world: World, expected: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not expected:
        undisturbed(world, expected)
        return
    in_small_pieces(monkeypatch)
    assert killed_again_and_again(world, monkeypatch, [2, 1, 3, 4, 2, 2, 5, 1]) >= 6
    hold(world, expected)


def test_a_killed_start_is_found_again_and_not_started_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = world.begin("import")
    heal = kill_at(monkeypatch, bulk, "start", 1)
    with pytest.raises(Killed):
        world.finish(run_id)
    heal()
    assert world.finish(run_id).state == "done"
    queries = [one["query"].splitlines()[0] for one in world.store.state.all(SHOP, "bulk_operation")]
    assert queries == [f"# perennial run 1.{run_id} {stage} 0" for stage in ("customers", "products", "orders")]


@pytest.mark.parametrize("stage", ["orders", "take"])
def test_staging_that_a_crash_of_the_database_emptied_is_read_anew(
    world: World, expected: Rows, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    if not expected:
        undisturbed(world, expected)
        return
    in_small_pieces(monkeypatch)
    run_id = world.begin("import")
    _until(world, run_id, stage)
    world.troubles("dropped")
    while not world.rows(f"select 1 from intake_runs where stage = '{stage}' and position > 0 and id = {run_id}"):
        running.carry_on(world.runtime, world.shop_id, run_id, seconds=0)
    with world.runtime.database.system() as session:
        for (table,) in session.execute(text("select tablename from pg_tables where schemaname = 'staging'")).all():
            session.execute(text(f"truncate staging.{table}"))
    assert world.finish(run_id).state == "done"
    hold(world, expected)


def test_orders_that_may_not_be_seen_with_their_persons_come_without_them(world: World) -> None:
    with world.runtime.database.system() as session:
        intake.begin(session, world.shop_id, "import")
        session.execute(text("update intake_runs set bare = true"))
    run = world.finish(1)
    assert (run.state, run.counts["orders"], run.counts["customers"]) == ("done", 12, 4)
    assert world.rows("select distinct email from orders") == [(None,)]
    assert world.rows("select distinct email, first_name from customers") == [(None, None)]


def test_figures_of_a_lifetime_come_from_the_customer_where_orders_are_out_of_reach(world: World) -> None:
    run_id = world.begin("import")
    _until(world, run_id, "products")
    with world.runtime.database.system() as session:
        # Shopify shows the newest only, as without read_all_orders: here the one that was cancelled at last.
        session.get_one(IntakeRun, (world.shop_id, run_id)).since = BEGIN + timedelta(days=41)
    assert world.finish(run_id).counts["orders"] == 1
    totals = "select sum(orders)::int, sum(lifetime_orders)::int, bool_and(history_known) from account_totals"
    assert world.rows(totals) == [(0, 9, True)]
