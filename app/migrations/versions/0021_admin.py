"""What the admin keeps: languages of staff, brand and set-up of a shop, the figures of its home. All new and small."""

from alembic import op

from app.migrations.wall import protect

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TABLES = """
create table staff_languages (
    shop_id bigint not null,
    user_id text not null,
    language text not null,
    chosen boolean not null,
    constraint staff_languages_pk primary key (shop_id, user_id)
);

create table shop_profiles (
    shop_id bigint not null,
    colour text,
    languages text[] default '{}' not null,
    setup jsonb default '{}' not null,
    launched_at timestamptz,
    updated_at timestamptz not null,
    constraint shop_profiles_pk primary key (shop_id)
);

create table home_figures (
    shop_id bigint not null,
    counted_at timestamptz not null,
    figures jsonb not null,
    constraint home_figures_pk primary key (shop_id)
);
"""


def upgrade() -> None:
    """Tables behind the wall."""
    op.execute(_TABLES)
    for table in ("staff_languages", "shop_profiles", "home_figures"):
        protect(table)
