"""A new key comes while everything runs: nothing is unreadable at any moment, and nothing is left under the old one."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from app import cli, clock, crypto, key_commands, key_rotation
from app.crypto import CannotOpen, KeyRing, load_keyring, read_keys, write_keys
from app.db import Base
from app.runtime import Runtime
from app.shopify.oauth import Tokens
from app.shops import queries, secrets, tokens
from app.shops.models import Shop
from app.shops.secrets import seal, unseal
from tests.factories import CODE_KEY, make_shop
from webhooks.body import open_body, seal_body

COLUMNS = cli._sealed_columns()
# Digests, salts and chained hashes: nothing of these is ever opened.
NOT_SEALED = {"digest", "request_digest", "note_digest", "salt", "hash", "previous_hash"}


@pytest.fixture
def living(runtime: Runtime, tmp_path: Path) -> Runtime:
    """A runtime whose keys live in its home, with a shop that was sealed under them."""
    return replace(runtime, keyring=load_keyring(tmp_path, ()))


def fill(living: Runtime, bodies: int = 7) -> Shop:
    shop = make_shop(living)
    with living.database.system() as session:
        row = session.get_one(Shop, shop.id)
        row.access_token = seal(living.keyring, shop.id, "access_token", b"shpat_1")
        for n in range(bodies):
            body = seal_body(living.keyring, shop.domain, "orders/paid", f"w{n}", f"body {n}".encode())
            session.execute(
                text("""insert into inbox_events (shop_id, partition, lane, topic, webhook_id, triggered_at,
                        received_at, state, body) values (:s, 0, 1, 'orders/paid', :w, :at, :at, 'done', :body)"""),
                {"s": shop.id, "w": f"w{n}", "at": clock.now(), "body": body},
            )
    return shop


def read_all(living: Runtime, shop: Shop) -> list[bytes]:
    with living.database.system() as session:
        row = session.get_one(Shop, shop.id)
        assert row.access_token is not None
        found = [unseal(living.keyring, shop.id, "access_token", row.access_token)]
        found.append(secrets.code_key(living.keyring, row))
        events = session.execute(text("select topic, webhook_id, body from inbox_events order by id")).all()
    return found + [open_body(living.keyring, shop.domain, e.topic, e.webhook_id, bytes(e.body)) for e in events]


WANTED = [b"shpat_1", CODE_KEY, *(f"body {n}".encode() for n in range(7))]


def new_key(home: Path) -> None:
    path = home / crypto.KEYS_FILE
    write_keys(path, [b"n" * 32, *read_keys(path)])


def test_another_process_opens_at_once_and_seals_within_a_second(
    living: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = load_keyring(tmp_path, ())
    [old] = read_keys(tmp_path / crypto.KEYS_FILE)
    new_key(tmp_path)
    sealed = KeyRing([b"n" * 32]).seal(b"x", b"here")
    assert other.open(sealed, b"here") == b"x"
    monkeypatch.setattr(crypto, "FOLLOWS_AFTER_SECONDS", 0.0)
    KeyRing([b"n" * 32]).open(living.keyring.seal(b"y", b"here"), b"here")
    assert (tmp_path / crypto.KEYS_FILE).stat().st_mode & 0o777 == 0o600
    assert read_keys(tmp_path / crypto.KEYS_FILE) == [b"n" * 32, old]


def test_a_rotation_goes_on_where_it_was_broken_off(
    living: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crypto, "FOLLOWS_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(key_rotation, "_STEP", 2)
    shop = fill(living)
    new_key(tmp_path)
    steps = key_rotation._steps(living.database, COLUMNS, living.keyring)
    for _ in range(6):
        next(steps)
    steps.close()  # type: ignore[attr-defined]  # a generator
    assert read_all(living, shop) == WANTED, "both keys open meanwhile"
    with living.database.system() as session:
        left = key_rotation.under_other_keys(session, COLUMNS, living.keyring)
    assert 0 < left < 9
    told: list[tuple[int, int]] = []
    rotated = key_rotation.seal_anew(living.database, COLUMNS, living.keyring, lambda *at: told.append(at))
    assert (rotated.sealed_anew, rotated.unreadable) == (left, 0)
    assert told[-1] == (left, left)
    alone = replace(living, keyring=KeyRing([b"n" * 32]))
    assert read_all(alone, shop) == WANTED


def test_tokens_that_are_renewed_meanwhile_are_not_overwritten(
    living: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crypto, "FOLLOWS_AFTER_SECONDS", 0.0)
    shop = fill(living, bodies=0)
    new_key(tmp_path)
    stop, seen = threading.Event(), list[int]()

    def renew() -> None:
        while not stop.is_set():
            n = len(seen)
            with living.database.shop(shop.id) as session:
                tokens.store(living.keyring, queries.shop(session, shop.id), Tokens(f"shpat_{n}", None))
            seen.append(n)

    worker = threading.Thread(target=renew)
    worker.start()
    for _ in range(20):
        key_rotation.seal_anew(living.database, COLUMNS, living.keyring)
    stop.set()
    worker.join()
    with living.database.system() as session:
        sealed = session.get_one(Shop, shop.id).access_token
    assert sealed is not None
    assert unseal(living.keyring, shop.id, "access_token", sealed) == f"shpat_{seen[-1]}".encode()


def test_a_value_that_was_changed_is_left_and_told(living: Runtime, tmp_path: Path) -> None:
    shop = fill(living, bodies=1)
    with living.database.system() as session:
        session.execute(text("update inbox_events set body = body || '\\x00'"))
    new_key(tmp_path)
    with pytest.raises(CannotOpen):
        KeyRing([b"n" * 32]).open(b"", b"")
    living.keyring.open(KeyRing([b"n" * 32]).seal(b"", b""), b"")  # takes over the new key
    rotated = key_rotation.seal_anew(living.database, COLUMNS, living.keyring)
    assert (rotated.sealed_anew, rotated.unreadable) == (2, 1)
    assert shop.id


def test_one_command_rotates_everything(
    living: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(crypto, "FOLLOWS_AFTER_SECONDS", 0.0)
    shop = fill(living)
    [old] = read_keys(tmp_path / crypto.KEYS_FILE)
    settings = replace(living.settings, home=tmp_path, encryption_keys=())
    key_commands.rotate_all(replace(living, settings=settings), COLUMNS, forget_old=True)
    assert "9 values are encrypted anew" in capsys.readouterr().out
    [new] = read_keys(tmp_path / crypto.KEYS_FILE)
    assert new != old
    assert read_all(living, shop) == WANTED, "a process that runs has followed"
    assert {"rotate", "status"} <= set(cli.cli.commands["keys"].commands)  # type: ignore[attr-defined]  # a group


def test_every_column_of_bytes_is_rotated_or_needs_no_key() -> None:
    sealed = {(column.table, column.column) for column in COLUMNS}
    held = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.type.python_type is bytes and column.name not in NOT_SEALED
    }
    assert held == sealed
