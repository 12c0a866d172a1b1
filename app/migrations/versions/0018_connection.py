"""Why a shop is out of reach and since when, its bucket of cost points, orders to read again, digests of the erased.

All tables are new and small; columns are null or have constant defaults. The bucket moves from the shop's row, which
installations and token refreshes lock, to a row of its own; what it held is known again after the next call.
"""

from alembic import op

from app.migrations.wall import protect

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TABLES = """
create table api_buckets (
    shop_id bigint not null,
    points double precision not null,
    at timestamptz not null,
    per_second double precision not null,
    maximum double precision not null,
    constraint api_buckets_pk primary key (shop_id)
) with (fillfactor = 50);

create table order_rereads (
    shop_id bigint not null,
    order_id bigint not null,
    wanted_at timestamptz not null,
    due_at timestamptz not null,
    attempts bigint not null default 0,
    last_error text,
    constraint order_rereads_pk primary key (shop_id, order_id)
);
create index order_rereads_due_ix on order_rereads (due_at);

create table erased_addresses (
    shop_id bigint not null,
    digest bytea not null,
    erased_at timestamptz not null,
    request_id bigint not null,
    constraint erased_addresses_pk primary key (shop_id, digest)
);

alter table shops add column connection_reason text;
alter table shops add column connection_since timestamptz;
alter table shops add column connection_retry_at timestamptz;
alter table shops add column withheld text[] not null default '{}';
alter table shops drop column api_points, drop column api_points_at, drop column api_points_per_second;
"""


def upgrade() -> None:
    """Tables with their wall, then the columns."""
    op.get_bind().exec_driver_sql(_TABLES)
    for table in ("api_buckets", "order_rereads", "erased_addresses"):
        protect(table)
