"""Customers are looked up by address for guests' orders; without an index that reads every customer of every shop."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The one index."""
    op.create_index("customers_email_ix", "customers", ["shop_id", "email"])
