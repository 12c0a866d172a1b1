"""What was told of products, which of them are to be read, and the way from a product to its orders."""

from alembic import op

from app.migrations.wall import protect

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLES = """
create table products (
    shop_id bigint not null,
    id bigint not null,
    wanted_at timestamptz,
    read_at timestamptz,
    constraint products_pk primary key (shop_id, id)
);
create index products_wanted_ix on products (shop_id, wanted_at) where wanted_at is not null;

create table product_statements (
    shop_id bigint not null,
    product_id bigint not null,
    source text not null,
    at timestamptz not null,
    told_at timestamptz not null,
    labels text[] not null,
    constraint product_statements_pk primary key (shop_id, product_id, source, at)
);
"""


def upgrade() -> None:
    """Two tables with their wall, and an index that is made while orders go on being written."""
    op.get_bind().exec_driver_sql(_TABLES)
    for table in ("products", "product_statements"):
        protect(table)
    with op.get_context().autocommit_block():
        op.create_index(
            "order_lines_product_ix",
            "order_lines",
            ["shop_id", "product_id"],
            postgresql_where="product_id is not null",
            postgresql_concurrently=True,
            if_not_exists=True,
        )
