"""What changes points: the fold over orders, adjustments by hand, and the moves that a merge of customers makes."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.customers.models import Account
from app.errors import Conflict, Unprocessable
from app.loyalty import fact_loading, idleness, ledger, moves
from app.loyalty.fold import Target, fold, reason_for
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import AccountLots, Source
from app.loyalty.programs import program_rules
from app.referrals import following

AccountKey = tuple[int, int]

# What the fold decides; every other kind of source is a fact that stands as it was posted.
FOLDED = frozenset({"order", "action", "referral"})


def settle(session: Session, accounts: Iterable[AccountKey]) -> int:
    """Bring the points of these accounts to what they did is worth; returns how many entries that took.

    With them those whom it concerns that a friend's order is worth something else now.
    """
    entries, others = _settle(session, accounts, friends=True)
    return entries + _settle(session, others, friends=False)[0]


def _settle(session: Session, accounts: Iterable[AccountKey], *, friends: bool) -> tuple[int, set[AccountKey]]:
    wanted = sorted(set(accounts))
    if not wanted:
        return 0, set()
    programs = program_rules(session, {shop_id for shop_id, _ in wanted})
    holders = [Holder(shop, programs[shop].program_id, account) for shop, account in wanted if shop in programs]
    ledger.lock_balances(session, holders)
    others = following.follow(session, programs, holders) if friends else set()
    lots = ledger.load_lots(session, holders)
    facts = fact_loading.load(session, [(holder.shop_id, holder.account_id) for holder in holders], programs)
    postings: list[Posting] = []
    for holder in holders:
        targets = fold(programs[holder.shop_id], facts[holder.shop_id, holder.account_id])
        postings += differences(holder, targets, lots[holder])
    ledger.post(session, postings, lots)
    lapsed = idleness.follow(session, programs, holders, facts, lots)
    return len(postings) + lapsed + moves.carry_over(session, holders), others


def differences(holder: Holder, targets: Mapping[Source, Target], lots: AccountLots) -> list[Posting]:
    """Target minus what is held: for all that the fold decides, and for what is no longer the account's own."""
    folded = {source for source, lot in lots.lots.items() if source.kind in FOLDED and lot.granted}
    postings = [
        Posting(
            holder=holder,
            source=source,
            points=target.points - held,
            reason=reason_for(source, target, held),
            business_at=target.business_at if target.points > held else target.changed_at,
            rule_version=target.rule_version,
            dates=target.dates,
        )
        for source, target in targets.items()
        if target.points != (held := lots.granted(source))
    ]
    return postings + [_moved_away(holder, source, lots.granted(source)) for source in sorted(folded - targets.keys())]


def _moved_away(holder: Holder, source: Source, held: int) -> Posting:
    """It belongs to somebody else now: a merge, or a customer named later."""
    return Posting(holder=holder, source=source, points=-held, reason=f"{source.kind}_moved", business_at=clock.now())


def adjust(
    session: Session,
    holder: Holder,
    points: int,
    *,
    request_id: str,
    note: str,
    actor: str,
    allow_negative: bool = False,
    business_at: datetime | None = None,
) -> int:
    """Add or take points by hand; returns the entry's id.

    Raises Unprocessable when the balance would fall below zero and that is not allowed, Conflict when the request id
    was used before or the account was merged away at this moment.
    """
    if points == 0:
        raise Unprocessable("An adjustment must change the balance: give a number of points other than 0.")
    ledger.lock_balances(session, [holder])
    now, lots = clock.now(), ledger.load_lots(session, [holder])
    # What is over cannot be taken, and is no longer part of the balance that is told.
    ledger.post(session, ledger.expiry_postings(holder, lots[holder], now), lots)
    balance = lots[holder].balance
    account = session.get(Account, (holder.shop_id, holder.account_id), populate_existing=True)
    if account is None or account.merged_into is not None:
        raise Conflict("The customer is being merged with another one. Try again.", kind="account-merged")
    if balance + points < 0 and points < 0 and not allow_negative:
        raise Unprocessable(
            f"The balance is {balance} points; taking {-points} would leave it below zero.",
            kind="insufficient-points",
            balance=balance,
        )
    source = Source("adjustment", request_id)
    used = text("select 1 from ledger_entries where shop_id = :s and program_id = :p and account_id = :a "
                "and source_kind = :k and source_id = :i limit 1")  # fmt: skip
    key = {"s": holder.shop_id, "p": holder.program_id, "a": holder.account_id, "k": source.kind, "i": source.id}
    if session.scalar(used, key):
        raise Conflict("This request id was used for another adjustment.", kind="request-id-used")
    posting = Posting(
        holder=holder,
        source=source,
        points=points,
        reason="adjusted",
        business_at=business_at or now,
        actor=actor,
        note=note,
    )
    entry_ids = ledger.post(session, [posting], lots)
    idleness.renew(session, {holder: posting.business_at})
    return entry_ids[0]
