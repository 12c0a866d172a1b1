"""Imports of balances from a file: one row a file, and its rows, which are also where an interrupted one goes on."""

from alembic import op

from app.migrations.wall import protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Each row is written once and changed once, when it is posted: room in the page spares the index a second entry.
_TABLES = """
create table balance_imports (
    shop_id bigint not null,
    id uuid not null,
    program_id bigint not null,
    digest bytea not null,
    rows bigint not null,
    points bigint not null,
    skipped bigint not null default 0,
    position bigint not null default 0,
    state text not null,
    silent boolean not null default true,
    actor text not null,
    at timestamptz not null,
    done_at timestamptz,
    undone_at timestamptz,
    constraint balance_imports_pk primary key (shop_id, id)
);

create table balance_import_rows (
    shop_id bigint not null,
    import_id uuid not null,
    row bigint not null,
    email text,
    customer_id bigint,
    points bigint not null,
    lifetime bigint not null,
    earned_at timestamptz not null,
    expires_at timestamptz,
    note text,
    account_id bigint,
    account_made boolean not null default false,
    balance_made boolean not null default false,
    debt_paid bigint not null default 0,
    kept bigint,
    idle_before timestamptz,
    idle_made timestamptz,
    constraint balance_import_rows_pk primary key (shop_id, import_id, row)
) with (fillfactor = 50);
"""


def upgrade() -> None:
    """Two tables with their wall."""
    op.get_bind().exec_driver_sql(_TABLES)
    for table in ("balance_imports", "balance_import_rows"):
        protect(table)
