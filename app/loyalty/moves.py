"""Points that follow a person when two accounts become one, and go back when that is undone.

Points earned by orders, actions and referrals move by themselves: they belong to the other account now, and the fold
posts both sides. What was adjusted, imported, redeemed, has expired or was forgiven under the absorbed account is a
fact and stays where it was posted; pairs of entries carry it over, lot by lot: a `moved` entry brings the lot with its
own dates, a `moved_spending` entry what was used of it. Nothing waits shorter or lives longer for being carried. What
is owed, or was spent of orders that have left, is carried as spending of no particular lot.

Both sides of a pair have targets that follow from the facts at the absorbed account and from where it belongs now. So
the pairs are right whatever arrives later and in whatever order, and undoing the merge brings them to zero.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from app import clock
from app.loyalty import ledger
from app.loyalty.ledger import NOT_EARNED, Holder, Posting
from app.loyalty.lots import OWED, AccountLots, LotDates, Source
from app.sql import Statement, rows

EARNED, SPENT = "moved", "moved_spending"
# What the fold moves.
_FOLDED = frozenset({"order", "action", "referral"})

# Everything that was ever merged with these accounts, undone or not, and what each of them stands for now.
_GROUPS = Statement("""
with recursive reach(shop_id, program_id, id) as (
    select h.shop_id, h.program_id, h.account_id
    from jsonb_to_recordset(cast(:holders as jsonb)) as h(shop_id bigint, program_id bigint, account_id bigint)
    where exists (select 1 from account_merges m where m.shop_id = h.shop_id and m.kept = h.account_id)
       or exists (select 1 from account_merges m where m.shop_id = h.shop_id and m.absorbed = h.account_id)
    union
    select r.shop_id, r.program_id, n.id from reach r cross join lateral (
        select m.absorbed as id from account_merges m where m.shop_id = r.shop_id and m.kept = r.id
        union all
        select m.kept from account_merges m where m.shop_id = r.shop_id and m.absorbed = r.id
    ) n
)
select r.shop_id, r.program_id, r.id, coalesce(a.merged_into, a.id) as root
from reach r join accounts a on a.shop_id = r.shop_id and a.id = r.id
""")


class _Bucket(NamedTuple):
    """What is carried under one source: points at the absorbed account, on which lot of it."""

    points: int
    lot: Source


def carry_over(session: Session, holders: Sequence[Holder]) -> int:
    """Post what is missing for every account that was ever merged with these; returns the number of entries."""
    roots = _groups(session, holders)
    if not roots:
        return 0
    ledger.lock_balances(session, roots)
    lots = ledger.load_lots(session, roots)
    # What was carried to where it does not belong comes back first: only then do lots say what is to be carried.
    misplaced = list(_misplaced(roots, lots))
    ledger.post(session, misplaced, lots)
    missing = list(_missing(roots, lots))
    ledger.post(session, missing, lots)
    return len(misplaced) + len(missing)


def _groups(session: Session, holders: Sequence[Holder]) -> dict[Holder, Holder]:
    found = _GROUPS.run(session, holders=rows(holder._asdict() for holder in holders))
    return {
        Holder(row.shop_id, row.program_id, row.id): Holder(row.shop_id, row.program_id, row.root)
        for row in sorted(found, key=lambda row: (row.shop_id, row.program_id, row.id))
    }


def _misplaced(roots: Mapping[Holder, Holder], lots: Mapping[Holder, AccountLots]) -> Iterator[Posting]:
    """Carried points of accounts that were absorbed by others, or by none, since."""
    for holder in roots:
        for source, held in sorted(_carried(lots[holder]).items()):
            home = holder._replace(account_id=int(source.id.partition(":")[0]))
            root = roots.get(home, home)
            if root == home or holder not in {home, root}:
                yield _posting(holder, source, -held)


def _missing(roots: Mapping[Holder, Holder], lots: Mapping[Holder, AccountLots]) -> Iterator[Posting]:
    """For every absorbed account: minus its facts there, plus them where it belongs. What brings points comes first."""
    for home, root in roots.items():
        if home == root:
            continue
        buckets = _buckets(home, lots[home])
        mine = {source for source in _carried(lots[home]) | _carried(lots[root]) if _is_of(source, home)}
        for source in sorted(buckets.keys() | mine, key=lambda source: (-buckets.get(source, _NOTHING).points, source)):
            bucket = buckets.get(source, _NOTHING)
            there, here = bucket.points - _held(lots[root], source), -bucket.points - _held(lots[home], source)
            if there:
                brought = Source(EARNED, source.id) if source.kind == SPENT else None
                yield _posting(root, source, there, dates=_dates(lots[home], bucket.lot), prefer=brought)
            if here:
                yield _posting(home, source, here, prefer=bucket.lot)


_NOTHING = _Bucket(0, OWED)


def _buckets(home: Holder, lots: AccountLots) -> dict[Source, _Bucket]:
    """What facts have added to and taken from each lot that they made, and from whatever else."""
    points: Counter[tuple[str, Source]] = Counter()
    for source, lot in lots.lots.items():
        if _is_fact(source):
            points[_class_of(source), source] += lot.granted
    for user, held in lots.uses.items():
        for lot_used, used in held.items():
            if user.kind not in {EARNED, SPENT}:
                points[_class_of(user), lot_used if _is_fact(lot_used) else OWED] -= used
    return {
        Source(kind, f"{home.account_id}:{lot.kind}:{lot.id}"): _Bucket(amount, lot)
        for (kind, lot), amount in points.items()
        if amount
    }


def _is_fact(source: Source) -> bool:
    return source != OWED and source.kind not in _FOLDED and source.kind not in {EARNED, SPENT}


def _class_of(source: Source) -> str:
    """Under what an entry's points are carried: as earned, which count for lifetime points, or as spent."""
    return SPENT if source.kind in NOT_EARNED else EARNED


def _is_of(source: Source, home: Holder) -> bool:
    return source.id.partition(":")[0] == str(home.account_id)


def _carried(lots: AccountLots) -> dict[Source, int]:
    """What an account holds under sources of this module."""
    sources = {source for source in (*lots.lots, *lots.uses) if source.kind in {EARNED, SPENT}}
    return {source: held for source in sources if (held := _held(lots, source))}


def _held(lots: AccountLots, source: Source) -> int:
    return lots.granted(source) - lots.used(source)


def _dates(lots: AccountLots, source: Source) -> LotDates | None:
    lot = lots.lots.get(source)
    return LotDates(lot.available_at, lot.expires_at) if lot else None


def _posting(
    holder: Holder, source: Source, points: int, dates: LotDates | None = None, prefer: Source | None = None
) -> Posting:
    return Posting(
        holder=holder,
        source=source,
        points=points,
        reason="account_merged",
        business_at=clock.now(),
        dates=dates,
        prefer=prefer,
    )
