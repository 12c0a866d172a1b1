"""What richer rules need: actions, products' labels, refunded lines, tax, shipping, the choice about history.

New columns have constant defaults or are null, so no table is rewritten and no lock is held for long.
"""

from alembic import op

from app.migrations.wall import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS = """
alter table orders add column gift_card_minor bigint not null default 0,
                   add column payment_gateways text[] not null default '{}',
                   add column imported boolean not null default false;
alter table order_lines add column tax_minor bigint not null default 0;
alter table refunds add column shipping_minor bigint not null default 0;
alter table customers add column imported_orders bigint,
                      add column imported_spent_minor bigint,
                      add column imported_at timestamptz;
alter table shops add column orders_complete_from timestamptz;
alter table programs add column history_chosen_at timestamptz,
                     add column history_from timestamptz,
                     add column forgives_debts boolean not null default false,
                     add column returns_spent boolean not null default true,
                     add column return_days bigint not null default 30;
"""
_TABLES = """
create table actions (
    shop_id bigint not null,
    kind text not null,
    key text not null,
    account_id bigint not null,
    business_at timestamptz not null,
    recorded_at timestamptz not null,
    actor text,
    constraint actions_pk primary key (shop_id, kind, key)
);
create index actions_account_ix on actions (shop_id, account_id);

create table refund_lines (
    shop_id bigint not null,
    refund_id bigint not null,
    line_id bigint not null,
    quantity bigint not null,
    constraint refund_lines_pk primary key (shop_id, refund_id, line_id)
);

create table product_labels (
    shop_id bigint not null,
    product_id bigint not null,
    label text not null,
    since timestamptz not null,
    until timestamptz not null,
    constraint product_labels_pk primary key (shop_id, product_id, label, since)
);
"""
# The form of rules before they could say more than points for each unit of money.
_RULES = """
update rule_versions set rules = jsonb_build_object('earning', jsonb_build_array(rules -> 'order_points'))
where rules ? 'order_points'
"""


def upgrade() -> None:
    """Columns, tables with their wall, and rules in their new form."""
    for statements in (_COLUMNS, _TABLES, _RULES):
        op.get_bind().exec_driver_sql(statements)
    for table in ("actions", "refund_lines", "product_labels"):
        protect(table)
