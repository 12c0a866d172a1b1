"""The state: copies, indexes, pages, transactions that nest, a file that outlives the process."""

import threading
from pathlib import Path

import pytest

from dev_store.state import FIRST_ID, State, public

SHOP = "tea.myshopify.com"


def test_a_document_is_a_copy_until_it_is_put_again(state: State) -> None:
    state.put(SHOP, "order", 1, {"id": 1, "name": "#1"})
    found = state.get(SHOP, "order", 1)
    assert found is not None
    found["name"] = "#2"
    assert state.get(SHOP, "order", 1) == {"id": 1, "name": "#1"}


def test_documents_come_in_the_order_of_their_ids_page_by_page(state: State) -> None:
    for key in (30, 9, 100, 2):
        state.put(SHOP, "order", key, {"id": key})
    state.put("other.myshopify.com", "order", 5, {"id": 5})
    assert [doc["id"] for doc in state.all(SHOP, "order")] == [2, 9, 30, 100]
    assert [doc["id"] for doc in state.page(SHOP, "order", 9, 2)] == [30, 100]
    assert state.count(SHOP, "order") == 4


def test_an_index_follows_what_is_put_and_deleted(state: State) -> None:
    state.put(SHOP, "customer", 1, {"id": 1, "email": " Ann@Example.com "})
    assert [doc["id"] for doc in state.find(SHOP, "customer", "email", "ann@example.com")] == [1]
    state.put(SHOP, "customer", 1, {"id": 1, "email": "bob@example.com"})
    assert state.find(SHOP, "customer", "email", "ann@example.com") == []
    state.delete(SHOP, "customer", 1)
    assert state.find(SHOP, "customer", "email", "bob@example.com") == []


def test_a_field_without_an_index_cannot_be_searched(state: State) -> None:
    with pytest.raises(KeyError):
        state.find(SHOP, "customer", "shoe_size", 44)


def test_a_transaction_that_fails_leaves_nothing_not_even_its_callbacks(state: State) -> None:
    called: list[str] = []
    with pytest.raises(RuntimeError):
        _put_and_fail(state, 1, called)
    assert state.get(SHOP, "order", 1) is None
    assert called == []


def test_an_inner_transaction_can_fail_alone(state: State) -> None:
    called: list[str] = []
    with state.transaction():
        state.put(SHOP, "order", 1, {"id": 1})
        state.after_commit(lambda: called.append("outer"))
        with pytest.raises(RuntimeError):
            _put_and_fail(state, 2, called)
        assert called == []
    assert [doc["id"] for doc in state.all(SHOP, "order")] == [1]
    assert called == ["outer"]


def _put_and_fail(state: State, key: int, called: list[str]) -> None:
    with state.transaction():
        state.put(SHOP, "order", key, {"id": key})
        state.after_commit(lambda: called.append("failed"))
        raise RuntimeError


def test_ids_are_never_given_twice_whatever_asks_for_them(state: State) -> None:
    found: list[int] = []

    def ask() -> None:
        found.extend(state.next_id(SHOP, "order") for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(FIRST_ID, FIRST_ID + 200))


def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    first = State(tmp_path / "store.sqlite")
    first.put(SHOP, "customer", 7, {"id": 7, "email": "ann@example.com"})
    first.next_id(SHOP, "customer")
    first.close()
    second = State(tmp_path / "store.sqlite")
    assert second.find(SHOP, "customer", "email", "ann@example.com") == [{"id": 7, "email": "ann@example.com"}]
    assert second.next_id(SHOP, "customer") == FIRST_ID + 1
    second.close()


def test_private_keys_are_left_out_at_every_depth() -> None:
    assert public({"id": 1, "_a": 2, "lines": [{"_b": 3, "c": {"_d": 4}}]}) == {"id": 1, "lines": [{"c": {}}]}
