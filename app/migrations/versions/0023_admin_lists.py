"""Indexes for the admin's lists: members by the beginning of a name or an address, codes and redemptions by time."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_LIVING = "where deleted_at is null and redacted_at is null"
_FULL_NAME = "lower(coalesce(first_name, '') || ' ' || coalesce(last_name, ''))"
_INDEXES = {
    "customers_found_email_ix": f"customers (shop_id, lower(email) text_pattern_ops) {_LIVING}",
    "customers_found_name_ix": f"customers (shop_id, {_FULL_NAME} text_pattern_ops) {_LIVING}",
    "customers_found_surname_ix": f"customers (shop_id, lower(last_name) text_pattern_ops) {_LIVING}",
    "identities_found_ix": "identities (shop_id, value text_pattern_ops) where kind = 'email'",
    "discount_codes_newest_ix": "discount_codes (shop_id, starts_at, code)",
    "discount_codes_state_ix": "discount_codes (shop_id, state, starts_at, code)",
    "redemptions_created_ix": "redemptions (shop_id, created_at, reward_id)",
}


def upgrade() -> None:
    """The indexes are built beside the running application, which goes on writing."""
    with op.get_context().autocommit_block():
        # Building waits for transactions that are open, and nobody waits for it meanwhile.
        op.execute("set lock_timeout = '10min'")
        for name, columns in _INDEXES.items():
            # What a build that was broken off has left is not valid.
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create index concurrently {name} on {columns}")
        op.execute("set lock_timeout = '5s'")
