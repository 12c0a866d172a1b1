"""Reading customers and accounts."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.customers.models import Account, AccountIdentity, Customer
from app.sql import Statement

_ACCOUNT = Statement("""
select coalesce(a.merged_into, a.id) as account
from identities i join accounts a on a.shop_id = i.shop_id and a.id = i.account_id
where i.shop_id = :shop_id and i.kind = 'customer' and i.value = :customer
""")


def account_of_customer(session: Session, shop_id: int, customer_id: int) -> int | None:
    """The account that a Shopify customer's points are on now; None for a customer we have never heard of."""
    found = _ACCOUNT.run(session, shop_id=shop_id, customer=str(customer_id))
    return found[0].account if found else None


# Merged again and again: the steps are counted, so that a circle, which Shopify should never tell of, has an end.
KEPT = """
recursive kept (id, step) as (
    select cast(:customer_id as bigint), 0
    union all
    select c.merged_into, kept.step + 1 from kept join customers c on c.shop_id = :shop_id and c.id = kept.id
    where c.merged_into is not null and kept.step < 50
)"""
_KEPT = Statement(f"with {KEPT} select id from kept order by step desc limit 1")  # noqa: S608 - a constant of ours


def kept_customer(session: Session, shop_id: int, customer_id: int) -> int:
    """The one who took a customer's place when Shopify merged them, else himself."""
    return int(_KEPT.run(session, shop_id=shop_id, customer_id=customer_id)[0].id)


def customer(session: Session, shop_id: int, customer_id: int) -> Customer | None:
    """Shopify's customer as we know it."""
    return session.get(Customer, (shop_id, customer_id))


def customer_ids_of_account(session: Session, shop_id: int, account_id: int) -> Sequence[int]:
    """All Shopify customers whose points are on this account, the account's own first."""
    rows = session.execute(
        select(AccountIdentity.value)
        .join(Account, (AccountIdentity.shop_id == Account.shop_id) & (AccountIdentity.account_id == Account.id))
        .where(
            Account.shop_id == shop_id,
            AccountIdentity.kind == "customer",
            func.coalesce(Account.merged_into, Account.id) == account_id,
        )
        .order_by(Account.merged_into.is_not(None), Account.id)
    )
    return [int(value) for value in rows.scalars()]
