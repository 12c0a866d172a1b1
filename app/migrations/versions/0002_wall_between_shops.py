"""Row-level security: the role `perennial_web` sees the shop that its transaction names, and nothing else.

Tables belong to the login role, which the policies do not bind (no FORCE), so that system sessions, COPY and dumps
need no policy of their own. After a transaction the setting is an empty string, hence nullif in the policy. The ledger
and the rule versions cannot be changed by this role at all.
"""

from alembic import op
from sqlalchemy import text

from app.migrations.wall import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_IMMUTABLE = ("ledger_entries", "rule_versions")
_TABLES = text("""
    select table_name from information_schema.columns
    where column_name = 'shop_id' and table_schema = current_schema() order by table_name
""")


def upgrade() -> None:
    """Create the role where it is missing, then a policy and grants for each table of shops."""
    op.execute("""
        do $$ begin
            if not exists (select from pg_roles where rolname = 'perennial_web') then
                create role perennial_web nologin;
            end if;
            if not pg_has_role(current_user, 'perennial_web', 'member') then
                execute format('grant perennial_web to %I', current_user);
            end if;
        end $$
    """)
    op.execute("do $$ begin execute format('grant usage on schema %I to perennial_web', current_schema()); end $$")
    for table in op.get_bind().execute(_TABLES).scalars().all():
        if table in _IMMUTABLE:
            protect(table, privileges="select, insert")
        else:
            protect(table)
    protect("shops", "id", "select, update")
    op.execute("grant usage on sequence accounts_id_seq to perennial_web")
