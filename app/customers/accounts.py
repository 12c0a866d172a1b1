"""Which account an order, a customer or an e-mail address leads to.

A customer's orders belong to the customer's account. A guest's orders belong to the customer who has that address now
and has verified it, else to an account of the address itself, and without an address to one of the telephone number.
All are functions of what the projections say at the moment, so that they do not depend on what arrived first. Accounts
that were merged lead on to the one that stands for all of them (`merging`).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy.orm import Session

from app import clock
from app.changes import Key
from app.customers.contact import phone_number
from app.segments import dirty
from app.sql import Statement, keys, rows

Email = tuple[int, str]
_Identity = tuple[int, str, str]


class Owned(Protocol):
    """What names its owner: an order's snapshot."""

    @property
    def shop_id(self) -> int: ...
    @property
    def id(self) -> int: ...
    @property
    def customer_id(self) -> int | None: ...
    @property
    def email(self) -> str | None: ...
    @property
    def phone(self) -> str | None: ...


def owners_of_orders(session: Session, orders: Iterable[Owned]) -> dict[Key, int | None]:
    """The account of each order, made when it is missing; None for an order that names nobody."""
    orders = list(orders)
    customers = {(order.shop_id, order.customer_id) for order in orders if order.customer_id}
    guests = {(order.shop_id, order.email) for order in orders if not order.customer_id and order.email}
    numbers = {key: number for key, order in _nameless(orders) if (number := phone_number(order.phone))}
    of_customer = accounts_of_customers(session, customers)
    of_email = owners_of_emails(session, guests)
    of_number = _accounts(session, {(shop_id, "phone", number) for (shop_id, _), number in numbers.items()})
    owners: dict[Key, int | None] = {}
    for order in orders:
        key = (order.shop_id, order.id)
        if order.customer_id:
            owners[key] = of_customer[order.shop_id, order.customer_id]
        elif order.email:
            owners[key] = of_email[order.shop_id, order.email]
        else:
            owners[key] = of_number.get((order.shop_id, "phone", numbers.get(key, "")))
    return owners


def _nameless(orders: Iterable[Owned]) -> Iterable[tuple[Key, Owned]]:
    """Guests who left neither name nor address may have left a number. Nobody verifies it, so no customer gets them."""
    return (((order.shop_id, order.id), order) for order in orders if not order.customer_id and not order.email)


def accounts_of_customers(session: Session, customers: Iterable[Key]) -> dict[Key, int]:
    """The account of each Shopify customer, made when it is missing."""
    wanted = {(shop_id, "customer", str(customer_id)) for shop_id, customer_id in customers}
    return {(shop_id, int(value)): account for (shop_id, _, value), account in _accounts(session, wanted).items()}


_OWN = Statement("""
select i.shop_id, i.value, i.account_id
from identities i join jsonb_to_recordset(cast(:identities as jsonb)) as w(shop_id bigint, kind text, value text)
    using (shop_id, kind, value)
""")


def own_accounts_of_customers(session: Session, customers: Iterable[Key]) -> dict[Key, int]:
    """The account that each Shopify customer had first, whatever took it over since; made when it is missing."""
    wanted = {(shop_id, "customer", str(customer_id)) for shop_id, customer_id in customers}
    _accounts(session, wanted)
    return {
        (row.shop_id, int(row.value)): row.account_id for row in _OWN.run(session, identities=_rows(sorted(wanted)))
    }


_ABSORBED = Statement("""
select a.shop_id, a.id
from accounts a join jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint) using (shop_id, id)
where a.merged_into is not null
""")


def absorbed(session: Session, wanted: Iterable[Key]) -> set[Key]:
    """Which of these accounts stand for another one now."""
    return {(row.shop_id, row.id) for row in _ABSORBED.run(session, keys=keys(wanted))}


_VERIFIED = Statement("""
select distinct on (c.shop_id, c.email) c.shop_id, c.email, c.id
from customers c join jsonb_to_recordset(cast(:emails as jsonb)) as e(shop_id bigint, email text) using (shop_id, email)
where c.verified_email and c.deleted_at is null and c.merged_into is null
order by c.shop_id, c.email, c.updated_at desc, c.id
""")


def owners_of_emails(session: Session, emails: Iterable[Email]) -> dict[Email, int]:
    """The account that a guest's orders under each address belong to now."""
    wanted = set(emails)
    if not wanted:
        return {}
    customer_of: dict[Email, Key] = {}
    for row in _VERIFIED.run(session, emails=keys(wanted, "email")):
        customer_of[row.shop_id, row.email] = (row.shop_id, row.id)
    of_customer = accounts_of_customers(session, customer_of.values())
    guests = {(shop_id, "email", email) for shop_id, email in wanted - customer_of.keys()}
    owners = {(shop_id, email): account for (shop_id, _, email), account in _accounts(session, guests).items()}
    return owners | {email: of_customer[customer] for email, customer in customer_of.items()}


_FIND = Statement("""
select i.shop_id, i.kind, i.value, coalesce(a.merged_into, a.id) as account_id
from identities i
join jsonb_to_recordset(cast(:identities as jsonb)) as w(shop_id bigint, kind text, value text)
    using (shop_id, kind, value)
join accounts a on a.shop_id = i.shop_id and a.id = i.account_id
""")
_LOCK_SHOPS = Statement(
    "select pg_advisory_xact_lock(4711, hashint8(shop)) from unnest(cast(:shops as bigint[])) as shop"
)
_MAKE = Statement("""
with wanted as (
    select nextval(pg_get_serial_sequence('accounts', 'id')) as id, w.*
    from jsonb_to_recordset(cast(:identities as jsonb)) as w(shop_id bigint, kind text, value text)
), made as (
    insert into accounts (shop_id, id, created_at) select shop_id, id, :now from wanted
)
insert into identities (shop_id, kind, value, account_id) select shop_id, kind, value, id from wanted
returning shop_id, kind, value, account_id
""")


def lock_shops(session: Session, shop_ids: Iterable[int]) -> None:
    """Let nobody else make accounts in these shops until the transaction ends; comes before the locks of balances."""
    _LOCK_SHOPS.run(session, shops=sorted(shop_ids))


def _accounts(session: Session, wanted: set[_Identity]) -> dict[_Identity, int]:
    """The root account of each identity, made when it is missing."""
    if not wanted:
        return {}
    found = _find(session, wanted)
    missing = sorted(wanted - found.keys())
    if missing:
        # Two writers of one shop must not make two accounts for one person: the second waits, then finds the first's.
        lock_shops(session, {shop_id for shop_id, _, _ in missing})
        found |= _find(session, set(missing))
        missing = [identity for identity in missing if identity not in found]
    if missing:
        made = _by_identity(_MAKE.run(session, identities=_rows(missing), now=clock.now()))
        dirty.note_accounts(session, {(shop_id, account) for (shop_id, _, _), account in made.items()})
        found |= made
    return found


def _find(session: Session, wanted: set[_Identity]) -> dict[_Identity, int]:
    return _by_identity(_FIND.run(session, identities=_rows(sorted(wanted))))


def _by_identity(found: Iterable[Any]) -> dict[_Identity, int]:
    return {(row.shop_id, row.kind, row.value): row.account_id for row in found}


def _rows(identities: Sequence[_Identity]) -> str:
    return rows({"shop_id": shop_id, "kind": kind, "value": value} for shop_id, kind, value in identities)
