"""Sealed cells open in their own place, under any key of the ring, and nowhere else."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto import CannotOpen, KeyRing, aad, load_keyring

OLD, NEW = b"o" * 32, b"n" * 32


@given(st.binary(max_size=2000), st.text(max_size=50), st.text(max_size=50))
def test_what_was_sealed_for_a_cell_opens_there(plain: bytes, column: str, row: str) -> None:
    ring = KeyRing([NEW])
    assert ring.open(ring.seal(plain, aad("t", column, row)), aad("t", column, row)) == plain


@given(st.lists(st.text(max_size=4), min_size=2, max_size=4), st.lists(st.text(max_size=4), min_size=2, max_size=4))
def test_two_cells_never_share_their_name(one: list[str], other: list[str]) -> None:
    assert (aad(*one) == aad(*other)) is (one == other)


def test_a_value_moved_to_another_row_does_not_open() -> None:
    ring = KeyRing([NEW])
    with pytest.raises(CannotOpen):
        ring.open(ring.seal(b"token", aad("shops", "access_token", 1)), aad("shops", "access_token", 2))


@pytest.mark.parametrize("position", [0, 2, 8, 20, -1])
def test_a_changed_byte_is_found(position: int) -> None:
    ring = KeyRing([NEW])
    sealed = bytearray(ring.seal(b"token", b"here"))
    sealed[position] ^= 1
    with pytest.raises(CannotOpen):
        ring.open(bytes(sealed), b"here")


def test_after_a_rotation_old_values_open_and_new_ones_need_the_new_key() -> None:
    before, after = KeyRing([OLD]), KeyRing([NEW, OLD])
    assert after.open(before.seal(b"x", b""), b"") == b"x"
    with pytest.raises(CannotOpen):
        before.open(after.seal(b"x", b""), b"")


def test_keys_of_a_home_are_made_once_and_are_nobody_elses_to_read(tmp_path: Path) -> None:
    first = load_keyring(tmp_path / "home", [])
    second = load_keyring(tmp_path / "home", [])
    assert second.open(first.seal(b"x", b""), b"") == b"x"
    assert stat.S_IMODE((tmp_path / "home" / "encryption-keys").stat().st_mode) == 0o600
