"""`perennial doctor` names what is wrong and what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg

from app import clock
from app.config import MailServer, Settings
from app.doctor import Finding, doctor
from app.loyalty.models import LedgerEntry
from app.loyalty.seals import seal_all
from app.processes import beat
from app.runtime import Runtime
from app.shops.models import Shop


def _found(settings: Settings, title: str) -> Finding:
    found = [finding for finding in doctor(settings) if finding.title == title]
    assert len(found) == 1, title
    return found[0]


def test_a_healthy_installation_has_no_errors(settings: Settings, runtime: Runtime) -> None:
    with runtime.database.system() as session:
        beat(session, "here:1")
    findings = doctor(settings)
    assert [finding for finding in findings if finding.level == "error"] == []
    assert _found(settings, "Worker").level == "ok"
    assert _found(settings, "Tables").level == "ok"


def test_every_finding_that_is_not_well_has_a_remedy_and_no_secret(settings: Settings) -> None:
    findings = doctor(replace(settings, api_key="", encryption_keys=()))
    assert all(finding.remedy for finding in findings if finding.level != "ok")
    assert settings.api_secret not in repr(findings)


def test_a_mail_server_that_is_not_there_is_a_warning_and_none_is_fine(settings: Settings) -> None:
    assert _found(settings, "Mail").level == "ok"
    away = MailServer(host="127.0.0.1", port=1, sender="shop@example.com", encrypted=False, plain=True, password="hush")
    found = _found(replace(settings, mail=away), "Mail")
    assert (found.level, "127.0.0.1:1 does not let us in" in found.detail) == ("warning", True)
    assert "hush" not in repr(found)


def test_without_a_worker_it_says_how_to_start_one(settings: Settings) -> None:
    found = _found(settings, "Worker")
    assert found.level == "warning"
    assert "perennial serve" in found.remedy


def test_missing_credentials_and_an_insecure_address_are_errors(settings: Settings) -> None:
    bad = replace(settings, api_secret="", dev=False)
    assert "SHOPIFY_API_SECRET" in _found(bad, "Shopify credentials").detail
    assert _found(bad, "Address of the app").level == "error"


def test_a_moved_clock_is_shown(settings: Settings) -> None:
    clock.set_offset(settings.home, timedelta(days=200))
    assert "200 days" in _found(settings, "Development mode").detail
    clock.use_offset_of(None)


def test_a_key_file_that_others_can_read_is_an_error(settings: Settings) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "encryption-keys").write_text("x")
    (settings.home / "encryption-keys").chmod(0o644)
    assert "chmod 600" in _found(replace(settings, encryption_keys=()), "Encryption keys").remedy


def test_a_home_that_is_a_file_is_an_error(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert _found(replace(settings, home=tmp_path / "file"), "Home folder").level == "error"


def test_a_database_that_does_not_answer_is_an_error_without_the_password(settings: Settings) -> None:
    absent = replace(settings, database_url="postgresql://someone:hush@127.0.0.1:1/nothing")
    found = _found(absent, "Database server")
    assert found.level == "error"
    assert "hush" not in repr(found)


def test_something_that_is_not_postgresql_is_an_error(settings: Settings) -> None:
    assert "DATABASE_URL" in _found(replace(settings, database_url="mysql://localhost/x"), "Database server").detail


def test_a_database_behind_this_version_is_told_to_migrate(settings: Settings) -> None:
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.replace("+psycopg", "")) as connection:
        before = connection.execute("delete from alembic_version returning version_num").fetchall()
    try:
        assert "migrate" in _found(settings, "Tables").remedy
    finally:
        with psycopg.connect(settings.database_url.replace("+psycopg", "")) as connection:
            connection.cursor().executemany("insert into alembic_version values (%s)", before)


def test_entries_that_nobody_seals_are_a_warning(settings: Settings, runtime: Runtime, shop: Shop) -> None:
    assert _found(settings, "Sealing of the ledger").level == "ok"
    entry = LedgerEntry(
        shop_id=shop.id,
        program_id=1,
        account_id=1,
        source_kind="order",
        source_id="1",
        points=5,
        reason="order_earned",
        business_at=clock.now(),
        recorded_at=clock.now() - timedelta(minutes=6),
    )
    with runtime.database.system() as session:
        session.add(entry)
    found = _found(settings, "Sealing of the ledger")
    assert found.level == "warning"
    assert found.detail.startswith("1 entries wait for their seal, the oldest for 36")
    seal_all(runtime.database)
    assert _found(settings, "Sealing of the ledger").level == "ok"
