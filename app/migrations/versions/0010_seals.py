"""What seals the ledger: blocks, the head of each shop's chain, marks of what is committed; salted digests of notes.

The new column of entries is null, so no table is rewritten. Notes that are there get a salt, and their entries the
digest: few rows, before anything is sealed.
"""

from alembic import op

from app.migrations.wall import protect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NOTES = """
alter table ledger_entries add column note_digest bytea;
alter table ledger_notes add column salt bytea;
update ledger_notes set salt = decode(replace(gen_random_uuid()::text, '-', ''), 'hex');
alter table ledger_notes alter column salt set not null;
update ledger_entries e set note_digest = sha256(n.salt || convert_to(n.note, 'UTF8'))
from ledger_notes n where e.shop_id = n.shop_id and e.id = n.entry_id;
"""
_TABLES = """
create table ledger_blocks (
    shop_id bigint not null,
    number bigint not null,
    first_id bigint not null,
    last_id bigint not null,
    entries bigint not null,
    previous_hash bytea not null,
    hash bytea not null,
    sealed_at timestamptz not null,
    constraint ledger_blocks_pk primary key (shop_id, number)
);

create table ledger_heads (
    shop_id bigint not null,
    number bigint not null,
    hash bytea not null,
    sealed_to bigint not null,
    constraint ledger_heads_pk primary key (shop_id)
);

create table seal_marks (
    upto bigint not null,
    xid bigint not null,
    constraint seal_marks_pk primary key (upto)
);
"""


def upgrade() -> None:
    """Columns and tables; web sessions may read the seals of their shop and write none."""
    op.get_bind().exec_driver_sql(_NOTES)
    op.get_bind().exec_driver_sql(_TABLES)
    for table in ("ledger_blocks", "ledger_heads"):
        protect(table, privileges="select")
