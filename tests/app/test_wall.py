"""The walls between shops: no table shows a row of another shop, and no session is without a scope."""

from typing import Any

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import ProgrammingError

from app.db import NoShop
from app.migrations.metadata import metadata
from app.runtime import Runtime
from app.shops.models import Shop
from tests.factories import make_shop

OF_SHOPS = sorted(table.name for table in metadata.tables.values() if "shop_id" in table.columns)
_VALUES = {
    "bigint": "1",
    "smallint": "1",
    "text": "'x'",
    "boolean": "true",
    "jsonb": "'{}'",
    "bytea": "'x'",
    "uuid": "gen_random_uuid()",
    "timestamp with time zone": "'2026-01-01Z'",
    "date": "'2026-01-01'",
    "ARRAY": "'{}'",
    "double precision": "1",
}


@pytest.fixture
def shops(runtime: Runtime) -> tuple[Shop, Shop]:
    return make_shop(runtime), make_shop(runtime, "other.myshopify.com")


def a_row(runtime: Runtime, table: str, shop_id: int) -> None:
    """Any row of a table, made from its column types; checks and triggers are not its business."""
    with runtime.database.system() as session:
        columns = session.execute(
            text("select column_name, data_type from information_schema.columns where table_name = :t"), {"t": table}
        ).all()
        values = [str(shop_id) if name == "shop_id" else _VALUES[kind] for name, kind in columns]
        names = ", ".join(name for name, _ in columns)
        session.execute(text(f"insert into {table} ({names}) overriding system value values ({', '.join(values)})"))


def test_every_table_of_the_database_with_a_shop_is_known_to_these_tests(runtime: Runtime) -> None:
    found = inspect(runtime.database.engine)
    with_shop = [t for t in found.get_table_names() if any(c["name"] == "shop_id" for c in found.get_columns(t))]
    assert sorted(with_shop) == OF_SHOPS


@pytest.mark.parametrize("table", OF_SHOPS)
def test_a_session_of_one_shop_neither_sees_nor_writes_rows_of_another(
    runtime: Runtime, shops: tuple[Shop, Shop], table: str
) -> None:
    mine, other = shops
    with runtime.database.system() as session:
        session.execute(text(f"delete from {table}"))
    a_row(runtime, table, other.id)
    with runtime.database.shop(mine.id) as session:
        assert session.scalar(text(f"select count(*) from {table}")) == 0
    refused = "row-level security|permission denied"
    with pytest.raises(ProgrammingError, match=refused), runtime.database.shop(mine.id) as session:
        columns = "shop_id, version, program_id, rules, created_at" if table == "rule_versions" else "shop_id"
        values = "1, 1, '{}', '2026-01-01Z'" if table == "rule_versions" else ""
        session.execute(text(f"insert into {table} ({columns}) values ({other.id}{', ' + values if values else ''})"))


def test_a_shop_sees_itself_only(runtime: Runtime, shops: tuple[Shop, Shop]) -> None:
    mine, _ = shops
    with runtime.database.shop(mine.id) as session:
        assert session.execute(text("select domain from shops")).scalars().all() == [mine.domain]


@pytest.mark.parametrize("change", ["update {} set actor = 'key:1'", "delete from {}"])
@pytest.mark.parametrize("table", ["ledger_entries", "audit_log"])
def test_ledger_and_audit_log_cannot_be_changed_behind_the_wall(
    runtime: Runtime, shops: tuple[Shop, Shop], change: str, table: str
) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), runtime.database.shop(shops[0].id) as session:
        session.execute(text(change.format(table)))


def test_a_session_without_a_scope_raises(runtime: Runtime) -> None:
    with pytest.raises(NoShop), runtime.database.bare() as session:
        session.execute(text("select 1"))


def test_the_scope_ends_with_its_transaction(runtime: Runtime, shops: tuple[Shop, Shop]) -> None:
    """The pool hands the same connection on; nothing of the last shop may be left on it."""
    with runtime.database.shop(shops[0].id) as session:
        session.execute(text("select 1"))
    with runtime.database.system() as session:
        found: Any = session.execute(text("select current_user, current_setting('app.shop_id', true)")).one()
        assert found[0] != "perennial_web"
        assert found[1] in {None, ""}
