"""Customers have tags, and segments may ask for them, for regions and for cities."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns without a value, or with one default for all, rewrite no table."""
    op.execute("alter table customers add column tags jsonb, add column tags_at timestamptz")
    op.execute("""
        alter table segment_profiles add column regions text[] not null default '{}',
            add column cities text[] not null default '{}', add column tags text[] not null default '{}'
    """)
    # Profiles are worked out anew, without anybody entering or leaving by it.
    op.execute("update segment_shops set zone = null")
