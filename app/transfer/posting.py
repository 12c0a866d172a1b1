"""Posting a bounded part of an import: entries, lots and balances of many rows by a few statements, one transaction.

The same state as `app.loyalty.ledger.post` leaves, at a hundredth of the cost, because these lots are new and touch no
other. Rows with words beside them and those of accounts that owe points (new points pay debts first) go through the
ledger itself.

Points of a lifetime that are not left were earned and spent elsewhere: they come in as a lot that is used up, with a
use of the kind `import_spent`, and only raise what was ever earned.

Locks are taken in the one order of the project: accounts of the shop, then balances. Large tables are reached through
the keys of a chunk's rows, whatever the planner believes of tables that were empty a moment ago.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.customers import accounts
from app.loyalty import ledger, moves
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import LotDates, Source
from app.sql import rows
from app.transfer import import_idleness
from app.transfer.models import BalanceImport
from app.transfer.owners import OWNERS

KIND = "import"
REASON = "imported"
# Points that were earned and spent before the import; under the key of the row, with `:spent` behind.
SPENT_ELSEWHERE = "import_spent"
SPENT_REASON = "spent_before_import"
SOURCE_ID = "cast(cast(:import_id as uuid) as text) || ':' || row"

_CHUNK = text(f"""
create temporary table import_chunk on commit drop as
with {OWNERS}
select owners.*, {SOURCE_ID} as source_id, {SOURCE_ID} || ':' || 'spent' as spent_id, lifetime - points as spent,
       false as account_made, false as balance_made, false as by_ledger, 0::bigint as debt
from owners
""")  # noqa: S608 - constants of ours
_ACCOUNTS = text("""
with missing as (
    select nextval(pg_get_serial_sequence('accounts', 'id')) as id, w.kind, w.value
    from (select distinct kind, value from import_chunk where account_id is null and lifetime > 0 order by 1, 2) w
), made as (
    insert into accounts (shop_id, id, created_at) select :shop_id, id, :now from missing
), named as (
    insert into identities (shop_id, kind, value, account_id) select :shop_id, kind, value, id from missing
)
update import_chunk c set account_id = m.id, account_made = true
from missing m where m.kind = c.kind and m.value = c.value and c.account_id is null
""")
_MAKE_BALANCES = text("""
with made as (
    insert into balances (shop_id, program_id, account_id, points, lifetime)
    select distinct cast(:shop_id as bigint), cast(:program_id as bigint), account_id, 0, 0
    from import_chunk where lifetime > 0 order by account_id
    on conflict do nothing returning account_id
)
update import_chunk c set balance_made = true from made where made.account_id = c.account_id
""")
_LOCK_BALANCES = text("""
select count(*) from (
    select distinct account_id from import_chunk where lifetime > 0 order by account_id
) c cross join lateral (
    select b.points from balances b
    where b.shop_id = :shop_id and b.program_id = :program_id and b.account_id = c.account_id for update
) locked
""")
_DEBTS = text("""
update import_chunk c set debt = u.points from (
    select w.account_id, u.points from (select distinct account_id from import_chunk where lifetime > 0) w
    cross join lateral (
        select sum(u.points)::bigint as points from lot_uses u
        where u.shop_id = :shop_id and u.program_id = :program_id and u.account_id = w.account_id and u.lot_id = 0
    ) u where u.points is not null
) u where u.account_id = c.account_id
""")
_BY_LEDGER = text("""
update import_chunk set by_ledger = true where points > 0 and (debt > 0 or note is not null)
returning row, account_id, source_id, points, earned_at, expires_at, note, debt
""")
_ENTRIES = text("""
insert into ledger_entries (shop_id, program_id, account_id, source_kind, source_id, points, reason, business_at,
                            recorded_at, actor)
select :shop_id, :program_id, c.account_id, e.kind, e.id, e.points, e.reason, c.earned_at, :now, :actor
from import_chunk c cross join lateral (values
    (1, cast(:kind as text), c.spent_id, c.spent, cast(:spent_reason as text)),
    (2, :spent_elsewhere, c.spent_id, - c.spent, :spent_reason),
    (3, :kind, c.source_id, case when c.by_ledger then 0 else c.points end, :reason)
) e(n, kind, id, points, reason)
where e.points <> 0
order by c.row, e.n
""")
_LOTS = text("""
with made as (
    insert into lots (shop_id, program_id, account_id, source_kind, source_id, granted, remaining, available_at,
                      expires_at)
    select :shop_id, :program_id, c.account_id, :kind, l.id, l.granted, l.remaining, c.earned_at, l.expires_at
    from import_chunk c cross join lateral (values
        (c.spent_id, c.spent, 0, cast(null as timestamptz)),
        (c.source_id, case when c.by_ledger then 0 else c.points end, c.points, c.expires_at)
    ) l(id, granted, remaining, expires_at)
    where l.granted > 0 order by c.row
    returning account_id, source_id, id, granted, remaining
)
insert into lot_uses (shop_id, program_id, account_id, source_kind, source_id, lot_id, points)
select :shop_id, :program_id, account_id, :spent_elsewhere, source_id, id, granted
from made where remaining = 0
""")
# The rows are there and locked: what comes is always the update.
_BALANCES = text("""
insert into balances as b (shop_id, program_id, account_id, points, lifetime)
select cast(:shop_id as bigint), cast(:program_id as bigint), account_id,
       coalesce(sum(points) filter (where not by_ledger), 0)::bigint,
       sum(case when by_ledger then spent else lifetime end)::bigint
from import_chunk where lifetime > 0 group by account_id order by account_id
on conflict (shop_id, program_id, account_id)
do update set points = b.points + excluded.points, lifetime = b.lifetime + excluded.lifetime
""")
_POSTED = text("""
update balance_import_rows r set account_id = c.account_id, account_made = c.account_made,
    balance_made = c.balance_made, debt_paid = coalesce(p.debt_paid, 0), email = null, customer_id = null, note = null
from import_chunk c left join jsonb_to_recordset(cast(:paid as jsonb)) as p(row bigint, debt_paid bigint) using (row)
where r.shop_id = :shop_id and r.import_id = :import_id and r.row = c.row and r.row > :after and r.row <= :until
""")
# Whoever was merged between our look and our lock: the points follow the person.
_MERGED = text("""
select c.account_id from (select distinct account_id from import_chunk where lifetime > 0) c
where (select a.merged_into from accounts a where a.shop_id = :shop_id and a.id = c.account_id) is not null
""")


def post_chunk(session: Session, imported: BalanceImport, until: int, now: datetime) -> None:
    """Post the rows behind `imported.position` up to the line `until`. The caller holds the import's row."""
    parameters: dict[str, Any] = {
        "shop_id": imported.shop_id,
        "program_id": imported.program_id,
        "import_id": imported.id,
        "after": imported.position,
        "until": until,
        "now": now,
        "actor": imported.actor,
        "kind": KIND,
        "reason": REASON,
        "spent_elsewhere": SPENT_ELSEWHERE,
        "spent_reason": SPENT_REASON,
    }
    accounts.lock_shops(session, [imported.shop_id])
    for statement in (_CHUNK, _ACCOUNTS, _MAKE_BALANCES, _LOCK_BALANCES, _DEBTS):
        session.execute(statement, parameters)
    paid = _post_by_ledger(session, imported, session.execute(_BY_LEDGER, parameters).all())
    for statement in (_ENTRIES, _LOTS, _BALANCES, _POSTED):
        session.execute(statement, parameters | {"paid": rows(paid)})
    import_idleness.renew(session, imported)
    merged = session.execute(_MERGED, parameters).scalars()
    moves.carry_over(session, [Holder(imported.shop_id, imported.program_id, account) for account in merged])
    session.execute(text("drop table import_chunk"))
    imported.position = until


def _post_by_ledger(session: Session, imported: BalanceImport, found: Sequence[Any]) -> list[dict[str, int]]:
    """Post rows of debtors, and those with words beside them; returns what each row paid of a debt."""
    debts: dict[int, int] = {}
    paid: list[dict[str, int]] = []
    postings: list[Posting] = []
    for row in sorted(found, key=lambda row: row.row):
        debt = debts.get(row.account_id, row.debt)
        covered = min(debt, row.points)
        debts[row.account_id] = debt - covered
        paid.append({"row": row.row, "debt_paid": covered})
        postings.append(
            Posting(
                holder=Holder(imported.shop_id, imported.program_id, row.account_id),
                source=Source(KIND, row.source_id),
                points=row.points,
                reason=REASON,
                business_at=row.earned_at,
                actor=imported.actor,
                note=row.note,
                dates=LotDates(row.earned_at, row.expires_at),
            )
        )
    ledger.post(session, postings)
    return paid
