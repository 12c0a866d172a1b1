"""Everything a shop's tables hold, to compare before and after."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.loyalty.verify import verify
from app.migrations.metadata import metadata
from app.runtime import Runtime

# What an import leaves behind on purpose: its record, who did it, entries that sum to nothing, and notes about whom to
# look at for segments, which the next look takes.
RECORDS = {"ledger_entries", "ledger_notes", "balance_imports", "balance_import_rows", "audit_log", "segment_changes"}


def everything(runtime: Runtime, shop_id: int, *, without: set[str] = RECORDS) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables of a shop."""
    names = [t.name for t in metadata.sorted_tables if "shop_id" in t.columns and t.name not in without]
    with runtime.database.system() as session:
        return {name: rows(session, name, shop_id) for name in names}


def rows(session: Session, table: str, shop_id: int) -> list[dict[str, Any]]:
    """The rows of a table, in a fixed order."""
    statement = text(f"select to_jsonb(t) as row from {table} t where shop_id = :shop order by to_jsonb(t)::text")
    return [dict(row) for row in session.execute(statement, {"shop": shop_id}).scalars()]


def assert_green(runtime: Runtime) -> None:
    """Every law of the ledger holds."""
    with runtime.database.system() as session:
        assert verify(session).disagreements == ()


def balances(runtime: Runtime, shop_id: int) -> dict[str, tuple[int, int]]:
    """Points and lifetime points by identity."""
    with runtime.database.system() as session:
        found = session.execute(
            text("select i.value, b.points, b.lifetime from identities i join balances b using (shop_id, account_id) "
                 "where i.shop_id = :shop"), {"shop": shop_id}
        )  # fmt: skip
        return {row.value: (row.points, row.lifetime) for row in found}
