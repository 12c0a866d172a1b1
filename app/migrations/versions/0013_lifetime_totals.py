"""Totals of a lifetime: what Shopify counted before our record of orders begins, and whether anybody knows.

Null or a constant default: no table is rewritten. Rows that are there get their figures with the account's next change.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_COLUMNS = """
alter table account_totals add column lifetime_orders bigint,
                           add column lifetime_spent_minor bigint,
                           add column history_known boolean not null default true;
"""


def upgrade() -> None:
    """Three columns."""
    op.get_bind().exec_driver_sql(_COLUMNS)
