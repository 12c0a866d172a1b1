"""What changes points: the fold over orders, adjustments by hand, and the moves that a merge of customers makes."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.customers.models import Account
from app.errors import Conflict, Unprocessable
from app.loyalty import ledger, moves
from app.loyalty.fold import OrderFacts, order_target, reason_for
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import AccountLots, Source
from app.loyalty.programs import ProgramRules, program_rules

AccountKey = tuple[int, int]

_ORDERS = text("""
with wanted as (
    select * from jsonb_to_recordset(cast(:accounts as jsonb)) as a(shop_id bigint, account_id bigint)
)
select o.shop_id, o.account_id, o.id, coalesce(o.processed_at, o.created_at, o.updated_at) as business_at,
       o.updated_at as changed_at, o.currency, o.paid, o.test,
       o.cancelled_at is not null as cancelled, o.deleted_at is not null as deleted,
       o.current_subtotal_minor - coalesce(r.taken, 0) as base_minor, coalesce(r.n, 0) > 0 as refunded
from wanted join orders o using (shop_id, account_id)
left join lateral (
    -- A refund that the snapshot lists has already lowered its subtotal, except for money tied to no line.
    select sum(f.loose_minor + case when f.id = any(o.listed_refunds) then 0 else f.lines_minor end) as taken,
           count(*) as n
    from refunds f where f.shop_id = o.shop_id and f.order_id = o.id
) r on true
where o.updated_at is not null
order by o.shop_id, o.account_id, business_at, o.id
""")


def settle(session: Session, accounts: Iterable[AccountKey]) -> int:
    """Bring the points of these accounts to what their orders are worth; returns how many entries that took."""
    wanted = sorted(set(accounts))
    if not wanted:
        return 0
    programs = program_rules(session, {shop_id for shop_id, _ in wanted})
    holders = [Holder(shop, programs[shop].program_id, account) for shop, account in wanted if shop in programs]
    ledger.lock_balances(session, holders)
    lots = ledger.load_lots(session, holders)
    facts = _facts(session, holders)
    postings: list[Posting] = []
    for holder in holders:
        postings += _difference(holder, programs[holder.shop_id], facts.get(holder, []), lots[holder])
    ledger.post(session, postings, lots)
    return len(postings) + moves.carry_over(session, holders)


def _facts(session: Session, holders: Sequence[Holder]) -> dict[Holder, list[OrderFacts]]:
    programs = {holder.shop_id: holder.program_id for holder in holders}
    rows = [{"shop_id": holder.shop_id, "account_id": holder.account_id} for holder in holders]
    facts: dict[Holder, list[OrderFacts]] = {}
    for row in session.execute(_ORDERS, {"accounts": orjson.dumps(rows).decode()}):
        order = OrderFacts(
            id=row.id,
            business_at=row.business_at,
            changed_at=row.changed_at,
            currency=row.currency,
            base_minor=max(row.base_minor, 0),
            refunded=row.refunded,
            paid=row.paid,
            test=row.test,
            cancelled=row.cancelled,
            deleted=row.deleted,
        )
        facts.setdefault(Holder(row.shop_id, programs[row.shop_id], row.account_id), []).append(order)
    return facts


def _difference(
    holder: Holder, program: ProgramRules, orders: Sequence[OrderFacts], lots: AccountLots
) -> list[Posting]:
    """Target minus what is held, for every order of the account and every order that is no longer its own."""
    postings = []
    gone = {source for source, lot in lots.lots.items() if source.kind == "order" and lot.granted}
    for order in orders:
        source = Source("order", str(order.id))
        gone.discard(source)
        held = lots.granted(source)
        target = order_target(order, program)
        if target.points != held:
            postings.append(
                Posting(
                    holder=holder,
                    source=source,
                    points=target.points - held,
                    reason=reason_for(target, held),
                    business_at=order.business_at if target.points > held else order.changed_at,
                    rule_version=target.rule_version,
                )
            )
    return postings + [_moved_away(holder, source, lots.granted(source)) for source in sorted(gone)]


def _moved_away(holder: Holder, source: Source, held: int) -> Posting:
    """The order belongs to somebody else now: a merge, or a customer named later."""
    return Posting(holder=holder, source=source, points=-held, reason="order_moved", business_at=clock.now())


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
    balance = ledger.lock_balances(session, [holder])[holder]
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
        business_at=business_at or clock.now(),
        actor=actor,
        note=note,
    )
    return ledger.post(session, [posting])[0]
