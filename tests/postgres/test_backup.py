"""A backup brings everything back, and nothing but an intact backup under the right key does."""

from __future__ import annotations

import gzip
import io
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from app.config import Settings
from app.crypto import KeyRing
from app.postgres.backup import backup, restore
from app.postgres.envelope import CHUNK, read, write
from app.postgres.errors import BackupError

KEYRING = KeyRing((b"k" * 32,))


def _run(settings: Settings, statement: str) -> list[tuple[object, ...]]:
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.replace("+psycopg", "")) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def filled(settings: Settings) -> Settings:
    """A database with something in it that is easy to recognise."""
    _run(settings, "drop table if exists keepsake")
    _run(settings, "create table keepsake as select n, md5(n::text) as word from generate_series(1, 60000) n")
    _run(settings, "grant select on keepsake to perennial_web")
    return settings


@pytest.fixture
def file(filled: Settings, tmp_path: Path) -> Path:
    """A backup of it."""
    target = tmp_path / "perennial.backup"
    backup(filled, target)
    return target


def _tables(settings: Settings) -> int:
    return len(_run(settings, "select from pg_tables where schemaname = 'public'"))


def test_a_backup_brings_everything_back(filled: Settings, file: Path) -> None:
    tables = _tables(filled)
    content = _run(filled, "select sum(n), md5(string_agg(word, '' order by n)) from keepsake")
    _run(filled, "drop table keepsake; create table newer as select 1")
    restore(filled, file, force=True)
    assert _run(filled, "select sum(n), md5(string_agg(word, '' order by n)) from keepsake") == content
    assert _run(filled, "select has_table_privilege('perennial_web', 'keepsake', 'select')") == [(True,)]
    assert _tables(filled) == tables
    assert _run(filled, "select from pg_namespace where nspname like 'perennial%'") == []


def test_a_backup_is_unreadable_private_and_says_where_its_keys_are_not(filled: Settings, tmp_path: Path) -> None:
    target = tmp_path / "perennial.backup"
    said = backup(filled, target)
    assert "keys are not in it" in said
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert b"keepsake" not in target.read_bytes()
    assert list(tmp_path.glob(".perennial*")) == []


def test_a_backup_never_replaces_a_file(filled: Settings, file: Path) -> None:
    with pytest.raises(BackupError, match="exists already"):
        backup(filled, file)


def test_a_database_that_holds_data_is_not_overwritten_unasked(filled: Settings, file: Path) -> None:
    with pytest.raises(BackupError, match=r"not empty.*keepsake.*--force"):
        restore(filled, file)
    assert _run(filled, "select count(*) from keepsake") == [(60000,)]


def test_an_installation_without_data_takes_a_backup_without_force(filled: Settings, file: Path) -> None:
    _run(filled, "drop table keepsake")
    restore(filled, file)
    assert _run(filled, "select count(*) from keepsake") == [(60000,)]


def test_a_database_in_use_is_not_overwritten(filled: Settings, file: Path) -> None:
    assert filled.database_url is not None
    with (
        psycopg.connect(filled.database_url.replace("+psycopg", "")),
        pytest.raises(BackupError, match="Other processes"),
    ):
        restore(filled, file, force=True)


def test_a_backup_under_another_key_is_refused_with_the_reason(filled: Settings, file: Path) -> None:
    stranger = replace(filled, encryption_keys=(b"x" * 32,))
    with pytest.raises(BackupError, match="another key"):
        restore(stranger, file, force=True)


def test_without_any_key_nothing_is_made_up(filled: Settings, file: Path) -> None:
    keyless = replace(filled, encryption_keys=())
    with pytest.raises(BackupError, match="no encryption keys"):
        restore(keyless, file, force=True)
    assert not (filled.home / "encryption-keys").exists()


def test_a_rotated_key_ring_still_opens_old_backups(filled: Settings, file: Path) -> None:
    restore(replace(filled, encryption_keys=(b"n" * 32, b"k" * 32)), file, force=True)


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[: len(b) // 2], lambda b: b + b"x", lambda b: b[:30]])
def test_a_damaged_backup_changes_nothing(filled: Settings, file: Path, damage: Callable[[bytes], bytes]) -> None:
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(BackupError, match="damaged"):
        restore(filled, file, force=True)
    assert _run(filled, "select count(*) from keepsake") == [(60000,)]


def test_a_restore_that_the_database_refuses_leaves_it_as_it_was(filled: Settings, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense"
    with nonsense.open("wb") as target:
        write(target, io.BytesIO(gzip.compress(b"drop table keepsake; this is not SQL;")), KEYRING)
    with pytest.raises(BackupError, match="refused"):
        restore(filled, nonsense, force=True)
    assert _run(filled, "select count(*) from keepsake") == [(60000,)]


def test_something_else_is_not_taken_for_a_backup(filled: Settings, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear Sir or Madam")
    with pytest.raises(BackupError, match="not a backup"):
        restore(filled, tmp_path / "letter")
    with pytest.raises(BackupError, match="cannot be read"):
        restore(filled, tmp_path / "missing")


@pytest.mark.parametrize("size", [0, 1, CHUNK, 2 * CHUNK, 2 * CHUNK + 5])
def test_any_length_comes_back_byte_for_byte(size: int) -> None:
    plain = bytes(range(256)) * (size // 256 + 1)
    assert b"".join(read(io.BytesIO(_sealed(plain[:size])), KEYRING)) == plain[:size]


def test_every_changed_byte_is_found() -> None:
    intact = _sealed(b"twelve bytes")
    for position in range(len(intact)):
        changed = bytearray(intact)
        changed[position] ^= 1
        with pytest.raises(BackupError):
            list(read(io.BytesIO(bytes(changed)), KEYRING))


def test_frames_cannot_be_reordered_dropped_or_borrowed() -> None:
    first, second = (_frames(_sealed(letter * (3 * CHUNK))) for letter in (b"a", b"b"))
    head, frames = first
    for mixed in (
        [frames[0], frames[2], frames[1], frames[3]],
        [frames[0], frames[1], frames[3]],
        [frames[0], frames[1], second[1][2], frames[3]],
        [*frames, frames[3]],
        frames[:3],
    ):
        with pytest.raises(BackupError):
            list(read(io.BytesIO(head + b"".join(mixed)), KEYRING))


def _sealed(plain: bytes) -> bytes:
    target = io.BytesIO()
    write(target, io.BytesIO(plain), KEYRING)
    return target.getvalue()


def _frames(sealed: bytes) -> tuple[bytes, list[bytes]]:
    head, rest, frames = sealed[:35], sealed[35:], []
    while rest:
        length = 5 + int.from_bytes(rest[1:5], "big")
        frames.append(rest[:length])
        rest = rest[length:]
    return head, frames
