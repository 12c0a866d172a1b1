"""The migrated database is what the models say, and migrating twice changes nothing."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app.migrations.metadata import metadata
from app.migrations.run import migrate, pending
from app.runtime import Runtime


def test_models_and_database_agree(runtime: Runtime) -> None:
    ours = {table.name for table in metadata.tables.values()}
    with runtime.database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    of_ours = [
        difference
        for difference in differences
        if not (difference[0] in {"remove_table", "remove_index"} and _table(difference[1]) not in ours)
    ]
    assert of_ours == []


def _table(item: object) -> str:
    table = getattr(item, "table", item)
    return str(getattr(table, "name", ""))


def test_a_database_at_the_newest_revision_needs_nothing(runtime: Runtime) -> None:
    assert pending(runtime.database.engine) == []
    migrate(runtime.database.engine)
    assert pending(runtime.database.engine) == []
