"""Taking an import back, a bounded part at a time, from its last row to its first.

Entries stay for ever, so the reverse is posted. Everything else is as before the import where nothing has happened
since: lots, uses and balances, and the accounts and identities that only the import had made. Debts that its points had
paid are owed again. What has been spent since stays with whoever spent it: a mistake of the shop puts nobody in debt.
Points of the import that have expired since are taken back together with their expiry.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.customers import accounts
from app.db import Base
from app.loyalty import ledger, moves
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import AccountLots, Source, expiry_of
from app.sql import rows
from app.transfer import import_idleness
from app.transfer.models import BalanceImport
from app.transfer.posting import KIND, REASON, SOURCE_ID, SPENT_ELSEWHERE, SPENT_REASON

UNDONE_REASON = "import_undone"
# Webhooks of the shop wait: what they would bring must not meet an account that is about to go.
_STOP_LOOP = text("select from inbox_partitions where id = :shop_id % 64 for update")
_CHUNK = text(f"""
create temporary table undo_chunk on commit drop as
with taken as (
    select r.*, r.lifetime - r.points as spent, {SOURCE_ID} as source_id, {SOURCE_ID} || ':' || 'spent' as spent_id
    from balance_import_rows r
    where r.shop_id = :shop_id and r.import_id = :import_id and r.row <= :position
    order by r.row desc limit :size
)
select t.*, a.merged_into, l.id as lot_id, l.granted,
       l.granted = t.points and l.remaining = t.points and t.debt_paid = 0 and a.merged_into is null as untouched
from taken t
left join lateral (
    select a.merged_into from accounts a where a.shop_id = t.shop_id and a.id = t.account_id limit 1
) a on true
left join lateral (
    select l.id, l.granted, l.remaining from lots l
    where l.shop_id = t.shop_id and l.program_id = :program_id and l.account_id = t.account_id
        and l.source_kind = :kind and l.source_id = t.source_id limit 1
) l on true
""")  # noqa: S608 - constants of ours
_LOCK = text("""
select count(*) from (
    select account_id from undo_chunk union select merged_into from undo_chunk order by 1
) c cross join lateral (
    select b.points from balances b
    where b.shop_id = :shop_id and b.program_id = :program_id and b.account_id = c.account_id for update
) locked
""")
_ENTRIES = text("""
insert into ledger_entries (shop_id, program_id, account_id, source_kind, source_id, points, reason, business_at,
                            recorded_at, actor)
select :shop_id, :program_id, c.account_id, e.kind, e.id, e.points, :reason, :now, :now, :actor
from undo_chunk c cross join lateral (values
    (1, cast(:kind as text), c.source_id, case when c.untouched then - c.points else 0 end),
    (2, :spent_elsewhere, c.spent_id, c.spent), (3, :kind, c.spent_id, - c.spent)
) e(n, kind, id, points)
where e.points <> 0
order by c.row desc, e.n
""")
_USES = text("""
delete from lot_uses u using undo_chunk c
where u.shop_id = :shop_id and u.program_id = :program_id and u.account_id = c.account_id
    and u.source_kind = :spent_elsewhere and u.source_id = c.spent_id
""")
_BALANCES = text("""
update balances b set points = b.points - c.points, lifetime = b.lifetime - c.earned
from (select account_id, coalesce(sum(points) filter (where untouched), 0)::bigint as points,
             sum(case when untouched then lifetime else spent end)::bigint as earned
      from undo_chunk group by 1) c
where b.shop_id = :shop_id and b.program_id = :program_id and b.account_id = c.account_id
""")
_LOTS = text("""
delete from lots l using undo_chunk c
where l.shop_id = :shop_id and l.id = c.lot_id and (c.untouched or l.granted = 0)
""")
_LOTS_ELSEWHERE = text("""
delete from lots l using undo_chunk c
where l.shop_id = :shop_id and l.program_id = :program_id and l.account_id = c.account_id
    and l.source_kind = :kind and l.source_id = c.spent_id
""")
_TOUCHED = text("select * from undo_chunk where lot_id is not null and not untouched order by row")
_MERGED = text("select distinct account_id from undo_chunk where merged_into is not null")
_KEPT = text("""
update balance_import_rows r set kept = k.kept
from jsonb_to_recordset(cast(:kept as jsonb)) as k(row bigint, kept bigint)
where r.shop_id = :shop_id and r.import_id = :import_id and r.row = k.row
""")
_ROWS = text("""
delete from balance_import_rows r using undo_chunk c
where r.shop_id = :shop_id and r.import_id = :import_id and r.row = c.row and r.kept is null
""")
_EMPTY_BALANCES = text("""
delete from balances b using (select distinct account_id from undo_chunk where balance_made) c
where b.shop_id = :shop_id and b.program_id = :program_id and b.account_id = c.account_id
    and b.points = 0 and b.lifetime = 0
    and not exists (select from lots l where (l.shop_id, l.program_id, l.account_id)
                                           = (b.shop_id, b.program_id, b.account_id))
    and not exists (select from lot_uses u where (u.shop_id, u.program_id, u.account_id)
                                               = (b.shop_id, b.program_id, b.account_id))
    and not exists (select from ledger_entries e
                    where e.shop_id = b.shop_id and e.account_id = b.account_id and e.program_id = b.program_id
                        and e.reason <> all(:own_reasons))
""")


def undo_chunk(session: Session, imported: BalanceImport, size: int, now: datetime, actor: str) -> int:
    """Take back the last `size` rows that are left; returns how many there were. The caller holds the import's row."""
    parameters: dict[str, Any] = {
        "shop_id": imported.shop_id,
        "program_id": imported.program_id,
        "import_id": imported.id,
        "position": imported.position,
        "size": size,
        "now": now,
        "actor": actor,
        "kind": KIND,
        "spent_elsewhere": SPENT_ELSEWHERE,
        "reason": UNDONE_REASON,
        "own_reasons": [REASON, SPENT_REASON, UNDONE_REASON],
    }
    session.execute(_STOP_LOOP, parameters)
    accounts.lock_shops(session, [imported.shop_id])
    session.execute(_CHUNK, parameters)
    session.execute(_LOCK, parameters)
    kept = _take_back_touched(session, imported, session.execute(_TOUCHED).all(), now, actor)
    for statement in (_ENTRIES, _USES, _BALANCES, _LOTS, _LOTS_ELSEWHERE, _KEPT, _ROWS):
        session.execute(statement, parameters | {"kept": rows(kept)})
    merged = session.execute(_MERGED).scalars()
    moves.carry_over(session, [Holder(imported.shop_id, imported.program_id, account) for account in merged])
    import_idleness.put_back(session, imported)
    session.execute(_EMPTY_BALANCES, parameters)
    session.execute(text(_unused_accounts()), parameters)
    found = session.execute(text("select count(*) as n, min(row) as first from undo_chunk")).one()
    imported.position = found.first - 1 if found.n else 0
    session.execute(text("drop table undo_chunk"))
    return int(found.n)


def _take_back_touched(
    session: Session, imported: BalanceImport, found: Sequence[Any], now: datetime, actor: str
) -> list[dict[str, int]]:
    """Post the reverse of rows whose lots have been used since; returns what of them stays."""
    if not found:
        return []
    own = {row.row: Holder(imported.shop_id, imported.program_id, row.account_id) for row in found}
    roots = {Holder(imported.shop_id, imported.program_id, row.merged_into) for row in found if row.merged_into}
    lots = ledger.load_lots(session, {*own.values(), *roots})
    kept: list[dict[str, int]] = []
    postings: list[Posting] = []
    for row in found:
        source = Source(KIND, row.source_id)
        points = _free(lots, own[row.row], source, row)
        if points < row.granted:
            kept.append({"row": row.row, "kept": row.granted - points})
        postings.append(
            Posting(
                holder=own[row.row],
                source=source,
                points=-points,
                reason=UNDONE_REASON,
                business_at=now,
                actor=actor,
            )
        )
    ledger.post(session, postings, lots)
    return kept


def _free(lots: Mapping[Holder, AccountLots], holder: Holder, source: Source, row: Any) -> int:
    """Points of a lot that nobody has spent since: left, expired, carried to another account, paid for old debts."""
    lot = lots[holder].lots[source]
    expired = lots[holder].uses.get(expiry_of(source), {}).get(source, 0)
    carried = Source("moved", f"{holder.account_id}:{source.kind}:{source.id}")
    there = lots[holder._replace(account_id=row.merged_into)].lots.get(carried) if row.merged_into else None
    return min(lot.granted, int(lot.remaining + expired + (there.remaining if there else 0) + row.debt_paid))


def _unused_accounts() -> str:
    """Delete accounts that the import made and that nothing but its entries has named since, with their identity."""
    # Segments are made anew from the rest when an undo ends.
    segments = {"segment_changes", "segment_profiles", "segment_members", "segment_transitions"}
    left_out = {"ledger_entries", "identities", "balance_import_rows", *segments}
    naming = [
        f"and not exists (select from {table.name} t where t.shop_id = a.shop_id and t.account_id = a.id)"
        for table in Base.metadata.sorted_tables
        if {"shop_id", "account_id"} <= set(table.columns.keys()) and table.name not in left_out
    ]
    return f"""
        with gone as (
            delete from accounts a using (select distinct account_id from undo_chunk where account_made) c
            where a.shop_id = :shop_id and a.id = c.account_id and a.merged_into is null
                and not exists (select from accounts o where o.shop_id = a.shop_id and o.merged_into = a.id)
                and (select count(*) from identities i where i.shop_id = a.shop_id and i.account_id = a.id) = 1
                and not exists (select from identities i join customers k on k.shop_id = i.shop_id
                                    and i.kind = 'customer' and k.id::text = i.value
                                where i.shop_id = a.shop_id and i.account_id = a.id)
                {" ".join(naming)}
            returning a.id
        )
        delete from identities i using gone where i.shop_id = :shop_id and i.account_id = gone.id
    """  # noqa: S608 - names of our own tables
