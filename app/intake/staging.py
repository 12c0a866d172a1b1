"""Where a run keeps what it has read: unlogged tables of its own, shaped like the projections they are for.

COPY fills them some megabytes at a time, in the transaction that also says how far the run is, so that a killed worker
leaves both or neither. After a crash of PostgreSQL itself unlogged tables are empty, and after a restore of a backup
they are gone: a marker among them tells (`survived`). System sessions only; nobody else has a right in this schema.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import driver_connection

Tables = Mapping[str, tuple[tuple[str, ...], Sequence[str]]]

_MARKER = "marker"
_SHAPES = {
    _MARKER: "alive boolean",
    # Ids of all customers that a comparison of everything has read.
    "listed": "id bigint",
    "orders": "like orders including defaults",
    "order_lines": "like order_lines including defaults",
    "order_codes": "shop_id bigint, order_id bigint, code text, amount_minor bigint, kind text",
    # Read: its content came too, and not only its id.
    "refunds": "like refunds including defaults, read boolean not null default false",
    "refund_lines": "like refund_lines including defaults",
    "products": "id bigint, updated_at timestamptz, tags text[]",
    "memberships": "product_id bigint, collection_id bigint",
}
_KEYS = {
    "listed": "id", "orders": "id", "order_lines": "order_id", "order_codes": "order_id", "refunds": "id",
    "refund_lines": "refund_id", "products": "id", "memberships": "product_id",
}  # fmt: skip


def name(run_id: int, table: str) -> str:
    """The run's table for one of the projections, as it stands in SQL."""
    return f"staging.{table}_{int(run_id)}"


def names(run_id: int) -> dict[str, str]:
    """All of them, for `str.format`."""
    return {table: name(run_id, table) for table in _SHAPES}


def create(session: Session, run_id: int, *tables: str) -> None:
    """Make these tables empty, whatever was in them, and the marker that goes with them."""
    session.execute(text("create schema if not exists staging"))
    for table in (*tables, _MARKER):
        place = name(run_id, table)
        session.execute(text(f"drop table if exists {place}"))
        session.execute(text(f"create unlogged table {place} ({_SHAPES[table]})"))
    session.execute(text(f"insert into {name(run_id, _MARKER)} values (true)"))  # noqa: S608 - a name of ours


def fill(session: Session, run_id: int, tables: Tables) -> dict[str, int]:
    """Add rows, which are lines as COPY reads them; returns how many by table."""
    counts = {}
    for table, (columns, rows) in tables.items():
        if not rows:
            continue
        command = f"copy {name(run_id, table)} ({', '.join(columns)}) from stdin"
        with driver_connection(session).cursor() as cursor, cursor.copy(command) as copy:
            copy.write("".join(rows))
        counts[table] = len(rows)
    return counts


# How large a table is matters, and about how many values a column has; that a few thousand rows tell.
_FEW = text("set local default_statistics_target = 10")


def index(session: Session, run_id: int, *tables: str) -> None:
    """Make the rows findable by whose they are, once all are there; again does no harm."""
    session.execute(_FEW)
    for table in tables:
        place = name(run_id, table)
        column = _KEYS[table]
        session.execute(text(f"create index if not exists {table}_{int(run_id)}_ix on {place} ({column})"))
        session.execute(text(f"analyze {place}"))


def analyze(session: Session, *tables: str) -> None:
    """Let PostgreSQL know that these tables have just become large, before it does so by itself."""
    session.execute(_FEW)
    for table in tables:
        session.execute(text(f"analyze {table}"))


def survived(session: Session, run_id: int) -> bool:
    """Whether what was put into the tables is still there."""
    place = name(run_id, _MARKER)
    if session.scalar(text("select to_regclass(:place)"), {"place": place}) is None:
        return False
    return bool(session.scalar(text(f"select exists (select from {place})")))  # noqa: S608 - a name of ours


def drop(session: Session, run_id: int) -> None:
    """Forget all that the run has read."""
    for table in _SHAPES:
        session.execute(text(f"drop table if exists {name(run_id, table)}"))


_ORPHANS = text("""
select t.tablename from pg_tables t
where t.schemaname = 'staging' and not exists (
    select from intake_runs r where r.finished_at is null and t.tablename like '%\\_' || r.id)
""")


def drop_orphans(session: Session) -> None:
    """Forget what was read for shops that were erased in the meantime."""
    for table in session.execute(_ORPHANS).scalars().all():
        session.execute(text(f'drop table staging."{table}"'))
