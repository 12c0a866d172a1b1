"""A person who is forgotten while an import is in hand: nothing of them lies ready, and nothing comes back by it."""

import pytest
from sqlalchemy import text

from app.intake import running
from app.shops import privacy
from tests.intake.conftest import World
from tests.intake.test_import import _until, in_small_pieces

NOBODY = {"customer": 0, "orders": 0, "identities": 0, "staged": 0}


def forget(world: World, **customer: int | str) -> None:
    with world.runtime.database.system() as session:
        body = {"customer": customer, "orders_to_redact": []}
        privacy.redact_customer(session, world.shop_id, body, "webhook")


def named(world: World, email: str) -> dict[str, int]:
    """Where an address is found."""
    with world.runtime.database.system() as session:
        staged = session.scalar(text("select to_regclass('staging.orders_1')"))
        places = {
            "customer": "customers where email",
            "orders": "orders where email",
            "identities": "identities where value",
        }
        if staged:
            places["staged"] = "staging.orders_1 where email"
        counts = {
            name: session.scalar(text(f"select count(*) from {place} = :email"), {"email": email}) or 0
            for name, place in places.items()
        }
    return {"staged": 0} | counts


def customer(world: World, n: int) -> int:
    return int(world.rows(f"select id from customers order by id offset {n} limit 1")[0][0])


@pytest.mark.parametrize("stage", ["take_products", "take"])
def test_a_customer_who_is_forgotten_during_an_import_stays_so(
    world: World, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    in_small_pieces(monkeypatch)
    run_id = world.begin("import")
    _until(world, run_id, stage)
    person = customer(world, 1)
    assert named(world, "person1@example.com")["staged"] == (0 if stage == "take_products" else 2)
    forget(world, id=person, email="person1@example.com")
    assert named(world, "person1@example.com") == NOBODY
    _until(world, run_id, "accounts")
    assert named(world, "person1@example.com") == NOBODY
    assert world.finish(run_id).state == "done"
    assert named(world, "person1@example.com") == NOBODY
    assert world.rows(f"select count(*), sum(total_minor) > 0 from orders where customer_id = {person}") == [(2, True)]


def test_a_guest_who_is_forgotten_during_an_import_stays_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    in_small_pieces(monkeypatch)
    run_id = world.begin("import")
    _until(world, run_id, "take")
    running.carry_on(world.runtime, world.shop_id, run_id, seconds=0)
    before = named(world, "guest@example.com")
    assert (before["staged"], before["orders"]) == (2, 1)
    forget(world, email="guest@example.com")
    assert named(world, "guest@example.com") == NOBODY
    assert world.finish(run_id).state == "done"
    assert named(world, "guest@example.com") == NOBODY
    [(receipt,)] = world.rows("select receipt from privacy_requests")
    assert '"staged_orders": 2' in receipt
    assert world.rows("select count(*) from orders where customer_id is null and redacted_at is not null") == [(2,)]
