"""Sealing waits for whoever took an id before, and the sealed past cannot be changed without being found."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app import clock
from app.customers import accounts
from app.db import Database
from app.loyalty import ledger, programs, seals
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import Source
from app.loyalty.verify import Verdict, verify
from app.runtime import Runtime
from app.shops.models import Shop
from app.shops.privacy import Person, erase
from tests.factories import make_shop

KINDS = ("order", "adjustment", "action")


@pytest.fixture
def holder(runtime: Runtime, shop: Shop) -> Holder:
    """An account without points, its balance row made."""
    return a_holder(runtime, shop)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three entries a block, so that few entries make a chain."""
    monkeypatch.setattr(seals, "BLOCK", 3)


def a_holder(runtime: Runtime, shop: Shop, customer: int = 7) -> Holder:
    with runtime.database.shop(shop.id) as session:
        account = accounts.accounts_of_customers(session, [(shop.id, customer)])[shop.id, customer]
        holder = Holder(shop.id, programs.default_program(session, shop.id).id, account)
        ledger.lock_balances(session, [holder])
    return holder


def entry(holder: Holder, key: str, points: int = 10, kind: str = "order", note: str | None = None) -> Posting:
    return Posting(
        holder=holder, source=Source(kind, key), points=points, reason="r", business_at=clock.now(), note=note
    )


def post(runtime: Runtime, *entries: Posting) -> None:
    with runtime.database.system() as session:
        ledger.lock_balances(session, {posting.holder for posting in entries})
        ledger.post(session, entries)


@contextmanager
def open_posting(runtime: Runtime, posting: Posting) -> Iterator[None]:
    """A transaction that has written an entry and is not committed before the block ends."""
    with runtime.database.shop(posting.holder.shop_id) as session:
        ledger.lock_balances(session, [posting.holder])
        ledger.post(session, [posting])
        yield


def seal(runtime: Runtime, patience: float = 30) -> int:
    """Transactions of other databases of the server count too, so a test is patient where it expects to seal."""
    return seals.seal_all(runtime.database, patience=patience)


def verdict(runtime: Runtime) -> Verdict:
    with runtime.database.system() as session:
        return verify(session)


def run(runtime: Runtime, statement: str, **parameters: Any) -> None:
    with runtime.database.system() as session:
        session.execute(text(statement), parameters)


def blocks(database: Database) -> list[tuple[int, int, int, int]]:
    """(number, first id, last id, entries) of every block."""
    with database.system() as session:
        rows = session.execute(text("select number, first_id, last_id, entries from ledger_blocks order by 1"))
        return [tuple(row) for row in rows]


def test_committed_entries_become_a_chain_of_blocks(runtime: Runtime, holder: Holder) -> None:
    post(runtime, *(entry(holder, str(n)) for n in range(7)))
    assert verdict(runtime).unsealed.entries == 7
    assert seal(runtime) == 7
    assert blocks(runtime.database) == [(1, 1, 3, 3), (2, 4, 6, 3), (3, 7, 7, 1)]
    assert seal(runtime) == 0
    post(runtime, entry(holder, "8"))
    assert seal(runtime) == 1
    assert blocks(runtime.database)[3:] == [(4, 8, 8, 1)]
    found = verdict(runtime)
    assert (found.disagreements, found.unsealed.entries, found.unsealed.seconds) == ((), 0, 0)


def test_an_id_taken_earlier_and_committed_later_is_waited_for(runtime: Runtime, shop: Shop, holder: Holder) -> None:
    other = a_holder(runtime, shop, 8)
    with open_posting(runtime, entry(other, "slow")):  # takes id 1
        post(runtime, entry(holder, "quick"))  # id 2
        assert seal(runtime, patience=0) == 0
        post(runtime, entry(holder, "quicker"))  # id 3
        assert seal(runtime, patience=0) == 0
        assert blocks(runtime.database) == []
    assert seal(runtime) == 3
    assert blocks(runtime.database) == [(1, 1, 3, 3)]
    assert verdict(runtime).agrees


def test_what_was_marked_is_sealed_while_a_later_transaction_is_open(
    runtime: Runtime, shop: Shop, holder: Holder
) -> None:
    """Somebody always writes; a mark that was made before him becomes true all the same."""
    other, third = a_holder(runtime, shop, 8), a_holder(runtime, shop, 9)
    with open_posting(runtime, entry(other, "first")):  # id 1
        post(runtime, entry(holder, "second"))  # id 2
        assert seal(runtime, patience=0) == 0
    with open_posting(runtime, entry(third, "late")):  # id 3, its transaction began after the mark of id 2
        while not (sealed := seal(runtime, patience=0.2)):
            pass
        assert sealed == 2
        assert verdict(runtime).agrees
    assert seal(runtime) == 1
    assert verdict(runtime).disagreements == ()


def test_an_id_that_was_rolled_back_is_a_gap_and_no_disagreement(runtime: Runtime, holder: Holder) -> None:
    with pytest.raises(ZeroDivisionError), open_posting(runtime, entry(holder, "never")):
        raise ZeroDivisionError
    post(runtime, entry(holder, "there"))
    assert seal(runtime) == 1
    assert blocks(runtime.database) == [(1, 2, 2, 1)]
    assert verdict(runtime).agrees


def test_a_mark_of_a_cluster_that_counted_further_is_thrown_away(runtime: Runtime, holder: Holder) -> None:
    run(runtime, "insert into seal_marks (upto, xid) values (1, 9000000000000000000)")
    post(runtime, entry(holder, "1"))
    assert seal(runtime) == 1
    assert verdict(runtime).agrees


def test_shops_have_chains_of_their_own(runtime: Runtime, holder: Holder) -> None:
    other = a_holder(runtime, make_shop(runtime, "other.myshopify.com"))
    post(runtime, entry(holder, "1"), entry(other, "1"), entry(holder, "2"), entry(other, "2"))
    assert seal(runtime) == 4
    with runtime.database.system() as session:
        chains = session.execute(text("select shop_id, number, entries from ledger_blocks order by 1, 2")).all()
    assert chains == [(holder.shop_id, 1, 2), (other.shop_id, 1, 2)]
    assert verdict(runtime).agrees


def test_two_sealers_at_a_time_make_one_chain(runtime: Runtime, holder: Holder) -> None:
    post(runtime, *(entry(holder, str(n)) for n in range(40)))
    sealed: list[int] = []
    threads = [threading.Thread(target=lambda: sealed.append(seal(runtime))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sealed) == 40
    assert [number for number, *_ in blocks(runtime.database)] == list(range(1, 15))
    assert verdict(runtime).agrees


def test_a_row_added_with_an_old_id_is_found(runtime: Runtime, holder: Holder) -> None:
    with pytest.raises(ZeroDivisionError), open_posting(runtime, entry(holder, "never")):
        raise ZeroDivisionError
    post(runtime, entry(holder, "there"))
    seal(runtime)
    run(
        runtime,
        "insert into ledger_entries (shop_id, id, program_id, account_id, source_kind, source_id, points, reason,"
        " business_at, recorded_at) select shop_id, 1, program_id, account_id, 'adjustment', 'x', 5, 'r',"
        " business_at, recorded_at from ledger_entries",
    )
    assert "a sealed block has all its entries" in laws_broken(runtime)


def test_a_row_added_behind_the_last_block_is_found(runtime: Runtime, shop: Shop, holder: Holder) -> None:
    other = a_holder(runtime, make_shop(runtime, "other.myshopify.com"))
    post(runtime, entry(holder, "1"))
    post(runtime, entry(other, "1"), entry(other, "2"))
    seal(runtime)
    run(runtime, "update ledger_entries set shop_id = :shop where id = 3", shop=shop.id)
    assert "nothing is added to what is sealed" in laws_broken(runtime)
    assert seal(runtime) == 0


def test_a_removed_last_block_is_found_and_not_made_anew(runtime: Runtime, holder: Holder) -> None:
    post(runtime, *(entry(holder, str(n)) for n in range(7)))
    seal(runtime)
    run(runtime, "delete from ledger_blocks where number = 3")
    assert laws_broken(runtime) == {"a shop's chain ends with its last block", "nothing is added to what is sealed"}
    assert seal(runtime) == 0
    post(runtime, entry(holder, "8"))
    assert seal(runtime) == 1
    assert "no block is missing" in laws_broken(runtime)


def test_an_erased_note_leaves_everything_green(runtime: Runtime, holder: Holder) -> None:
    post(runtime, entry(holder, "1", note="Sorry, Ada!"))
    seal(runtime)
    with runtime.database.shop(holder.shop_id) as session:
        assert erase(session, holder.shop_id, Person(7, None, None))["notes"] == 1
    with runtime.database.system() as session:
        kept = session.execute(
            text("select note_digest is not null, (select count(*) from ledger_notes) from ledger_entries")
        ).one()
    assert kept == (True, 0)
    assert verdict(runtime).disagreements == ()


def laws_broken(runtime: Runtime) -> set[str]:
    return {item.law for item in verdict(runtime).disagreements}


# One change for each column; what a row is found by included.
CHANGES = {
    "shop_id": "shop_id + 1",
    "id": "id + 1000",
    "number": "number + 1000",
    "entry_id": "entry_id + 1000",
    "source_kind": "source_kind || 'x'",
    "source_id": "source_id || 'x'",
    "reason": "reason || 'x'",
    "rule_version": "coalesce(rule_version, 0) + 1",
    "business_at": "business_at + interval '1 microsecond'",
    "recorded_at": "'infinity'",
    "actor": "coalesce(actor, '') || 'x'",
    "note_digest": "sha256(coalesce(note_digest, ''))",
    "previous_hash": "sha256(previous_hash)",
    "hash": "sha256(hash)",
    "sealed_at": "sealed_at - interval '1 microsecond'",
    "entries": "entries + 9000000000000000000",
    "note": "note || ' '",
    "salt": "sha256(salt)",
}


def columns_of(database: Database, table: str) -> list[str]:
    query = "select column_name from information_schema.columns where table_name = :table order by 1"
    with database.system() as session:
        return list(session.execute(text(query), {"table": table}).scalars())


@pytest.mark.parametrize("table", ["ledger_entries", "ledger_blocks", "ledger_heads", "ledger_notes"])
def test_any_changed_column_is_found(runtime: Runtime, holder: Holder, table: str) -> None:
    post(runtime, *(entry(holder, str(n), note=f"note {n}") for n in range(5)))
    seal(runtime)
    for column in columns_of(runtime.database, table):
        assert not changed(runtime, table, column).agrees, column
    assert verdict(runtime).agrees


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.integers(0, 2), st.integers(-40, 60).filter(bool), st.sampled_from(KINDS)),
        st.tuples(st.just("seal")),
        st.tuples(st.just("fail"), st.integers(0, 2)),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, seed=st.integers(0, 1 << 30))
def test_whatever_was_posted_and_sealed_agrees_and_one_change_does_not(
    runtime: Runtime, shop: Shop, steps: list[tuple[Any, ...]], seed: int
) -> None:
    run(
        runtime,
        "truncate ledger_entries, ledger_notes, ledger_blocks, ledger_heads, seal_marks, lots, lot_uses, balances",
    )
    holders = [a_holder(runtime, shop, customer) for customer in (1, 2, 3)]
    for number, (what, *values) in enumerate(steps):
        if what == "post":
            who, points, kind = values
            post(runtime, entry(holders[who], str(number % 4), points, kind, note="n" if points > 50 else None))
        elif what == "seal":
            seal(runtime)
        else:
            with pytest.raises(ZeroDivisionError), open_posting(runtime, entry(holders[values[0]], "x")):
                raise ZeroDivisionError
    assert verdict(runtime).disagreements == ()
    seal(runtime)
    found = verdict(runtime)
    assert (found.disagreements, found.unsealed.entries) == ((), 0)
    one_change_is_found(runtime, random.Random(seed))


# Other columns of these say nothing about points where the points are 0.
FIGURES = {"balances": {"points", "lifetime"}, "lots": {"granted", "remaining"}, "lot_uses": {"points"}}
SEALED = ("ledger_entries", "ledger_blocks", "ledger_heads", "ledger_notes")


def one_change_is_found(runtime: Runtime, chance: random.Random) -> None:
    """Change one column of one row of one table."""
    with runtime.database.system() as session:
        tables = [t for t in (*SEALED, *FIGURES) if session.scalar(text(f"select exists (select from {t})"))]
    table = chance.choice(tables)
    column = chance.choice(sorted(FIGURES.get(table) or columns_of(runtime.database, table)))
    assert not changed(runtime, table, column).agrees, (table, column)


def changed(runtime: Runtime, table: str, column: str) -> Verdict:
    """What is found when one column of the first row is changed; nothing of it stays."""
    value, first = CHANGES.get(column, f"{column} + 1"), f"ctid = (select min(ctid) from {table})"
    with pytest.raises(ZeroDivisionError), runtime.database.system() as session:
        session.execute(text("set transaction isolation level repeatable read"))
        session.execute(text("alter table lots drop constraint lots_remaining_check"))
        assert session.execute(text(f"update {table} set {column} = {value} where {first} returning 1")).all()
        found = verify(session)
        raise ZeroDivisionError
    return found
