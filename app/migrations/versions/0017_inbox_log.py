"""The log of the inbox by topic and of what was ignored, along indexes; sealed bodies are not compressed once more."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INDEXES = {
    "inbox_events_topic_ix": "inbox_events (shop_id, topic, id)",
    "inbox_events_ignored_ix": "inbox_events (shop_id, id) where state = 'ignored'",
}


def upgrade() -> None:
    """The indexes are built beside the door, which goes on writing; the storage counts for new rows only."""
    op.execute("alter table inbox_events alter column body set storage external")
    with op.get_context().autocommit_block():
        # Building waits for transactions that are open, and nobody waits for it meanwhile.
        op.execute("set lock_timeout = '10min'")
        for name, columns in _INDEXES.items():
            # What a build that was broken off has left is not valid.
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create index concurrently {name} on {columns}")
        op.execute("set lock_timeout = '5s'")
