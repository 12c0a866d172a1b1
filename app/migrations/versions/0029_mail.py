"""Codes that came late are sent by mail, where a mail server is known."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns without a value rewrite no table; few sign-ups have had to wait."""
    op.execute("alter table sign_ups add column mailed_at timestamptz, add column mail_refused text")
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        op.execute("drop index concurrently if exists sign_ups_owed_ix")
        op.execute("""
            create index concurrently sign_ups_owed_ix on sign_ups (shop_id, popup_id, id)
            where owed_at is not null and mailed_at is null and mail_refused is null
        """)
        op.execute("set lock_timeout = '5s'")
