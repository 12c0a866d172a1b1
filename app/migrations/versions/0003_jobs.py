"""Procrastinate's tables (3.10, pinned) and the one function through which every session plans jobs.

Their later migrations become revisions of ours. The function belongs to the login role and runs as it, so that a
session behind the wall between shops can plan a job without any right on the job tables.
"""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create Procrastinate's schema on the driver's connection: it is several statements, with colons in them."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(SchemaManager.get_schema())
    op.execute("""
        create function perennial_enqueue(
            _queue text, _name text, _priority int, _lock text, _queueing_lock text, _args jsonb, _at timestamptz
        ) returns void language plpgsql security definer set search_path from current as $$
        declare _job bigint;
        begin
            insert into procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
            values (_queue, _name, _priority, _lock, _queueing_lock, _args, _at)
            on conflict (queueing_lock) where status = 'todo'
            do update set priority = procrastinate_jobs.priority
            returning id into _job;
            perform pg_notify(
                'procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', _job)::text);
        end $$
    """)
    # Whoever calls it must not slip in functions of his own through a temporary schema.
    op.execute("""
        do $$ begin
            execute format('alter function perennial_enqueue set search_path to %I, pg_temp', current_schema());
        end $$
    """)
    op.execute("revoke all on function perennial_enqueue from public")
    op.execute("grant execute on function perennial_enqueue to perennial_web")
