"""`ledger verify` finds whatever was changed by hand, and nothing where nothing was."""

import re
import uuid

import pytest
from sqlalchemy import text

from app import clock
from app.customers import accounts
from app.loyalty import ledger, programs, seals
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import Source
from app.loyalty.models import Redemption, Reward
from app.loyalty.verify import Verdict, verify, verify_database
from app.runtime import Runtime
from app.shops.models import Shop
from tests.factories import make_shop

REDEMPTION = str(uuid.UUID(int=1))
CHANGES = (
    "update ledger_entries set points = points + 1 where source_id = '2'",
    "delete from ledger_entries where source_id = '2'",
    "update ledger_entries set source_id = '3' where source_id = '2'",
    "update ledger_entries set source_kind = 'import' where source_id = '2'",
    "update ledger_entries set points = 9223372036854775807 where source_id = '2'",
    "update balances set points = points + 1",
    "update balances set lifetime = lifetime + 1",
    "update balances set lifetime = 9223372036854775807",
    "delete from balances",
    "update lots set granted = granted + 1, remaining = remaining + 1 where source_id = '2'",
    "update lots set granted = granted + 1 where source_id = '1'",
    "delete from lots where source_id = '1'",
    "update lot_uses set points = points + 1 where lot_id = 0",
    "delete from lot_uses where lot_id <> 0",
    "update lot_uses set source_id = 'other'",
    "update lot_uses set lot_id = 99 where lot_id = 0",
    "update redemptions set state = 'cancelled'",
    "update redemptions set points = 99",
    "delete from redemptions",
)


class TakenBack(Exception):
    """Ends a transaction, so that nothing of it stays."""


@pytest.fixture
def holder(runtime: Runtime, shop: Shop) -> Holder:
    """An account with an award, a redemption over it, a debt, and a note."""
    return an_account(runtime, shop)


def an_account(runtime: Runtime, shop: Shop, customer: int = 7, redemption: str = REDEMPTION) -> Holder:
    with runtime.database.shop(shop.id) as session:
        account = accounts.accounts_of_customers(session, [(shop.id, customer)])[shop.id, customer]
        program = programs.default_program(session, shop.id)
        holder = Holder(shop.id, program.id, account)
        session.add(redeemed(holder, session.query(Reward).one().id, redemption))
        ledger.lock_balances(session, [holder])
        ledger.post(session, [posting(holder, "order", "1", 120), posting(holder, "order", "2", 30, note="Sorry!")])
        ledger.post(session, [posting(holder, "redemption", redemption, -100)])
        ledger.post(session, [posting(holder, "order", "1", -90)])
    return holder


def redeemed(holder: Holder, reward: int, redemption: str) -> Redemption:
    return Redemption(
        **holder._asdict(),
        id=redemption,
        reward_id=reward,
        points=100,
        code=redemption,
        state="used",
        created_at=clock.now(),
    )


def posting(holder: Holder, kind: str, key: str, points: int, note: str | None = None) -> Posting:
    source, now = Source(kind, key), clock.now()
    return Posting(holder=holder, source=source, points=points, reason="order_earned", business_at=now, note=note)


def verdict(runtime: Runtime) -> Verdict:
    with runtime.database.system() as session:
        return verify(session)


def change(runtime: Runtime, *statements: str) -> None:
    with runtime.database.system() as session:
        for statement in statements:
            session.execute(text(statement))


def test_a_ledger_that_was_only_posted_to_agrees(runtime: Runtime, holder: Holder) -> None:
    found = verdict(runtime)
    assert found.disagreements == ()
    assert (found.accounts, found.entries, found.points) == (1, 4, -40)


def test_a_changed_row_is_found(runtime: Runtime, holder: Holder) -> None:
    for change in CHANGES:
        with pytest.raises(TakenBack), runtime.database.system() as session:
            session.execute(text("set transaction isolation level repeatable read"))
            assert session.execute(text(f"{change} returning 1")).all(), change
            found = verify(session).disagreements
            assert {item.account_id for item in found} - {None} == {holder.account_id}, change
            raise TakenBack
    assert verdict(runtime).agrees


def test_two_changes_that_cancel_out_are_found_by_their_sources(runtime: Runtime, holder: Holder) -> None:
    change(
        runtime,
        "update ledger_entries set points = points + 5 where source_id = '2'",
        "update ledger_entries set points = points - 5 where source_kind = 'redemption'",
    )
    assert {item.subject for item in verdict(runtime).disagreements} >= {"order 2", f"redemption {REDEMPTION}"}


def test_points_that_changed_hands_are_found_on_both(runtime: Runtime, shop: Shop, holder: Holder) -> None:
    other = an_account(runtime, shop, customer=8, redemption=str(uuid.UUID(int=2)))
    change(
        runtime,
        f"update balances set points = points + 7, lifetime = lifetime + 7 where account_id = {holder.account_id}",
        f"update balances set points = points - 7, lifetime = lifetime - 7 where account_id = {other.account_id}",
    )
    found = verdict(runtime).disagreements
    assert {item.account_id for item in found} == {holder.account_id, other.account_id}


def test_points_beyond_all_measure_that_agree_are_no_disagreement(runtime: Runtime, holder: Holder) -> None:
    with runtime.database.shop(holder.shop_id) as session:
        ledger.lock_balances(session, [holder])
        ledger.post(session, [posting(holder, "adjustment", "huge", 1 << 61)])
    assert verdict(runtime).disagreements == ()


def test_one_shop_can_be_looked_at_alone(runtime: Runtime, holder: Holder) -> None:
    other = make_shop(runtime, "other.myshopify.com")
    theirs = an_account(runtime, other, redemption=str(uuid.UUID(int=2)))
    seals.seal_all(runtime.database)
    change(runtime, f"update ledger_entries set points = 1 where shop_id = {other.id} and source_id = '2'")
    mine = verify_database(runtime.database, holder.shop_id)
    assert (mine.agrees, mine.entries, mine.accounts) == (True, 4, 1)
    assert {item.shop_id for item in verify_database(runtime.database).disagreements} == {theirs.shop_id}


def test_all_connections_look_at_one_snapshot_and_tell_how_far_they_are(runtime: Runtime, holder: Holder) -> None:
    told: list[tuple[int, int]] = []

    def meddle(done: int, of: int) -> None:
        told.append((done, of))
        if done == 1:
            change(runtime, "update balances set points = 0")

    assert verify_database(runtime.database, progress=meddle).agrees
    assert [done for done, _ in told] == list(range(1, told[0][1] + 1))
    assert not verify_database(runtime.database).agrees


def test_the_outcome_is_told_in_words(runtime: Runtime, holder: Holder) -> None:
    change(
        runtime,
        "update balances set points = 1",
        "update ledger_entries set recorded_at = recorded_at - interval '400 s'",
    )
    told = [line.replace(f"shop {holder.shop_id}", "shop S") for line in verdict(runtime).told()]
    # The seconds since then may have become one or two more.
    assert [re.sub(r"for 40\d s", "for 400 s", line) for line in told] == [
        f"the balance is the sum of the entries: shop S, account {holder.account_id}: should be -40, is 1",
        f"the balance is what remains in lots less what is owed: shop S, account {holder.account_id}:"
        " should be -40, is 1",
        "4 entries wait for their seal, the oldest for 400 s.",
        "Sealing is late: it happens every minute where a worker runs (`perennial doctor`).",
        "1 accounts, 4 entries, -40 points: 2 figures disagree.",
    ]
