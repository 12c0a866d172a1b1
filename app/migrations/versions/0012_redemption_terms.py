"""Holds that end, points that return: terms of redemptions and codes, and the indexes along which they are found.

New columns are null or have constant defaults; the indexes are built beside the running application.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS = """
alter table rewards add column code_days bigint;
alter table redemptions add column expires_at timestamptz,
                        add column returnable boolean not null default true,
                        add column returned bigint not null default 0;
alter table discount_codes add column ends_at timestamptz;
"""
_INDEXES = {
    "discount_codes_ends_ix": "discount_codes (ends_at) where state = 'issued' and ends_at is not null",
    "discount_codes_order_ix": "discount_codes (shop_id, used_order_id) where used_order_id is not null",
    "lots_open_ix": "lots (shop_id, program_id, account_id) where remaining > 0",
    "lot_uses_owed_ix": "lot_uses (shop_id, program_id, account_id) where lot_id = 0",
}


def upgrade() -> None:
    """Columns, then the indexes, each in its own transaction."""
    op.get_bind().exec_driver_sql(_COLUMNS)
    with op.get_context().autocommit_block():
        # Building waits for transactions that are open, and nobody waits for it meanwhile.
        op.execute("set lock_timeout = '10min'")
        for name, columns in _INDEXES.items():
            # What a build that was broken off has left is not valid.
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create index concurrently {name} on {columns}")
        op.execute("set lock_timeout = '5s'")
