"""Statements that go to the driver itself behave as all others do."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.db import is_accident, is_passing
from app.runtime import Runtime
from app.shops.models import Shop
from app.sql import Statement


def test_rows_have_their_columns_as_attributes(runtime: Runtime) -> None:
    statement = Statement("select cast(:number as bigint) % 4 as rest, cast(:raw as bytea) as raw")
    with runtime.database.system() as session:
        (row,) = statement.run(session, number=7, raw=b"\x00\xff")
    assert (row.rest, row.raw) == (3, b"\x00\xff")


def test_a_statement_sees_what_the_session_has_pending_and_ends_with_it(runtime: Runtime, shop: Shop) -> None:
    with runtime.database.system() as session:
        session.get_one(Shop, shop.id).name = "Renamed"
        assert [row.name for row in Statement("select name from shops").run(session)] == ["Renamed"]
        assert Statement("update shops set name = :name").run(session, name="Again") == []
        session.rollback()
    with runtime.database.system() as session:
        assert session.scalar(text("select name from shops")) == shop.name


def test_errors_are_those_of_all_other_statements_and_quote_no_value(runtime: Runtime, shop: Shop) -> None:
    again = Statement("insert into inbox_partitions (id, ended) values (:id, length(:secret))")
    with pytest.raises(IntegrityError) as raised, runtime.database.system() as session:
        again.run(session, id=1, secret="tell nobody")
    assert "tell nobody" not in str(raised.value)
    assert not is_passing(raised.value)


def test_a_lost_connection_is_an_accident_and_the_pool_goes_on(runtime: Runtime) -> None:
    with pytest.raises(DBAPIError) as raised, runtime.database.system() as session:
        Statement("select pg_terminate_backend(pg_backend_pid())").run(session)
    assert is_passing(raised.value)
    assert is_accident(raised.value)
    with runtime.database.system() as session:
        assert Statement("select 1 as one").run(session)[0].one == 1
