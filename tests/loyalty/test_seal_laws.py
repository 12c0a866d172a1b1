"""Whatever was posted and sealed agrees, and whatever was changed by hand afterwards is found."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.db import Database
from app.loyalty import seals
from app.loyalty.ledger import Holder
from app.loyalty.verify import Verdict, verify
from app.runtime import Runtime
from app.shops.models import Shop
from tests.loyalty.sealing import a_holder, entry, open_posting, post, run, seal, verdict
from tests.soak_page import write_section

KINDS = ("order", "adjustment", "action")


@pytest.fixture
def holder(runtime: Runtime, shop: Shop) -> Holder:
    """An account without points, its balance row made."""
    return a_holder(runtime, shop)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three entries a block, so that few entries make a chain."""
    monkeypatch.setattr(seals, "BLOCK", 3)


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


@settings(max_examples=10, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, seed=st.integers(0, 1 << 30))
def test_whatever_was_posted_and_sealed_agrees_and_one_change_does_not(
    runtime: Runtime, shop: Shop, steps: list[tuple[Any, ...]], seed: int
) -> None:
    agrees_until_changed(runtime, shop, steps, seed)


@pytest.mark.soak
def test_the_same_many_times(runtime: Runtime, shop: Shop) -> None:
    cases = 1_000

    @settings(max_examples=cases, deadline=None, database=None)
    @given(steps=STEPS, seed=st.integers(0, 1 << 30))
    def law(steps: list[tuple[Any, ...]], seed: int) -> None:
        agrees_until_changed(runtime, shop, steps, seed)

    law()
    write_section(
        "Sealing and verification",
        f"{cases:,} generated histories of postings, roll-backs and seals: `ledger verify` agreed with every one, and"
        " found one changed column in each, of entries, blocks, ends of chains, notes, balances, lots or uses.",
    )


def agrees_until_changed(runtime: Runtime, shop: Shop, steps: list[tuple[Any, ...]], seed: int) -> None:
    run(runtime, f"truncate {', '.join([*SEALED, *FIGURES, 'seal_marks'])}")
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
