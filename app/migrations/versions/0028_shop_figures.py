"""Figures of the whole shop are kept for more pages than the home."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was counted can be counted again: it is kept in another form now."""
    op.execute("alter table home_figures rename to shop_figures")
    op.execute("alter table shop_figures rename constraint home_figures_pk to shop_figures_pk")
    op.execute("truncate shop_figures")
