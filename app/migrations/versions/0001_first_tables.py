"""The tables of the first loop, in plain SQL beside this file."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table; the database is empty, so nothing waits for anything."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements)
    op.execute("insert into inbox_partitions (id) select generate_series(0, 63)")
