"""Lots and their uses in the database: loaded as `AccountLots`, and written back where they changed.

Called by `app.loyalty.ledger` and by whoever posts through it. The caller has locked the balances of the holders, so
nothing moves between loading and writing. Statements are set-based, whatever the number of accounts and shops.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.loyalty.lots import OWED, AccountLots, Holder, LotState, Source
from app.sql import Statement, rows

_KEY = "shop_id, program_id, account_id"
_SOURCE = f"{_KEY}, source_kind, source_id"
_HOLDERS = "jsonb_to_recordset(cast(:holders as jsonb)) as h(shop_id bigint, program_id bigint, account_id bigint)"
_SOURCES = """jsonb_to_recordset(cast(:sources as jsonb))
    as s(shop_id bigint, program_id bigint, account_id bigint, source_kind text, source_id text)"""
_LOTS = Statement(f"""
select l.shop_id, l.program_id, l.account_id, l.id, l.source_kind, l.source_id, l.granted, l.remaining,
       l.available_at, l.expires_at, b.idle_at
from balances b join {_HOLDERS} using ({_KEY}) join lots l using ({_KEY})
""")  # noqa: S608 - constants of this module
_USES = Statement(f"""
select u.shop_id, u.program_id, u.account_id, u.source_kind, u.source_id, u.points,
       l.source_kind as lot_kind, l.source_id as lot_source
from lot_uses u join {_HOLDERS} using ({_KEY})
left join lots l on l.shop_id = u.shop_id and l.id = u.lot_id
""")  # noqa: S608 - constants of this module
# What postings on some sources can touch: lots that hold something, the sources' own, and those that they use.
_NEEDED_LOTS = Statement(f"""
with s as materialized (select * from {_SOURCES}), wanted as (
    select l.shop_id, l.id from {_HOLDERS} join lots l using ({_KEY}) where l.remaining > 0
    union
    select l.shop_id, l.id from s join lots l using ({_SOURCE})
    union
    select u.shop_id, u.lot_id from s join lot_uses u using ({_SOURCE}) where u.lot_id <> 0
)
select l.shop_id, l.program_id, l.account_id, l.id, l.source_kind, l.source_id, l.granted, l.remaining,
       l.available_at, l.expires_at, b.idle_at
from wanted join lots l using (shop_id, id) join balances b using ({_KEY})
""")  # noqa: S608 - constants of this module
_SPENDABLE = Statement("""
select l.shop_id, l.program_id, l.account_id, l.id, l.source_kind, l.source_id, l.granted, l.remaining,
       l.available_at, l.expires_at, b.idle_at
from lots l join balances b using (shop_id, program_id, account_id)
where l.shop_id = :shop_id and l.program_id = :program_id and l.account_id = :account_id and l.remaining > 0
""")
# Who may be moved from lot to lot: the sources, the users of their own lots, and whoever owes; and the expiries of lots
# that hold something or that the sources use, which may take more or give something up.
_NEEDED_USES = Statement(f"""
with s as materialized (select * from {_SOURCES}), users as (
    select * from s
    union
    select u.shop_id, u.program_id, u.account_id, u.source_kind, u.source_id
    from {_HOLDERS} join lot_uses u using ({_KEY}) where u.lot_id = 0
    union
    select u.shop_id, u.program_id, u.account_id, u.source_kind, u.source_id
    from s join lots l using ({_SOURCE}) join lot_uses u on u.shop_id = l.shop_id and u.lot_id = l.id
    union
    select l.shop_id, l.program_id, l.account_id, 'expiry', l.source_kind || ':' || l.source_id
    from {_HOLDERS} join lots l using ({_KEY}) where l.remaining > 0
    union
    select u.shop_id, u.program_id, u.account_id, 'expiry', l.source_kind || ':' || l.source_id
    from s join lot_uses u using ({_SOURCE}) join lots l on l.shop_id = u.shop_id and l.id = u.lot_id
)
select u.shop_id, u.program_id, u.account_id, u.source_kind, u.source_id, u.points,
       l.source_kind as lot_kind, l.source_id as lot_source
from users join lot_uses u using ({_SOURCE})
left join lots l on l.shop_id = u.shop_id and l.id = u.lot_id
""")  # noqa: S608 - constants of this module


def load_lots(session: Session, holders: Iterable[Holder]) -> dict[Holder, AccountLots]:
    """All lots and uses of these holders."""
    wanted = sorted(set(holders))
    told = rows(holder._asdict() for holder in wanted)
    return _state(wanted, _LOTS.run(session, holders=told), _USES.run(session, holders=told))


def load_needed(session: Session, touched: Iterable[tuple[Holder, Source]]) -> dict[Holder, AccountLots]:
    """What postings on these sources can touch; posting on it gives what posting on all lots would give.

    What can be spent, what waits and what is owed is all there. An account of thousands of lots has few that still
    hold something.
    """
    pairs = sorted(set(touched))
    wanted = sorted({holder for holder, _ in pairs})
    sources = (holder._asdict() | {"source_kind": source.kind, "source_id": source.id} for holder, source in pairs)
    parameters = {"holders": rows(holder._asdict() for holder in wanted), "sources": rows(sources)}
    return _state(wanted, _NEEDED_LOTS.run(session, **parameters), _NEEDED_USES.run(session, **parameters))


def load_spendable(session: Session, holder: Holder) -> AccountLots:
    """What a spending source that is new can touch if it takes no more than there is: lots that hold something.

    Points that remain and points that are owed never stand side by side, so nobody's debt is covered by such a posting.
    """
    found = _SPENDABLE.run(session, **holder._asdict())
    return _state([holder], found, ())[holder]


def _state(holders: Iterable[Holder], lots: Iterable[Any], uses: Iterable[Any]) -> dict[Holder, AccountLots]:
    state = {holder: AccountLots() for holder in holders}
    for row in lots:
        source = Source(row.source_kind, row.source_id)
        account = state[Holder(row.shop_id, row.program_id, row.account_id)]
        account.idle_at = row.idle_at
        account.lots[source] = LotState(source, row.granted, row.remaining, row.available_at, row.expires_at, row.id)
    for row in uses:
        lot = Source(row.lot_kind, row.lot_source) if row.lot_kind is not None else OWED
        used = state[Holder(row.shop_id, row.program_id, row.account_id)].uses
        used.setdefault(Source(row.source_kind, row.source_id), {})[lot] = row.points
    return state


class _LotRow(NamedTuple):
    """What of a lot can change."""

    granted: int
    remaining: int
    expires_at: datetime | None


class Snapshot(NamedTuple):
    """What was stored, to write differences only."""

    lots: dict[Source, _LotRow]
    uses: dict[tuple[Source, Source], int]


def snapshot(lots: AccountLots) -> Snapshot:
    """An account's lots and uses as they are now."""
    return Snapshot(
        {source: _LotRow(lot.granted, lot.remaining, lot.expires_at) for source, lot in lots.lots.items()},
        _flat_uses(lots),
    )


# What has changed of lots and uses, as parts of the one statement that posts (`app.loyalty.ledger`).
CHANGES = """
changed as (
    update lots l set granted = r.granted, remaining = r.remaining, expires_at = r.expires_at
    from jsonb_to_recordset(cast(:lots as jsonb)) as r(
        shop_id bigint, id bigint, granted bigint, remaining bigint, expires_at timestamptz)
    where l.shop_id = r.shop_id and l.id = r.id
), gone as (
    delete from lot_uses u using jsonb_populate_recordset(null::lot_uses, cast(:unused as jsonb)) r
    where (u.shop_id, u.program_id, u.account_id, u.source_kind, u.source_id, u.lot_id)
        = (r.shop_id, r.program_id, r.account_id, r.source_kind, r.source_id, r.lot_id)
), kept as (
    insert into lot_uses (shop_id, program_id, account_id, source_kind, source_id, lot_id, points)
    select shop_id, program_id, account_id, source_kind, source_id, lot_id, points
    from jsonb_populate_recordset(null::lot_uses, cast(:used as jsonb))
    on conflict (shop_id, program_id, account_id, source_kind, source_id, lot_id) do update set points = excluded.points
)"""
_INSERT_LOTS = Statement("""
insert into lots (shop_id, program_id, account_id, source_kind, source_id, granted, remaining, available_at, expires_at)
select shop_id, program_id, account_id, source_kind, source_id, granted, remaining, available_at, expires_at
from jsonb_populate_recordset(null::lots, cast(:rows as jsonb))
order by available_at, source_kind, source_id
returning shop_id, program_id, account_id, source_kind, source_id, id
""")
_Rows = list[dict[str, Any]]


def changes(session: Session, before: Mapping[Holder, Snapshot], lots: Mapping[Holder, AccountLots]) -> dict[str, str]:
    """The parameters of CHANGES: what is different from the snapshots. New lots are stored here, and get their ids."""
    changed = _store_new(session, before, lots)
    unused, used = _changed_uses(before, lots)
    return {"lots": rows(changed), "unused": rows(unused), "used": rows(used)}


def _store_new(session: Session, before: Mapping[Holder, Snapshot], lots: Mapping[Holder, AccountLots]) -> _Rows:
    """Store the lots that are new; returns those that have changed."""
    new: _Rows = []
    changed: _Rows = []
    for holder, was in before.items():
        for source, lot in lots[holder].lots.items():
            state = _LotRow(lot.granted, lot.remaining, lot.expires_at)
            if lot.id is None:
                key = {"source_kind": source.kind, "source_id": source.id, "available_at": lot.available_at}
                new.append(holder._asdict() | key | state._asdict())
            elif was.lots.get(source) != state:
                changed.append({"shop_id": holder.shop_id, "id": lot.id} | state._asdict())
    if new:
        for made in _INSERT_LOTS.run(session, rows=rows(new)):
            holder = Holder(made.shop_id, made.program_id, made.account_id)
            lots[holder].lots[Source(made.source_kind, made.source_id)].id = made.id
    return changed


def _changed_uses(before: Mapping[Holder, Snapshot], lots: Mapping[Holder, AccountLots]) -> tuple[_Rows, _Rows]:
    """Uses that are no more, and those that are new or other than they were."""
    unused: _Rows = []
    used: _Rows = []
    for holder, was in before.items():
        now = _flat_uses(lots[holder])
        for user, lot in was.uses.keys() | now.keys():
            points = now.get((user, lot), 0)
            if points == was.uses.get((user, lot), 0):
                continue
            lot_id = 0 if lot == OWED else lots[holder].lots[lot].id
            key: dict[str, Any] = {"source_kind": user.kind, "source_id": user.id, "lot_id": lot_id, "points": points}
            (used if points else unused).append(holder._asdict() | key)
    return unused, used


def _flat_uses(lots: AccountLots) -> dict[tuple[Source, Source], int]:
    return {(user, lot): points for user, held in lots.uses.items() for lot, points in held.items()}
