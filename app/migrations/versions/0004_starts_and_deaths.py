"""What tells that a worker ended in the middle of a batch: starts are counted outside of transactions, ends inside."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A sequence for each partition, since only sequences keep what a rolled-back transaction did."""
    op.execute("alter table inbox_partitions add column ended bigint not null default 0")
    op.execute("alter table inbox_events add column deaths smallint not null default 0")
    for partition in range(64):
        op.execute(f"create sequence inbox_starts_{partition}")
