"""Postings, open transactions, seals and verdicts, as the tests of sealing need them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from app import clock
from app.customers import accounts
from app.db import Database
from app.loyalty import ledger, programs, seals
from app.loyalty.ledger import Holder, Posting
from app.loyalty.lots import Source
from app.loyalty.verify import Verdict, verify
from app.runtime import Runtime
from app.shops.models import Shop


def a_holder(runtime: Runtime, shop: Shop, customer: int = 7) -> Holder:
    with runtime.database.shop(shop.id) as session:
        account = accounts.accounts_of_customers(session, [(shop.id, customer)])[shop.id, customer]
        holder = Holder(shop.id, programs.default_program(session, shop.id).id, account)
        ledger.lock_balances(session, [holder])
    return holder


def entry(holder: Holder, key: str, points: int = 10, kind: str = "order", note: str | None = None) -> Posting:
    return Posting(
        holder=holder, source=Source(kind, key), points=points, reason="r", business_at=clock.now(), note=note
    )


def post(runtime: Runtime, *entries: Posting) -> None:
    with runtime.database.system() as session:
        ledger.lock_balances(session, {posting.holder for posting in entries})
        ledger.post(session, entries)


@contextmanager
def open_posting(runtime: Runtime, posting: Posting) -> Iterator[None]:
    """A transaction that has written an entry and is not committed before the block ends."""
    with runtime.database.shop(posting.holder.shop_id) as session:
        ledger.lock_balances(session, [posting.holder])
        ledger.post(session, [posting])
        yield


def seal(runtime: Runtime, patience: float = 30) -> int:
    """Transactions of other databases of the server count too, so a test is patient where it expects to seal."""
    return seals.seal_all(runtime.database, patience=patience)


def verdict(runtime: Runtime) -> Verdict:
    with runtime.database.system() as session:
        return verify(session)


def run(runtime: Runtime, statement: str, **parameters: Any) -> None:
    with runtime.database.system() as session:
        session.execute(text(statement), parameters)


def blocks(database: Database) -> list[tuple[int, int, int, int]]:
    """(number, first id, last id, entries) of every block."""
    with database.system() as session:
        rows = session.execute(text("select number, first_id, last_id, entries from ledger_blocks order by 1"))
        return [tuple(row) for row in rows]


def laws_broken(runtime: Runtime) -> set[str]:
    return {item.law for item in verdict(runtime).disagreements}
