"""Whether a shop has erased anybody since an order was placed is found along an index."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table is as new as this release and small."""
    op.execute("create index erased_addresses_at_ix on erased_addresses (shop_id, erased_at)")
