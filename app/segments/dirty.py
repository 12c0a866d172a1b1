"""Noting whom something was told of, in the transaction that tells: all that segments cost the path of a webhook.

Called where totals are recomputed and points move, by `app.reactions` for persons, and where one is forgotten. A row
is added, never changed, so nobody waits for anybody; `follow` takes the rows within seconds. As a row is seen when the
facts before it are, none is looked at too early.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.changes import Key
from app.sql import Statement, keys

_NOTE = Statement("""
insert into segment_changes (shop_id, account_id)
select shop_id, id from jsonb_to_recordset(cast(:accounts as jsonb)) as k(shop_id bigint, id bigint)
""")
_NOTE_CUSTOMERS = Statement("""
insert into segment_changes (shop_id, account_id)
select k.shop_id, a.id
from jsonb_to_recordset(cast(:customers as jsonb)) as k(shop_id bigint, id bigint)
cross join lateral (
    -- By their keys: a join took the whole shop while there were no statistics.
    select coalesce(a.merged_into, a.id) as id from identities i
    cross join lateral (select * from accounts a where a.shop_id = i.shop_id and a.id = i.account_id limit 1) a
    where i.shop_id = k.shop_id and i.kind = 'customer' and i.value = cast(k.id as text) limit 1
) a
""")


def note_accounts(session: Session, accounts: Iterable[Key]) -> None:
    """Orders, points or identities of these accounts have changed."""
    wanted = set(accounts)
    if wanted:
        _NOTE.run(session, accounts=keys(wanted))


def note_customers(session: Session, customers: Iterable[Key]) -> None:
    """What Shopify says of these customers has changed."""
    wanted = set(customers)
    if wanted:
        _NOTE_CUSTOMERS.run(session, customers=keys(wanted))


_FORGET = text("delete from segment_profiles where shop_id = :shop and account_id = any(:accounts)")


def forget(session: Session, shop_id: int, accounts: Sequence[int]) -> None:
    """These persons are erased: what queries knew of them goes at once, and they leave with the next step."""
    session.execute(_FORGET, {"shop": shop_id, "accounts": list(accounts)})
    note_accounts(session, ((shop_id, account) for account in accounts))


_NOTE_SHOP = text("update segment_shops set zone = null where shop_id = :shop")


def note_shop(session: Session, shop_id: int) -> None:
    """So much has changed that everybody is to be looked at, without anybody entering or leaving by it: an import."""
    session.execute(_NOTE_SHOP, {"shop": shop_id})
