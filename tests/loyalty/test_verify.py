"""`ledger verify` finds whatever was changed by hand, and nothing where nothing was."""

import pytest
from sqlalchemy import text

from app import clock
from app.customers import accounts
from app.loyalty import ledger, programs
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import Source
from app.loyalty.verify import Verdict, verify
from app.runtime import Runtime
from app.shops.models import Shop


@pytest.fixture
def holder(runtime: Runtime, shop: Shop) -> Holder:
    """An account with an award, a redemption over it, and a debt."""
    with runtime.database.shop(shop.id) as session:
        account = accounts.accounts_of_customers(session, [(shop.id, 7)])[shop.id, 7]
        program = programs.default_program(session, shop.id)
        holder = Holder(shop.id, program.id, account)
        ledger.lock_balances(session, [holder])
        ledger.post(session, [posting(holder, "order", "1", 120), posting(holder, "order", "2", 30)])
        ledger.post(session, [posting(holder, "redemption", "r", -100)])
        ledger.post(session, [posting(holder, "order", "1", -90)])
    return holder


def posting(holder: Holder, kind: str, key: str, points: int) -> Posting:
    source = Source(kind, key)
    return Posting(holder=holder, source=source, points=points, reason="order_earned", business_at=clock.now())


def verdict(runtime: Runtime) -> Verdict:
    with runtime.database.system() as session:
        return verify(session)


def test_a_ledger_that_was_only_posted_to_agrees(runtime: Runtime, holder: Holder) -> None:
    found = verdict(runtime)
    assert found.agrees
    assert (found.accounts, found.entries, found.points) == (1, 4, -40)


@pytest.mark.parametrize(
    "change",
    [
        "update ledger_entries set points = points + 1 where source_id = '2'",
        "delete from ledger_entries where source_id = '2'",
        "update ledger_entries set source_id = '3' where source_id = '2'",
        "update balances set points = points + 1",
        "update balances set lifetime = lifetime + 1",
        "delete from balances",
        "update lots set granted = granted + 1, remaining = remaining + 1 where source_id = '2'",
        "update lots set granted = granted + 1 where source_id = '1'",
        "update lot_uses set points = points + 1 where lot_id = 0",
        "delete from lot_uses where lot_id <> 0",
        "update lot_uses set source_id = 'other'",
    ],
)
def test_a_changed_row_is_found(runtime: Runtime, holder: Holder, change: str) -> None:
    with runtime.database.system() as session:
        session.execute(text(change))
    found = verdict(runtime)
    assert not found.agrees
    assert {item.account_id for item in found.disagreements} == {holder.account_id}


def test_two_changes_that_cancel_out_are_found_by_their_sources(runtime: Runtime, holder: Holder) -> None:
    with runtime.database.system() as session:
        session.execute(text("update ledger_entries set points = points + 5 where source_id = '2'"))
        session.execute(text("update ledger_entries set points = points - 5 where source_kind = 'redemption'"))
    assert {item.subject for item in verdict(runtime).disagreements} >= {"order 2", "redemption r"}
