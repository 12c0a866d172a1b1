"""Alembic's environment. The connection is handed in by `app.migrations.run`, never read from a file."""

from typing import Any

from alembic import context

from app.migrations.metadata import metadata


def ours(_object: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    """Leave Procrastinate's tables to Procrastinate's own schema."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=ours,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
