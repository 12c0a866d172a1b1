"""Sealing waits for whoever took an id before, and the sealed past cannot be changed without being found."""

import threading

import pytest
from sqlalchemy import text

from app.loyalty import seals
from app.loyalty.ledger import Holder
from app.runtime import Runtime
from app.shops.models import Shop
from app.shops.privacy import Person, erase
from tests.factories import make_shop
from tests.loyalty.sealing import a_holder, blocks, entry, laws_broken, open_posting, post, run, seal, verdict


@pytest.fixture
def holder(runtime: Runtime, shop: Shop) -> Holder:
    """An account without points, its balance row made."""
    return a_holder(runtime, shop)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three entries a block, so that few entries make a chain."""
    monkeypatch.setattr(seals, "BLOCK", 3)


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
    # Who finds another at work leaves the rest to the next round.
    assert sum(sealed) + seal(runtime) == 40
    assert [number for number, *_ in blocks(runtime.database)] == list(range(1, 15))
    assert verdict(runtime).agrees


def test_a_sealer_that_finds_another_at_work_does_not_close_what_is_not_sealed(
    runtime: Runtime, holder: Holder
) -> None:
    post(runtime, *(entry(holder, str(n)) for n in range(5)))
    assert seal(runtime) == 5
    post(runtime, *(entry(holder, str(n)) for n in range(5, 12)))
    seals._wait_for_mark(runtime.database, 5)
    with runtime.database.system() as other:
        other.execute(text("select from ledger_heads for update"))
        assert seal(runtime, patience=0) == 0
    assert seal(runtime) == 7
    assert verdict(runtime).agrees


def test_sealing_while_many_post_leaves_nothing_behind(runtime: Runtime, shop: Shop) -> None:
    holders = [a_holder(runtime, shop, customer) for customer in range(1, 5)]

    def post_many(holder: Holder) -> None:
        for number in range(12):
            post(runtime, entry(holder, str(number)))

    threads = [threading.Thread(target=post_many, args=(holder,)) for holder in holders]
    for thread in threads:
        thread.start()
    sealed = 0
    while any(thread.is_alive() for thread in threads):
        sealed += seal(runtime, patience=0)
        assert verdict(runtime).disagreements == ()
    assert sealed + seal(runtime) == 48
    assert verdict(runtime).disagreements == ()


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
