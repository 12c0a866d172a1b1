"""Whether what a file says of points follows from its facts: folded anew, summed anew, compared, account by account.

1. Each order and action is worth, under the file's rules, what the file's ledger says of it.
2. What belongs to absorbed accounts was carried over to those that took them over.
3. Entries, balances, lots and uses agree, by the laws that `perennial ledger verify` checks.

So balances and lots are never believed: a figure changed anywhere in the file, here or there, is found.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.loyalty import fact_loading, laws, ledger, moves
from app.loyalty.fold import fold
from app.loyalty.ledger import Holder
from app.loyalty.programs import program_rules
from app.loyalty.service import differences
from app.orders import totals
from app.transfer.errors import FileRefused, RowError

# Accounts that are folded together.
_BATCH = 1000
_TOLD = 50
_NEXT = text("select id from accounts where shop_id = :s and id > :after order by id limit :n")
_WHO = text("""
select id, coalesce((select min(kind || ' ' || value) from identities i where i.shop_id = :s and i.account_id = a.id),
                    'without an identity') as who
from accounts a where shop_id = :s and id = any(:ids)
""")


def prove(session: Session, shop_id: int) -> None:
    """Raise FileRefused, naming accounts and figures, unless everything follows from the facts."""
    wrong: list[tuple[int, str]] = []
    for accounts in _batches(session, shop_id):
        totals.recompute(session, [(shop_id, account) for account in accounts])
        wrong += _fold_anew(session, shop_id, accounts)
        if len(wrong) >= _TOLD:
            break
    if not wrong:
        wrong = _laws(session, shop_id)
    if wrong:
        raise _refusal(session, shop_id, wrong)


def _batches(session: Session, shop_id: int) -> Iterator[Sequence[int]]:
    after = 0
    while found := session.execute(_NEXT, {"s": shop_id, "after": after, "n": _BATCH}).scalars().all():
        yield found
        after = found[-1]


def _fold_anew(session: Session, shop_id: int, accounts: Sequence[int]) -> list[tuple[int, str]]:
    program = program_rules(session, [shop_id])[shop_id]
    holders = [Holder(shop_id, program.program_id, account) for account in accounts]
    lots = ledger.load_lots(session, holders)
    facts = fact_loading.load(session, [(shop_id, account) for account in accounts], {shop_id: program})
    wrong = [
        (holder.account_id, f"{posting.source.kind} {posting.source.id} is {posting.points:+} points off its rules")
        for holder in holders
        for posting in differences(holder, fold(program, facts[shop_id, holder.account_id]), lots[holder])
    ]
    if not wrong and moves.carry_over(session, holders):
        wrong = [(account, "points of a merged account were not carried over") for account in accounts[:1]]
    return wrong


def _laws(session: Session, shop_id: int) -> list[tuple[int, str]]:
    return [
        (row[1], f"{law}, {row[2] or 'in all'}: should be {row[3]}, is {row[4]}")
        for law, statement in laws.LAWS
        for row in session.execute(text(statement), {"shops": [shop_id]}).all()[:_TOLD]
    ]


def _refusal(session: Session, shop_id: int, wrong: list[tuple[int, str]]) -> FileRefused:
    found = session.execute(_WHO, {"s": shop_id, "ids": sorted({account for account, _ in wrong})})
    names = {row.id: row.who for row in found}
    errors = [
        RowError(0, names.get(account, ""), f"{problem}.", "Let the other installation settle, and export again.")
        for account, problem in wrong[:_TOLD]
    ]
    first = f"{errors[0].column}: {errors[0].problem}"
    return FileRefused(f"Balances do not follow from the facts in the file: {first}", errors=errors, kind="not-proved")
