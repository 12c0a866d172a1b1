"""Codes of members and the orders that friends brought; where an order came from.

New columns are null; the index on sign-ups is built beside the running application.
"""

from alembic import op

from app.migrations.wall import protect

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TABLES = """
create table referral_codes (
    shop_id bigint not null,
    code text not null,
    account_id bigint not null,
    created_at timestamptz not null,
    constraint referral_codes_pk primary key (shop_id, code),
    constraint referral_codes_account_key unique (shop_id, account_id)
);

create table referrals (
    shop_id bigint not null,
    order_id bigint not null,
    advocate_account_id bigint not null,
    code text not null,
    matched_by text not null,
    refused text,
    noted_at timestamptz not null,
    constraint referrals_pk primary key (shop_id, order_id)
);
create index referrals_advocate_ix on referrals (shop_id, advocate_account_id, order_id);

alter table orders add column cart_ref text;
alter table orders add column landing_ref text;
alter table orders add column journey_ref text;
alter table orders add column address_digest text;
"""
_INDEXES = {
    "sign_ups_invited_ix": "sign_ups (shop_id, code) where ref is not null and code is not null",
}


def upgrade() -> None:
    """Tables with their wall and columns, then the index in its own transaction."""
    op.get_bind().exec_driver_sql(_TABLES)
    for table in ("referral_codes", "referrals"):
        protect(table)
    with op.get_context().autocommit_block():
        # Building waits for transactions that are open, and nobody waits for it meanwhile.
        op.execute("set lock_timeout = '10min'")
        for name, columns in _INDEXES.items():
            # What a build that was broken off has left is not valid.
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create index concurrently {name} on {columns}")
        op.execute("set lock_timeout = '5s'")
