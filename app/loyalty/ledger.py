"""The only door through which points change: entries, lots and balances move together, or not at all.

Callers lock the balances first (`lock_balances`), decide, then `post`. Statements are few and set-based, whatever the
number of accounts and shops: the inbox loop posts a whole batch at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.loyalty import lot_store, notes
from app.loyalty.lot_store import load_lots, load_needed, load_spendable
from app.loyalty.lots import EXPIRY, FORGIVEN, AccountLots, Change, Holder, LotDates, LotState, Source, expiry_of
from app.segments import dirty as segments
from app.sql import Statement
from app.storefront import dirty

__all__ = [
    "Holder",
    "Posting",
    "expired",
    "expiry_postings",
    "load_lots",
    "load_needed",
    "load_spendable",
    "lock_balances",
    "post",
]

# What these sources take from or bring to an account is spending, not earning.
NOT_EARNED = frozenset({"redemption", "import_spent", "moved_spending", EXPIRY, FORGIVEN})


@dataclass(frozen=True, kw_only=True)
class Posting:
    """A change of points that is to be written. `reason` is a key of the shopper's texts.

    `dates` are those of a lot that this makes; points that return live until `keep_until` at least; `prefer` is the lot
    to spend from first, whatever its dates.
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
    prefer: Source | None = None


_HOLDERS = "jsonb_to_recordset(cast(:holders as jsonb)) as h(shop_id bigint, program_id bigint, account_id bigint)"
_LOCK = Statement(f"""
select b.shop_id, b.program_id, b.account_id, b.points
from balances b join {_HOLDERS} using (shop_id, program_id, account_id)
order by b.shop_id, b.program_id, b.account_id for update of b
""")  # noqa: S608 - a constant of this module
_MAKE = Statement(f"""
insert into balances (shop_id, program_id, account_id, points, lifetime)
select shop_id, program_id, account_id, 0, 0 from {_HOLDERS} order by 1, 2, 3
on conflict do nothing
""")  # noqa: S608 - a constant of this module


def lock_balances(session: Session, holders: Iterable[Holder]) -> dict[Holder, int]:
    """Lock the balance rows in one fixed order, creating those that are missing; returns the points on each."""
    wanted = sorted(set(holders))
    if not wanted:
        return {}
    told = _json([holder._asdict() for holder in wanted])
    # One that is there is locked at once. Several are not: what is missing has its place in the order of locks, too.
    found = _LOCK.run(session, holders=told) if len(wanted) == 1 else []
    if not found:
        # The lock is a statement of its own: only then does it see a row that somebody else has just made.
        _MAKE.run(session, holders=told)
        found = _LOCK.run(session, holders=told)
    return {Holder(row.shop_id, row.program_id, row.account_id): row.points for row in found}


def post(session: Session, postings: Sequence[Posting], lots: Mapping[Holder, AccountLots] | None = None) -> list[int]:
    """Write entries and bring lots, uses and balances to what they now are; returns the entries' ids, in order.

    The caller holds the locks. `lots` may be passed when it has loaded them since; it is brought up to date.
    """
    postings = [posting for posting in postings if posting.points]
    if not postings:
        return []
    lots = lots or load_needed(session, ((posting.holder, posting.source) for posting in postings))
    before = {holder: lot_store.snapshot(lots[holder]) for holder in {posting.holder for posting in postings}}
    followers: list[Posting] = []
    for posting in postings:
        followers += _book(lots[posting.holder], posting)
    entry_ids = _write(session, [*postings, *followers], lot_store.changes(session, before, lots))
    dirty.note_points(session, ((holder.shop_id, holder.account_id) for holder in before))
    segments.note_accounts(session, ((holder.shop_id, holder.account_id) for holder in before))
    return entry_ids[: len(postings)]


def _book(lots: AccountLots, posting: Posting) -> list[Posting]:
    """Bring the lots to what a posting means; returns what must be posted on other sources with it."""
    about = Source(*posting.source.id.partition(":")[::2])
    if posting.source.kind == EXPIRY and posting.points < 0:
        if lots.expire(about) != -posting.points:
            raise RuntimeError("an expiry takes all that remains of its lot, and nothing else")
        return []
    if posting.source.kind == FORGIVEN and posting.points > 0:
        if lots.forgive(about, posting.business_at) != posting.points:
            raise RuntimeError("what is forgiven is all that a source owes, and nothing else")
        return []
    changes = lots.post(
        posting.source,
        posting.points,
        posting.business_at,
        posting.dates,
        posting.keep_until,
        posting.prefer,
    )
    return [_follower(posting, change) for change in changes]


def _follower(posting: Posting, change: Change) -> Posting:
    """What a posting does to an expiry or to a forgiven debt."""
    taken_back = "forgiveness_taken_back" if change.source.kind == FORGIVEN else "expiry_taken_back"
    return Posting(
        holder=posting.holder,
        source=change.source,
        points=change.points,
        reason="expired" if change.at else taken_back,
        business_at=change.at or posting.business_at,
    )


def expiry_postings(holder: Holder, lots: AccountLots, at: datetime) -> list[Posting]:
    """What has expired of an account by `at` and is not posted yet, each lot at its own instant."""
    over = [(end, lot) for lot in lots.lots.values() if lot.remaining and (end := lots.end_of(lot)) and end <= at]
    return [expired(holder, lot, end) for end, lot in sorted(over, key=lambda item: (item[0], item[1].source))]


def expired(holder: Holder, lot: LotState, end: datetime) -> Posting:
    """All that remains of a lot goes at its end."""
    return Posting(
        holder=holder, source=expiry_of(lot.source), points=-lot.remaining, reason="expired", business_at=end
    )


# One statement: each round trip of a redemption counts.
_WRITE = Statement(f"""
with {lot_store.CHANGES}, moved as (
    update balances b set points = b.points + r.points, lifetime = b.lifetime + r.earned
    from jsonb_to_recordset(cast(:balances as jsonb)) as r(
        shop_id bigint, program_id bigint, account_id bigint, points bigint, earned bigint)
    where (b.shop_id, b.program_id, b.account_id) = (r.shop_id, r.program_id, r.account_id)
)
insert into ledger_entries (shop_id, program_id, account_id, source_kind, source_id, points, reason, rule_version,
                            business_at, recorded_at, actor, note_digest)
select shop_id, program_id, account_id, source_kind, source_id, points, reason, rule_version, business_at,
       :now, actor, decode(note_digest, 'hex')
from jsonb_to_recordset(cast(:entries as jsonb)) as r(
    n int, shop_id bigint, program_id bigint, account_id bigint, source_kind text, source_id text, points bigint,
    reason text, rule_version bigint, business_at timestamptz, actor text, note_digest text)
order by n
returning id
""")  # noqa: S608 - a constant of ours
_NOTES = text("""
insert into ledger_notes (shop_id, entry_id, note, salt)
select shop_id, entry_id, note, decode(salt, 'hex')
from jsonb_to_recordset(cast(:rows as jsonb)) as r(shop_id bigint, entry_id bigint, note text, salt text)
""")


def _write(session: Session, postings: Sequence[Posting], lot_changes: Mapping[str, str]) -> list[int]:
    salts = {number: notes.new_salt() for number, posting in enumerate(postings) if posting.note}
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
            "note_digest": notes.digest(salts[number], posting.note).hex() if posting.note else None,
        }
        for number, posting in enumerate(postings)
    ]
    parameters = {**lot_changes, "balances": _json(_balances(postings)), "entries": _json(rows)}
    ids = sorted(row.id for row in _WRITE.run(session, **parameters, now=clock.now()))
    texts = [
        {
            "shop_id": postings[number].holder.shop_id,
            "entry_id": ids[number],
            "note": postings[number].note,
            "salt": salt.hex(),
        }
        for number, salt in salts.items()
    ]
    if texts:
        session.execute(_NOTES, {"rows": _json(texts)})
    return ids


def _balances(postings: Sequence[Posting]) -> list[dict[str, Any]]:
    """What each balance gains or loses."""
    points: dict[Holder, int] = defaultdict(int)
    earned: dict[Holder, int] = defaultdict(int)
    for posting in postings:
        points[posting.holder] += posting.points
        if posting.source.kind not in NOT_EARNED:
            earned[posting.holder] += posting.points
    return [holder._asdict() | {"points": points[holder], "earned": earned[holder]} for holder in points]


def _json(rows: list[dict[str, Any]]) -> str:
    return orjson.dumps(rows).decode()
