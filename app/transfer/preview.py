"""What an import will do, from the rows that were read: the same owners and sums as posting has."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.transfer.errors import RowError
from app.transfer.owners import OWNERS
from app.transfer.staging import Staged

FIRST_ROWS = 10


class FirstRow(NamedTuple):
    """A row as it will be: whose, and the balance before and after the whole file."""

    line: int
    who: str
    points: int
    expires_at: datetime | None
    balance: int
    balance_after: int


class Preview(NamedTuple):
    """Rows and points of a file, the people it is about, those who get an account, old debts that it pays."""

    rows: int
    points: int
    lifetime: int
    people: int
    new_accounts: int
    debts_paid: int
    bad: int
    errors: tuple[RowError, ...]
    error_count: int
    first: tuple[FirstRow, ...]


_TOTALS = text(f"""
with {OWNERS}, people as (
    select coalesce(account_id::text, kind || value) as who, account_id, sum(points)::bigint as points,
           sum(lifetime)::bigint as lifetime
    from owners group by 1, 2
), indebted as (
    select p.account_id, p.points, sum(u.points)::bigint as debt
    from people p join lot_uses u on u.shop_id = :shop_id and u.program_id = :program_id
        and u.account_id = p.account_id and u.lot_id = 0
    group by 1, 2
)
select coalesce(sum(lifetime), 0)::bigint as lifetime, count(*) as people,
       count(*) filter (where account_id is null and lifetime > 0) as new_accounts,
       (select coalesce(sum(least(debt, points)), 0)::bigint from indebted) as debts_paid
from people
""")  # noqa: S608 - a constant of ours
_FIRST = text(f"""
with {OWNERS}, first as (
    select * from owners order by row limit :limit
), sums as (
    select coalesce(o.account_id::text, o.kind || o.value) as who, sum(o.points)::bigint as points
    from owners o where coalesce(o.account_id::text, o.kind || o.value)
        in (select coalesce(account_id::text, kind || value) from first)
    group by 1
)
select f.row, f.kind || ' ' || f.value as who, f.points, f.expires_at, coalesce(b.points, 0) as balance,
       coalesce(b.points, 0) + s.points as balance_after
from first f join sums s on s.who = coalesce(f.account_id::text, f.kind || f.value)
left join balances b on b.shop_id = :shop_id and b.program_id = :program_id and b.account_id = f.account_id
order by f.row
""")  # noqa: S608 - a constant of ours


def preview(session: Session, shop_id: int, program_id: int, import_id: str, staged: Staged) -> Preview:
    """The figures of an import whose rows have been read."""
    key = {"shop_id": shop_id, "program_id": program_id, "import_id": import_id, "after": 0, "until": None}
    totals = session.execute(_TOTALS, key).one()
    first = session.execute(_FIRST, key | {"limit": FIRST_ROWS}).all()
    return Preview(
        rows=staged.rows,
        points=staged.points,
        lifetime=totals.lifetime,
        people=totals.people,
        new_accounts=totals.new_accounts,
        debts_paid=totals.debts_paid,
        bad=staged.bad,
        errors=tuple(staged.errors),
        error_count=staged.count,
        first=tuple(FirstRow(*row) for row in first),
    )
