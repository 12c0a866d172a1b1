"""Addresses of databases, as hosting companies, SQLAlchemy and libpq write them."""

from __future__ import annotations

import pytest

from app.postgres import PostgresUnavailable, conninfo, normalised


@pytest.mark.parametrize("given", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg2://u:p@h/d"])
def test_every_spelling_of_an_address_is_understood(given: str) -> None:
    assert normalised(given) == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize("given", ["mysql://u:p@h/d", "not an address", "sqlite:///x"])
def test_what_is_not_postgresql_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(PostgresUnavailable, match="DATABASE_URL") as refused:
        normalised(given)
    assert given not in str(refused.value)


def test_spaces_and_passwords_survive_the_way_to_libpq() -> None:
    url = "postgresql+psycopg://me:s%20e'cret@/d?host=%2Fa%20folder%2Fwith+spaces&port=5432"
    assert conninfo(url) == r"host='/a folder/with spaces' port=5432 user=me dbname=d password='s e\'cret'"
    assert "cret" not in conninfo(url, password=False)
