"""What a person or a merchant may ask by law: to see what is held, to be forgotten (shopify-platform 2.6).

The handlers of the compliance topics call the three verbs within the inbox loop's transaction. Tables of the
application are erased here and at once; webhook bodies, which only the inbox can open, and whole shops by the jobs of
`webhooks.privacy`, which write the receipt in `privacy_requests` when they are through.

Erased is what tells who somebody is: names, addresses, birthday, notes. Ids, sums of money and points stay: the ledger
must stay true, and without the rest they point to nobody. `redacted_at` keeps late deliveries from bringing it back.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock, jobs, payload
from app.changes import Key
from app.customers.contact import phone_number
from app.intake import forgetting
from app.popups.addresses import mailbox
from app.segments import dirty
from app.shops import erased_addresses
from app.shops.models import PrivacyRequest
from app.sql import Statement, keys

Receipt = dict[str, int]


@dataclass(frozen=True)
class Person:
    """Whom a request is about. A guest has no customer id; an address is compared in lower case."""

    customer_id: int | None
    email: str | None
    phone: str | None
    order_ids: tuple[int, ...] = ()

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Person":
        """The person in the body of `customers/data_request` or `customers/redact`; raises BadPayload."""
        customer = payload.mapping(body.get("customer") or {}, "customer")
        listed = body.get("orders_to_redact") or body.get("orders_requested") or []
        if not isinstance(listed, list):
            raise payload.BadPayload("wrong-type", "the list of orders is not a list")
        ids = (payload.optional_id({"id": item}, "id") for item in listed)
        return cls(
            customer_id=payload.optional_id(customer, "id"),
            email=payload.email(customer),
            phone=payload.text(customer, "phone"),
            order_ids=tuple(sorted(order_id for order_id in ids if order_id)),
        )


def data_request(session: Session, shop_id: int, body: Mapping[str, Any], webhook_id: str) -> None:
    """Note that a person asks for their data; the merchant gets it from `app.shops.personal_data.export_customer`."""
    _record(session, shop_id, "data_request", webhook_id, Person.of(body).customer_id)


def redact_customer(session: Session, shop_id: int, body: Mapping[str, Any], webhook_id: str) -> None:
    """Forget a customer or guest in every table of the application, and plan the same for webhook bodies."""
    person = Person.of(body)
    receipt, order_ids = _forget(session, shop_id, person)
    request = _record(session, shop_id, "customer_redact", webhook_id, person.customer_id)
    request.receipt, request.order_ids = json.dumps(receipt, sort_keys=True), order_ids
    session.flush()
    jobs.enqueue(session, "privacy.blank_bodies", {"shop_id": shop_id, "request_id": request.id})


def redact_shop(session: Session, shop_id: int, body: Mapping[str, Any], webhook_id: str) -> None:
    """Plan that everything of a shop is deleted; the job looks whether the shop came back in the meantime."""
    request = _record(session, shop_id, "shop_redact", webhook_id, None)
    jobs.enqueue(session, "privacy.erase_shop", {"shop_id": shop_id, "request_id": request.id})


def requests(session: Session, shop_id: int) -> list[PrivacyRequest]:
    """What was asked in a shop, newest first."""
    wanted = select(PrivacyRequest).where(PrivacyRequest.shop_id == shop_id).order_by(PrivacyRequest.id.desc())
    return list(session.scalars(wanted))


def answered(session: Session, shop_id: int, request_id: int, handed_out: Mapping[str, Any]) -> None:
    """The merchant has what a person asked to see; the receipt counts it by kind. Done once, it stays done."""
    request = session.get(PrivacyRequest, (shop_id, request_id), with_for_update=True)
    if request is not None and request.kind == "data_request" and request.done_at is None:
        counts = {name: len(rows) for name, rows in handed_out.items() if isinstance(rows, list) and rows}
        request.receipt, request.done_at = json.dumps(counts, sort_keys=True), clock.now()


def _record(session: Session, shop_id: int, kind: str, webhook_id: str, customer_id: int | None) -> PrivacyRequest:
    request = PrivacyRequest(
        shop_id=shop_id, kind=kind, webhook_id=webhook_id, customer_id=customer_id, received_at=clock.now()
    )
    session.add(request)
    session.flush()
    return request


# The person's own accounts, and those that were merged with them.
_ACCOUNTS = text("""
with found as (
    select i.account_id from identities i
    where i.shop_id = :shop_id and (i.kind, i.value) in
        (('customer', cast(:customer as text)), ('email', cast(:email as text)))
       or i.shop_id = :shop_id and i.kind = 'phone' and i.value = any(:numbers)
    union
    select account_id from sign_ups where shop_id = :shop_id and mailbox = cast(:mailbox as text)
), roots as (
    select coalesce(a.merged_into, a.id) as id from accounts a join found on a.shop_id = :shop_id and a.id = account_id
)
select a.id from accounts a join roots r on a.shop_id = :shop_id and (a.id = r.id or a.merged_into = r.id)
""")
_ORDERS = text("""
select id from orders
where shop_id = :shop_id
  and (customer_id = :customer_id or account_id = any(:accounts)
       or email = cast(:email as text) or phone = any(:numbers))
""")
# In this order: later statements look for what the earlier ones leave.
_ERASE = {
    "notes": text("""
        delete from ledger_notes n using ledger_entries e
        where n.shop_id = :shop_id and e.shop_id = n.shop_id and e.id = n.entry_id and e.account_id = any(:accounts)
    """),
    # Orders that have not come yet are remembered as erased.
    "orders": text("""
        insert into orders as o (shop_id, id, redacted_at)
        select :shop_id, id, :now from unnest(cast(:order_ids as bigint[])) as id order by id
        on conflict (shop_id, id) do update
            set email = null, phone = null, landing_site = null, address_digest = null,
                redacted_at = coalesce(o.redacted_at, :now)
    """),
    # Counts of a popup stay true without knowing whom they count.
    "sign_ups": text("""
        update sign_ups set mailbox = 'erased:' || id, email = null, account_id = null, page = null, ref = null,
            owed_at = null
        where shop_id = :shop_id
          and (account_id = any(:accounts) or email = cast(:email as text) or mailbox = cast(:mailbox as text))
    """),
    "consent_receipts": text("""
        update consent_receipts set address = null
        where shop_id = :shop_id and address is not null
          and (account_id = any(:accounts) or address = cast(:email as text))
    """),
    # Balances read from a file and not posted yet: a customer's are posted without saying whose address it was, those
    # of a bare address have nobody to go to any more.
    "import_rows": text("""
        update balance_import_rows
        set email = null, note = null, customer_id = coalesce(customer_id, cast(:customer_id as bigint))
        where shop_id = :shop_id and account_id is null and cast(:customer_id as bigint) is not null
          and (customer_id = :customer_id or email = cast(:email as text))
    """),
    "import_rows_left_out": text("""
        delete from balance_import_rows
        where shop_id = :shop_id and account_id is null and customer_id is null and email = cast(:email as text)
    """),
    "identities": text("""
        delete from identities
        where shop_id = :shop_id and kind <> 'customer'
          and (account_id = any(:accounts) or value = cast(:email as text) or value = any(:numbers))
    """),
    "customers": text("""
        insert into customers as c (shop_id, id, redacted_at)
        select shop_id, id, :now from (
            select cast(:shop_id as bigint) as shop_id, cast(:customer_id as bigint) as id
            where cast(:customer_id as bigint) is not null
            union
            select shop_id, id from customers
            where shop_id = :shop_id and email = cast(:email as text) and cast(:customer_id as bigint) is null
        ) who
        on conflict (shop_id, id) do update set
            redacted_at = coalesce(c.redacted_at, excluded.redacted_at), digest = null,
            email = null, phone = null, verified_email = null, first_name = null, last_name = null, birthday = null,
            country = null, province = null, city = null, language = null, state = null,
            email_consent = null, email_consent_level = null, email_consent_at = null,
            sms_consent = null, sms_consent_level = null, sms_consent_at = null, tags = null, tags_at = null
    """),
}


def erase(session: Session, shop_id: int, person: Person) -> Receipt:
    """Erase what the application's tables hold of a person; returns rows by table. Doing it again finds no more."""
    return _forget(session, shop_id, person)[0]


def _forget(session: Session, shop_id: int, person: Person) -> tuple[Receipt, list[int]]:
    """Erase, also from what an import has in hand; returns the receipt, and all orders that are the person's."""
    run_id = forgetting.hold(session, shop_id)
    traces = _traces(session, shop_id, person)
    staged = forgetting.erase(session, run_id, traces) if run_id is not None else set()
    traces["order_ids"] = sorted({*traces["order_ids"], *staged})
    return _erase(session, traces) | ({"staged_orders": len(staged)} if staged else {}), traces["order_ids"]


def _traces(session: Session, shop_id: int, person: Person) -> dict[str, Any]:
    """By what a person is found: id, address, number, accounts, and all orders, also those that have not come yet."""
    parameters: dict[str, Any] = {
        "shop_id": shop_id,
        "customer_id": person.customer_id,
        "customer": str(person.customer_id) if person.customer_id else None,
        "email": person.email,
        "mailbox": mailbox(person.email) if person.email else None,
        "numbers": sorted({number for number in (person.phone, phone_number(person.phone)) if number}),
        "now": clock.now(),
    }
    parameters["accounts"] = list(session.execute(_ACCOUNTS, parameters).scalars())
    parameters["order_ids"] = sorted({*session.execute(_ORDERS, parameters).scalars(), *person.order_ids})
    return parameters


def _erase(session: Session, parameters: dict[str, Any]) -> Receipt:
    dirty.forget(session, parameters["shop_id"], parameters["accounts"])
    return {name: session.execute(statement, parameters).rowcount for name, statement in _ERASE.items()}  # type: ignore[attr-defined]  # a cursor result, since the statements return no rows


# A customer's order that came after the customer was forgotten.
_LATE = Statement("""
with late as (
    select o.shop_id, o.id
    from jsonb_to_recordset(cast(:orders as jsonb)) as k(shop_id bigint, id bigint)
    join orders o using (shop_id, id)
    join customers c on c.shop_id = o.shop_id and c.id = o.customer_id and c.redacted_at is not null
    where o.email is not null or o.phone is not null or o.landing_site is not null or o.address_digest is not null
)
update orders o set email = null, phone = null, landing_site = null, address_digest = null
from late where o.shop_id = late.shop_id and o.id = late.id
returning o.shop_id, o.id
""")
_REQUESTS = Statement("""
select distinct on (o.shop_id, o.id) o.shop_id, r.id
from jsonb_to_recordset(cast(:orders as jsonb)) as k(shop_id bigint, id bigint)
join orders o using (shop_id, id)
join privacy_requests r on r.shop_id = o.shop_id and r.kind = 'customer_redact'
    and (r.customer_id = o.customer_id or o.id = any(r.order_ids))
order by o.shop_id, o.id, r.id desc
""")


def keep_erased(session: Session, orders: Collection[Key], named: Iterable[Key]) -> None:
    """Late deliveries told again who a forgotten person is: forget it again, their bodies too. For `app.reactions`.

    `named` are orders that were erased; what they told again was left out already.
    """
    erased_addresses.suspect(session, orders)
    late = {(row.shop_id, row.id) for row in _LATE.run(session, orders=keys(orders))} | set(named)
    found = _REQUESTS.run(session, orders=keys(late)) if late else []
    for shop_id, request_id in sorted({(row.shop_id, row.id) for row in found}):
        jobs.enqueue(
            session,
            "privacy.blank_bodies",
            {"shop_id": shop_id, "request_id": request_id},
            queueing_lock=f"privacy.blank_bodies:{shop_id}:{request_id}",
        )
