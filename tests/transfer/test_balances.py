"""Balances from a file: what is posted, what a dry run says, what an undo leaves, what an interruption does."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from app import clock
from app.customers import accounts
from app.errors import Conflict
from app.loyalty import ledger, moves, programs
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import LotDates, Source, expiry_of
from app.runtime import Runtime
from app.shops.models import Shop
from app.transfer import balances as transfer
from app.transfer.errors import FileRefused
from app.transfer.models import BalanceImport
from tests.transfer.tables import assert_green, balances, everything, rows

FILE = """email,customer_id,points,lifetime,earned_at,expires_at,note
ada@example.com,,120,,,,
,7,30,100,2026-01-02,2027-11-30,from the card
bob@example.com,,0,,,,
,7,20,,2026-01-02,2027-12-31,
eve@example.com,,0,40,,,
"""


def start(runtime: Runtime, shop: Shop, content: str = FILE, **how: Any) -> BalanceImport:
    with runtime.database.system() as session:
        return transfer.start(session, shop, io.BytesIO(content.encode()), actor="staff:1", **how)


def run(runtime: Runtime, shop: Shop, content: str = FILE, *, chunk: int = 2, **how: Any) -> BalanceImport:
    imported = start(runtime, shop, content, **how)
    return transfer.carry_on(runtime.database, shop.id, imported.id, chunk=chunk)


def undo(runtime: Runtime, shop: Shop, imported: BalanceImport, chunk: int = 2) -> BalanceImport:
    return transfer.take_back(runtime.database, shop.id, imported.id, actor="staff:2", chunk=chunk)


def post(runtime: Runtime, shop: Shop, customer: int, *changes: tuple[str, str, int]) -> Holder:
    """Post points to a customer's account, which is made when it is missing."""
    with runtime.database.system() as session:
        account = accounts.accounts_of_customers(session, [(shop.id, customer)])[shop.id, customer]
        holder = Holder(shop.id, programs.default_program(session, shop.id).id, account)
        ledger.lock_balances(session, [holder])
        for kind, key, points in changes:
            posting = Posting(
                holder=holder, source=Source(kind, key), points=points, reason="x", business_at=clock.now()
            )
            ledger.post(session, [posting])
    return holder


def test_balances_lots_and_lifetimes_are_those_of_the_file(runtime: Runtime, shop: Shop) -> None:
    imported = run(runtime, shop)
    assert (imported.state, imported.rows, imported.points, imported.silent) == ("done", 5, 170, True)
    assert balances(runtime, shop.id) == {"ada@example.com": (120, 120), "7": (50, 120), "eve@example.com": (0, 40)}
    assert_green(runtime)
    with runtime.database.system() as session:
        lots = rows(session, "lots", shop.id)
        found = {(lot["source_id"], lot["granted"], lot["remaining"], lot["expires_at"]) for lot in lots}
        assert {(key.partition(":")[2], *rest) for key, *rest in found} == {
            ("2", 120, 120, None),
            ("3:spent", 70, 0, None),
            ("3", 30, 30, "2027-11-30T23:00:00+00:00"),
            ("5", 20, 20, "2027-12-31T23:00:00+00:00"),
            ("6:spent", 40, 0, None),
        }
        assert [note["note"] for note in rows(session, "ledger_notes", shop.id)] == ["from the card"]
        entries = rows(session, "ledger_entries", shop.id)
        assert sorted((entry["source_kind"], entry["points"], entry["reason"]) for entry in entries) == [
            ("import", 20, "imported"),
            ("import", 30, "imported"),
            ("import", 40, "spent_before_import"),
            ("import", 70, "spent_before_import"),
            ("import", 120, "imported"),
            ("import_spent", -70, "spent_before_import"),
            ("import_spent", -40, "spent_before_import"),
        ]
        assert {entry["actor"] for entry in entries} == {"staff:1"}
        left = rows(session, "balance_import_rows", shop.id)
        assert {(row["email"], row["customer_id"], row["note"]) for row in left} == {(None, None, None)}
        assert session.scalar(text("select count(*) from procrastinate_jobs")) == 0


def test_an_address_leads_to_the_customer_who_has_verified_it(runtime: Runtime, shop: Shop) -> None:
    holder = post(runtime, shop, 9)
    with runtime.database.system() as session:
        session.execute(
            text("insert into customers (shop_id, id, email, verified_email) values (:s, 9, 'ada@example.com', true)"),
            {"s": shop.id},
        )
    run(runtime, shop)
    assert balances(runtime, shop.id)["9"] == (120, 120)
    with runtime.database.system() as session:
        assert (
            session.scalar(text("select points from balances where account_id = :a"), {"a": holder.account_id}) == 120
        )
        assert session.scalar(text("select count(*) from identities where value = 'ada@example.com'")) == 0


def test_new_points_pay_what_is_owed_and_an_undo_makes_it_owed_again(runtime: Runtime, shop: Shop) -> None:
    post(runtime, shop, 7, ("order", "1", 60), ("adjustment", "r", -60), ("order", "1", -60))
    before = everything(runtime, shop.id)
    imported = run(runtime, shop)
    assert balances(runtime, shop.id)["7"] == (-10, 60)
    assert_green(runtime)
    assert undo(runtime, shop, imported).state == "undone"
    assert everything(runtime, shop.id) == before
    assert_green(runtime)


def test_a_dry_run_writes_nothing_and_says_what_the_run_does(runtime: Runtime, shop: Shop) -> None:
    post(runtime, shop, 7, ("adjustment", "r", -35))
    before = everything(runtime, shop.id, without=set())
    with runtime.database.system() as session:
        said = transfer.dry_run(session, shop, io.BytesIO(FILE.encode()))
    assert everything(runtime, shop.id, without=set()) == before
    assert (said.rows, said.points, said.lifetime, said.people, said.new_accounts) == (5, 170, 280, 4, 2)
    assert (said.debts_paid, said.bad, said.errors) == (35, 0, ())
    assert [(row.line, row.who, row.points, row.balance, row.balance_after) for row in said.first] == [
        (2, "email ada@example.com", 120, 0, 120),
        (3, "customer 7", 30, -35, 15),
        (4, "email bob@example.com", 0, 0, 0),
        (5, "customer 7", 20, -35, 15),
        (6, "email eve@example.com", 0, 0, 0),
    ]
    run(runtime, shop)
    assert balances(runtime, shop.id) == {"ada@example.com": (120, 120), "7": (15, 85), "eve@example.com": (0, 40)}


BAD = "email,points\nada@example.com,10\nbob,5\nADA@example.com,10\neve@example.com,5\n"


def test_a_wrong_row_keeps_everything_out_unless_it_is_to_be_skipped(runtime: Runtime, shop: Shop) -> None:
    before = everything(runtime, shop.id, without=set())
    with pytest.raises(FileRefused) as refused:
        start(runtime, shop, BAD)
    assert [(error.line, error.column) for error in refused.value.errors] == [(3, "email"), (4, "")]
    assert refused.value.errors[1].problem == "The same customer is in line 2 already."
    assert everything(runtime, shop.id, without=set()) == before
    imported = run(runtime, shop, BAD, skip_bad=True)
    assert (imported.rows, imported.points, imported.skipped) == (2, 15, 2)
    assert balances(runtime, shop.id) == {"ada@example.com": (10, 10), "eve@example.com": (5, 5)}


def test_the_same_file_is_refused_until_somebody_insists(runtime: Runtime, shop: Shop) -> None:
    first = run(runtime, shop)
    with pytest.raises(Conflict, match=first.id):
        start(runtime, shop)
    assert run(runtime, shop, again=True).id != first.id
    assert balances(runtime, shop.id)["ada@example.com"] == (240, 240)
    assert_green(runtime)


def test_after_an_undo_the_file_may_come_again(runtime: Runtime, shop: Shop) -> None:
    undo(runtime, shop, run(runtime, shop))
    run(runtime, shop)
    assert balances(runtime, shop.id)["ada@example.com"] == (120, 120)


def test_an_interrupted_import_goes_on_where_it_stopped(runtime: Runtime, shop: Shop) -> None:
    class Killed(Exception):
        pass

    def killer(_position: int) -> None:
        raise Killed

    imported = start(runtime, shop)
    with pytest.raises(Killed):
        transfer.carry_on(runtime.database, shop.id, imported.id, killer, chunk=2)
    with runtime.database.system() as session:
        assert transfer.locked(session, shop.id, imported.id).state == "posting"
    assert_green(runtime)
    again = run(runtime, shop)
    assert (again.id, again.state) == (imported.id, "done")
    assert balances(runtime, shop.id) == {"ada@example.com": (120, 120), "7": (50, 120), "eve@example.com": (0, 40)}


def test_an_interrupted_import_can_be_undone_and_an_interrupted_undo_goes_on(runtime: Runtime, shop: Shop) -> None:
    before = everything(runtime, shop.id)
    imported = start(runtime, shop)

    def killer(_position: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        transfer.carry_on(runtime.database, shop.id, imported.id, killer, chunk=3)
    with pytest.raises(InterruptedError):
        transfer.take_back(runtime.database, shop.id, imported.id, killer, actor="staff:2", chunk=1)
    assert_green(runtime)
    with pytest.raises(Conflict):
        start(runtime, shop)
    assert undo(runtime, shop, imported).state == "undone"
    assert everything(runtime, shop.id) == before
    with pytest.raises(Conflict):
        undo(runtime, shop, imported)


def _nothing(runtime: Runtime, shop: Shop) -> None:
    pass


def _customer_with_points(runtime: Runtime, shop: Shop) -> None:
    post(runtime, shop, 7, ("order", "1", 60), ("adjustment", "r", -20))


def _debtor(runtime: Runtime, shop: Shop) -> None:
    post(runtime, shop, 7, ("adjustment", "r", -20), ("adjustment", "s", -15))


def _deep_debtor(runtime: Runtime, shop: Shop) -> None:
    post(runtime, shop, 7, ("adjustment", "r", -500))


@pytest.mark.parametrize(
    ("world", "chunk"), [(_nothing, 1), (_nothing, 100), (_customer_with_points, 2), (_debtor, 2), (_deep_debtor, 100)]
)
def test_an_undo_restores_every_table(
    runtime: Runtime, shop: Shop, world: Callable[[Runtime, Shop], None], chunk: int
) -> None:
    world(runtime, shop)
    before = everything(runtime, shop.id)
    imported = run(runtime, shop, chunk=chunk)
    assert everything(runtime, shop.id) != before
    undo(runtime, shop, imported, chunk)
    assert everything(runtime, shop.id) == before
    assert_green(runtime)
    with runtime.database.system() as session:
        assert transfer.kept(session, shop.id, imported.id) == []


def test_what_was_spent_since_stays_spent_and_is_told(runtime: Runtime, shop: Shop) -> None:
    imported = run(runtime, shop)
    post(runtime, shop, 7, ("adjustment", "r", -35))
    undo(runtime, shop, imported)
    assert balances(runtime, shop.id) == {"7": (0, 0)}
    assert_green(runtime)
    with runtime.database.system() as session:
        assert [(row.row, row.kept) for row in transfer.kept(session, shop.id, imported.id)] == [(3, 30), (5, 5)]


def test_what_has_expired_since_is_taken_back_with_its_expiry(runtime: Runtime, shop: Shop) -> None:
    imported = run(runtime, shop)
    with runtime.database.system() as session:
        account = session.scalar(text("select account_id from identities where value = 'ada@example.com'"))
        holder = Holder(shop.id, programs.default_program(session, shop.id).id, int(account or 0))
        ledger.lock_balances(session, [holder])
        expired = Posting(
            holder=holder,
            source=expiry_of(Source("import", f"{imported.id}:2")),
            points=-120,
            reason="expired",
            business_at=clock.now(),
        )
        ledger.post(session, [expired])
    undo(runtime, shop, imported)
    assert "ada@example.com" not in balances(runtime, shop.id) or balances(runtime, shop.id)["ada@example.com"] == (
        0,
        0,
    )
    assert_green(runtime)


def test_points_of_merged_accounts_are_taken_back_where_they_went(runtime: Runtime, shop: Shop) -> None:
    imported = run(runtime, shop)
    root = post(runtime, shop, 8)
    with runtime.database.system() as session:
        absorbed = session.scalar(text("select account_id from identities where value = '7'"))
        session.execute(
            text("update accounts set merged_into = :root where id = :id"), {"root": root.account_id, "id": absorbed}
        )
        session.execute(
            text("insert into account_merges (shop_id, kept, absorbed, cause, at) values (:s, :k, :a, 'staff', :at)"),
            {"s": shop.id, "k": root.account_id, "a": absorbed, "at": clock.now()},
        )
        moves.carry_over(session, [root])
    assert balances(runtime, shop.id)["8"] == (50, 120)
    post(runtime, shop, 8, ("adjustment", "r", -10))
    undo(runtime, shop, imported)
    found = balances(runtime, shop.id)
    assert found["8"] == (0, 0)
    assert found["7"] == (0, 0)
    assert_green(runtime)


def test_an_account_that_has_done_something_since_stays(runtime: Runtime, shop: Shop) -> None:
    imported = run(runtime, shop)
    with runtime.database.system() as session:
        account = session.scalar(text("select account_id from identities where value = 'ada@example.com'"))
        session.execute(
            text("insert into orders (shop_id, id, account_id, updated_at) values (:s, 1, :a, :now)"),
            {"s": shop.id, "a": account, "now": datetime(2026, 1, 1, tzinfo=UTC)},
        )
    undo(runtime, shop, imported)
    with runtime.database.system() as session:
        assert [row["value"] for row in rows(session, "identities", shop.id)] == ["ada@example.com"]


def test_points_land_as_the_ledger_itself_would_post_them(runtime: Runtime, shop: Shop) -> None:
    """The set-based way and the ledger's own leave the same lots, uses and balances."""
    run(runtime, shop, chunk=100)
    quick = _points(runtime, shop)
    with runtime.database.system() as session:
        session.execute(text("truncate lots, lot_uses, balances"))
        entries = rows(session, "ledger_entries", shop.id)
        dates = {"3": "2027-11-30T23:00:00+00:00", "5": "2027-12-31T23:00:00+00:00"}
        for entry in sorted(entries, key=lambda entry: entry["id"]):
            holder = Holder(shop.id, entry["program_id"], entry["account_id"])
            ledger.lock_balances(session, [holder])
            at = datetime.fromisoformat(entry["business_at"])
            end = dates.get(entry["source_id"].partition(":")[2]) if entry["source_kind"] == "import" else None
            posting = Posting(
                holder=holder,
                source=Source(entry["source_kind"], entry["source_id"]),
                points=entry["points"],
                reason="again",
                business_at=at,
                dates=LotDates(at, datetime.fromisoformat(end) if end else None),
                prefer=Source("import", entry["source_id"]),
            )
            ledger.post(session, [posting])
    assert _points(runtime, shop) == quick


def _points(runtime: Runtime, shop: Shop) -> list[list[dict[str, object]]]:
    with runtime.database.system() as session:
        found = [rows(session, table, shop.id) for table in ("lots", "lot_uses", "balances")]
        ids = {lot["id"]: lot["source_id"] for lot in found[0]}
        for lot in found[0]:
            del lot["id"]
        for use in found[1]:
            use["lot_id"] = ids[use["lot_id"]]
        return [sorted(part, key=str) for part in found]
