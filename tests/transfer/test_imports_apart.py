"""Imports that are not one's own, and imports as signs of life."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from app.errors import NotFound
from app.runtime import Runtime
from app.shops.models import Shop
from app.transfer import balances as transfer
from tests.transfer.tables import everything
from tests.transfer.test_balances import post, run, undo


def test_an_import_of_another_shop_is_not_found(runtime: Runtime, shop: Shop) -> None:
    with runtime.database.system() as session, pytest.raises(NotFound):
        transfer.locked(session, shop.id, "11111111-1111-1111-1111-111111111111")
    with runtime.database.system() as session, pytest.raises(NotFound):
        transfer.locked(session, shop.id, "1; drop table")


def test_an_import_is_a_sign_of_life_and_its_undo_takes_that_back(runtime: Runtime, shop: Shop) -> None:
    """Where rules let points end by inactivity, the accounts' ends move with the import, and back."""
    with runtime.database.system() as session:
        rules = {"earning": [{"kind": "per_unit", "points": 1}], "expiry": {"kind": "inactivity", "months": 12}}
        session.execute(text("update rule_versions set rules = cast(:r as jsonb)"), {"r": json.dumps(rules)})
    post(runtime, shop, 7, ("order", "1", 60))
    before = everything(runtime, shop.id)
    imported = run(
        runtime, shop, "email,customer_id,points,earned_at\nada@example.com,,5,2026-03-05\n,7,5,2026-03-05\n"
    )
    with runtime.database.system() as session:
        ends = session.execute(text("select idle_at from balances")).scalars().all()
    assert ends == [datetime(2027, 3, 5, 23, tzinfo=UTC)] * 2
    undo(runtime, shop, imported)
    assert everything(runtime, shop.id) == before
