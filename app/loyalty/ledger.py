"""The only door through which points change: entries, lots and balances move together, or not at all.

Callers lock the balances first (`lock_balances`), decide, then `post`. Statements are few and set-based, whatever the
number of accounts and shops: the inbox loop posts a whole batch at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.loyalty.lots import EXPIRY, OWED, AccountLots, LotDates, LotState, Source, expiry_of

# What these sources take from or bring to an account is spending, not earning.
NOT_EARNED = frozenset({"redemption", "moved_spending", EXPIRY, "forgiven"})


class Holder(NamedTuple):
    """Whose points: an account in a program of a shop."""

    shop_id: int
    program_id: int
    account_id: int


@dataclass(frozen=True, kw_only=True)
class Posting:
    """A change of points that is to be written. `reason` is a key of the shopper's texts.

    `dates` are those of a lot that this makes; points that return live until `keep_until` at least.
    """

    holder: Holder
    source: Source
    points: int
    reason: str
    business_at: datetime
    rule_version: int | None = None
    actor: str | None = None
    note: str | None = None
    dates: LotDates | None = None
    keep_until: datetime | None = None


_HOLDERS = "jsonb_to_recordset(cast(:holders as jsonb)) as h(shop_id bigint, program_id bigint, account_id bigint)"
_LOCK = text(f"""
select b.shop_id, b.program_id, b.account_id, b.points
from balances b join {_HOLDERS} using (shop_id, program_id, account_id)
order by b.shop_id, b.program_id, b.account_id for update of b
""")  # noqa: S608 - a constant of this module
_MAKE = text(f"""
insert into balances (shop_id, program_id, account_id, points, lifetime)
select shop_id, program_id, account_id, 0, 0 from {_HOLDERS} order by 1, 2, 3
on conflict do nothing
""")  # noqa: S608 - a constant of this module


def lock_balances(session: Session, holders: Iterable[Holder]) -> dict[Holder, int]:
    """Lock the balance rows in one fixed order, creating those that are missing; returns the points on each."""
    wanted = sorted(set(holders))
    if not wanted:
        return {}
    parameters = {"holders": _json([holder._asdict() for holder in wanted])}
    # The lock is a statement of its own: only then does it see a row that somebody else has just made.
    session.execute(_MAKE, parameters)
    rows = session.execute(_LOCK, parameters)
    return {Holder(row.shop_id, row.program_id, row.account_id): row.points for row in rows}


_LOTS = text(f"""
select l.shop_id, l.program_id, l.account_id, l.id, l.source_kind, l.source_id, l.granted, l.remaining,
       l.available_at, l.expires_at
from lots l join {_HOLDERS} using (shop_id, program_id, account_id)
""")  # noqa: S608 - a constant of this module
_USES = text(f"""
select u.shop_id, u.program_id, u.account_id, u.source_kind, u.source_id, u.lot_id, u.points
from lot_uses u join {_HOLDERS} using (shop_id, program_id, account_id)
""")  # noqa: S608 - a constant of this module


def load_lots(session: Session, holders: Iterable[Holder]) -> dict[Holder, AccountLots]:
    """The lots and uses of these holders, which the caller has locked."""
    state: dict[Holder, AccountLots] = {holder: AccountLots() for holder in holders}
    wanted = {"holders": _json([holder._asdict() for holder in state])}
    source_of: dict[tuple[int, int], Source] = {}
    for row in session.execute(_LOTS, wanted):
        source = Source(row.source_kind, row.source_id)
        holder = Holder(row.shop_id, row.program_id, row.account_id)
        state[holder].lots[source] = LotState(
            source, row.granted, row.remaining, row.available_at, row.expires_at, row.id
        )
        source_of[row.shop_id, row.id] = source
    for row in session.execute(_USES, wanted):
        lots = state[Holder(row.shop_id, row.program_id, row.account_id)]
        lot = source_of[row.shop_id, row.lot_id] if row.lot_id else OWED
        lots.uses.setdefault(Source(row.source_kind, row.source_id), {})[lot] = row.points
    return state


def post(session: Session, postings: Sequence[Posting], lots: Mapping[Holder, AccountLots] | None = None) -> list[int]:
    """Write entries and bring lots, uses and balances to what they now are; returns the entries' ids, in order.

    The caller holds the locks. `lots` may be passed when it has loaded them since; it is brought up to date.
    """
    postings = [posting for posting in postings if posting.points]
    if not postings:
        return []
    lots = lots or load_lots(session, {posting.holder for posting in postings})
    before = {holder: _snapshot(lots[holder]) for holder in {posting.holder for posting in postings}}
    followers: list[Posting] = []
    for posting in postings:
        followers += _book(lots[posting.holder], posting)
    entry_ids = _write_entries(session, [*postings, *followers])
    _write_lots(session, before, lots)
    _write_uses(session, before, lots)
    _write_balances(session, [*postings, *followers])
    return entry_ids[: len(postings)]


def _book(lots: AccountLots, posting: Posting) -> list[Posting]:
    """Bring the lots to what a posting means; returns what must be posted on other sources with it."""
    if posting.source.kind == EXPIRY and posting.points < 0:
        kind, _, key = posting.source.id.partition(":")
        if lots.expire(Source(kind, key)) != -posting.points:
            raise RuntimeError("an expiry takes all that remains of its lot, and nothing else")
        return []
    changes = lots.post(posting.source, posting.points, posting.business_at, posting.dates, posting.keep_until)
    return [
        Posting(
            holder=posting.holder,
            source=change.source,
            points=change.points,
            reason="expiry_taken_back",
            business_at=posting.business_at,
        )
        for change in changes
    ]


def expiry_postings(holder: Holder, lots: AccountLots, at: datetime, *, idle: bool = False) -> list[Posting]:
    """What has expired of an account by `at` and is not posted yet.

    `idle`: the account has been idle for too long by then, so lots without an end of their own are over too.
    """
    over = [
        lot
        for lot in lots.lots.values()
        if lot.remaining and (idle if lot.expires_at is None else lot.expires_at <= at)
    ]
    return [
        Posting(
            holder=holder,
            source=expiry_of(lot.source),
            points=-lot.remaining,
            reason="expired",
            business_at=lot.expires_at or at,
        )
        for lot in sorted(over, key=lambda lot: (lot.expires_at or at, lot.source))
    ]


_ENTRIES = text("""
insert into ledger_entries (shop_id, program_id, account_id, source_kind, source_id, points, reason, rule_version,
                            business_at, recorded_at, actor)
select shop_id, program_id, account_id, source_kind, source_id, points, reason, rule_version, business_at,
       :now, actor
from jsonb_to_recordset(cast(:rows as jsonb)) as r(
    n int, shop_id bigint, program_id bigint, account_id bigint, source_kind text, source_id text, points bigint,
    reason text, rule_version bigint, business_at timestamptz, actor text)
order by n
returning id
""")
_NOTES = text("""
insert into ledger_notes (shop_id, entry_id, note)
select shop_id, entry_id, note
from jsonb_to_recordset(cast(:rows as jsonb)) as r(shop_id bigint, entry_id bigint, note text)
""")


def _write_entries(session: Session, postings: Sequence[Posting]) -> list[int]:
    rows = [
        {
            **posting.holder._asdict(),
            "n": number,
            "source_kind": posting.source.kind,
            "source_id": posting.source.id,
            "points": posting.points,
            "reason": posting.reason,
            "rule_version": posting.rule_version,
            "business_at": posting.business_at,
            "actor": posting.actor,
        }
        for number, posting in enumerate(postings)
    ]
    ids = sorted(session.execute(_ENTRIES, {"rows": _json(rows), "now": clock.now()}).scalars())
    notes = [
        {"shop_id": posting.holder.shop_id, "entry_id": entry_id, "note": posting.note}
        for entry_id, posting in zip(ids, postings, strict=True)
        if posting.note
    ]
    if notes:
        session.execute(_NOTES, {"rows": _json(notes)})
    return ids


_INSERT_LOTS = text("""
insert into lots (shop_id, program_id, account_id, source_kind, source_id, granted, remaining, available_at, expires_at)
select shop_id, program_id, account_id, source_kind, source_id, granted, remaining, available_at, expires_at
from jsonb_populate_recordset(null::lots, cast(:rows as jsonb))
order by available_at, source_kind, source_id
returning shop_id, program_id, account_id, source_kind, source_id, id
""")
_UPDATE_LOTS = text("""
update lots l set granted = r.granted, remaining = r.remaining, expires_at = r.expires_at
from jsonb_to_recordset(cast(:rows as jsonb)) as r(
    shop_id bigint, id bigint, granted bigint, remaining bigint, expires_at timestamptz)
where l.shop_id = r.shop_id and l.id = r.id
""")


def _write_lots(session: Session, before: Mapping[Holder, "_Snapshot"], lots: Mapping[Holder, AccountLots]) -> None:
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for holder, was in before.items():
        for source, lot in lots[holder].lots.items():
            state = _LotRow(lot.granted, lot.remaining, lot.expires_at)
            if lot.id is None:
                key = {"source_kind": source.kind, "source_id": source.id, "available_at": lot.available_at}
                new.append(holder._asdict() | key | state._asdict())
            elif was.lots.get(source) != state:
                changed.append({"shop_id": holder.shop_id, "id": lot.id} | state._asdict())
    if changed:
        session.execute(_UPDATE_LOTS, {"rows": _json(changed)})
    if new:
        for made in session.execute(_INSERT_LOTS, {"rows": _json(new)}):
            holder = Holder(made.shop_id, made.program_id, made.account_id)
            lots[holder].lots[Source(made.source_kind, made.source_id)].id = made.id


_UPSERT_USES = text("""
insert into lot_uses (shop_id, program_id, account_id, source_kind, source_id, lot_id, points)
select shop_id, program_id, account_id, source_kind, source_id, lot_id, points
from jsonb_populate_recordset(null::lot_uses, cast(:rows as jsonb))
on conflict (shop_id, program_id, account_id, source_kind, source_id, lot_id) do update set points = excluded.points
""")
_DELETE_USES = text("""
delete from lot_uses u using jsonb_populate_recordset(null::lot_uses, cast(:rows as jsonb)) r
where (u.shop_id, u.program_id, u.account_id, u.source_kind, u.source_id, u.lot_id)
    = (r.shop_id, r.program_id, r.account_id, r.source_kind, r.source_id, r.lot_id)
""")


def _write_uses(session: Session, before: Mapping[Holder, "_Snapshot"], lots: Mapping[Holder, AccountLots]) -> None:
    gone: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    for holder, was in before.items():
        now = _flat_uses(lots[holder])
        for user, lot in was.uses.keys() | now.keys():
            points = now.get((user, lot), 0)
            if points == was.uses.get((user, lot), 0):
                continue
            lot_id = 0 if lot == OWED else lots[holder].lots[lot].id
            key: dict[str, Any] = {"source_kind": user.kind, "source_id": user.id, "lot_id": lot_id, "points": points}
            (kept if points else gone).append(holder._asdict() | key)
    if gone:
        session.execute(_DELETE_USES, {"rows": _json(gone)})
    if kept:
        session.execute(_UPSERT_USES, {"rows": _json(kept)})


_BALANCES = text("""
update balances b set points = b.points + r.points, lifetime = b.lifetime + r.earned
from jsonb_to_recordset(cast(:rows as jsonb)) as r(
    shop_id bigint, program_id bigint, account_id bigint, points bigint, earned bigint)
where (b.shop_id, b.program_id, b.account_id) = (r.shop_id, r.program_id, r.account_id)
""")


def _write_balances(session: Session, postings: Sequence[Posting]) -> None:
    points: dict[Holder, int] = defaultdict(int)
    earned: dict[Holder, int] = defaultdict(int)
    for posting in postings:
        points[posting.holder] += posting.points
        if posting.source.kind not in NOT_EARNED:
            earned[posting.holder] += posting.points
    rows = [holder._asdict() | {"points": points[holder], "earned": earned[holder]} for holder in points]
    session.execute(_BALANCES, {"rows": _json(rows)})


class _LotRow(NamedTuple):
    """What of a lot can change."""

    granted: int
    remaining: int
    expires_at: datetime | None


class _Snapshot(NamedTuple):
    """What was stored, to write differences only."""

    lots: dict[Source, _LotRow]
    uses: dict[tuple[Source, Source], int]


def _snapshot(lots: AccountLots) -> _Snapshot:
    return _Snapshot(
        {source: _LotRow(lot.granted, lot.remaining, lot.expires_at) for source, lot in lots.lots.items()},
        _flat_uses(lots),
    )


def _flat_uses(lots: AccountLots) -> dict[tuple[Source, Source], int]:
    return {(user, lot): points for user, held in lots.uses.items() for lot, points in held.items()}


def _json(rows: list[dict[str, Any]]) -> str:
    return orjson.dumps(rows).decode()
