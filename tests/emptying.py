"""Emptying a worker's database before a test, by what the last test touched.

`truncate` makes new files for all tables and indexes, which took longer than most tests. Rows are deleted instead, past
triggers (entries of the ledger refuse it, rightly); tables with many rows are truncated. Ids begin at 1 again.
"""

from sqlalchemy import Connection, text

_EMPTY = text("""
do $$
declare
    name text;
    filled bigint;
    many text := '';
begin
    set local session_replication_role = replica;
    for name in
        select format('%I', tablename) from pg_tables
        where schemaname = 'public' and tablename not in ('alembic_version', 'inbox_partitions')
    loop
        execute format('select count(*) from (select 1 from %s limit 1001) t', name) into filled;
        if filled > 1000 then
            many := many || ', ' || name;
        elsif filled > 0 then
            execute 'delete from ' || name;
        end if;
    end loop;
    if many <> '' then
        execute 'truncate ' || substr(many, 3) || ' cascade';
    end if;
    perform setval(s.oid, q.seqstart, false)
    from pg_class s join pg_sequence q on q.seqrelid = s.oid
    join pg_depend d on d.objid = s.oid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
    join pg_class t on t.oid = d.refobjid and d.refclassid = 'pg_class'::regclass
    where s.relnamespace = 'public'::regnamespace and t.relname not in ('alembic_version', 'inbox_partitions')
        and case when s.relkind = 'S' then pg_sequence_last_value(s.oid) end is not null;
end $$
""")


def empty(connection: Connection) -> None:
    """Leave every table as the migrations left it; the connection is a superuser's."""
    connection.execute(_EMPTY)
