"""Bringing customers, their consent and their accounts up to date; called by webhook handlers, re-reads and imports.

Right for any order, repetition and delay: the newest version of a person wins, consent has a version of its own, and
deleted, redacted and merged never go back. Every change of who holds an e-mail address is reported, because guests'
orders follow the address.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import clock
from app.changes import Changes, Key
from app.customers import accounts, imported, merging
from app.customers.models import Customer
from app.customers.payload import Consent, CustomerSnapshot, Merge
from app.segments import dirty
from app.sql import Statement, assignments, keys, rows

# What Shopify's snapshots do not carry, or what is final.
_FINAL = ("deleted_at", "redacted_at", "merged_into")
# Numbers that say nothing of the person: the account's orders are counted from them, whatever becomes of the customer.
_FIGURES = ("imported_orders", "imported_spent_minor", "imported_at")
_OF_CONSENT = tuple(f"{channel}_consent{part}" for channel in ("email", "sms") for part in ("", "_level", "_at"))
_NOT_IN_SNAPSHOT = ("birthday", "tags", "tags_at", *_OF_CONSENT, *_FIGURES, *_FINAL)
# A customer who is gone is an id and the fact that it is gone; the same row, whatever had arrived before.
_EMPTIED = ", ".join(
    f"{column.name} = null"
    for column in Customer.__table__.columns
    if not column.primary_key and column.name not in (*_FINAL, *_FIGURES)
)


_EMAILS = Statement("""
select c.shop_id, c.email
from customers c join jsonb_to_recordset(cast(:keys as jsonb)) as k(shop_id bigint, id bigint) using (shop_id, id)
where c.email is not null
""")
_UPSERT = Statement(f"""
with known as (
    select c.shop_id, c.id
    from customers c join jsonb_to_recordset(cast(:rows as jsonb)) as r(shop_id bigint, id bigint) using (shop_id, id)
    where c.created_at is not null
), written as (
    insert into customers as c select * from jsonb_populate_recordset(null::customers, cast(:rows as jsonb))
    on conflict (shop_id, id) do update set {assignments(Customer, without=_NOT_IN_SNAPSHOT)}
    where c.deleted_at is null and c.redacted_at is null and c.merged_into is null
        and (c.updated_at is null or (c.updated_at, c.triggered_at, c.digest)
             < (excluded.updated_at, excluded.triggered_at, excluded.digest))
    returning c.shop_id, c.id
)
select w.shop_id, w.id, k.id is null as is_new from written w left join known k using (shop_id, id)
""")  # noqa: S608 - column names of our own model


def apply(session: Session, snapshots: Sequence[CustomerSnapshot]) -> Changes:
    """Take in customers; whoever is new gets an account."""
    newest: dict[Key, CustomerSnapshot] = {}
    for snapshot in sorted(snapshots, key=lambda snapshot: snapshot.version):
        newest[snapshot.shop_id, snapshot.id] = snapshot
    if not newest:
        return Changes()
    before = _emails(session, newest)
    values = rows(newest[key].row() for key in sorted(newest))
    found = _UPSERT.run(session, rows=values)
    written = {(row.shop_id, row.id) for row in found}
    owners = accounts.accounts_of_customers(session, written)
    changes = _follow(session, before ^ _emails(session, newest) | _newly_verified(newest, written))
    # Whether somebody came after us is known only now; orders that came earlier wait for it.
    newcomers = {(row.shop_id, owners[row.shop_id, row.id]) for row in found if row.is_new}
    changes.accounts |= imported.with_orders(session, newcomers)
    changes.people = {(shop_id, account) for (shop_id, _), account in owners.items()}
    return changes


def _follow(session: Session, emails: set[tuple[int, str]]) -> Changes:
    """These addresses may belong to somebody else now, and with them what guests have."""
    return Changes(emails=emails, accounts=merging.follow_addresses(session, emails) if emails else set())


def _emails(session: Session, customers: Iterable[Key]) -> set[tuple[int, str]]:
    found = _EMAILS.run(session, keys=keys(customers))
    return {(row.shop_id, row.email) for row in found}


def _newly_verified(newest: dict[Key, CustomerSnapshot], written: set[Key]) -> set[tuple[int, str]]:
    """An address may also change hands by being verified; looking once too often does no harm."""
    return {(key[0], email) for key in written if (email := newest[key].email)}


def _consent_statement(channel: str) -> str:
    stated, level, at = (f"{channel}_consent{part}" for part in ("", "_level", "_at"))
    return f"""
        insert into customers as c (shop_id, id, {stated}, {level}, {at})
        select shop_id, id, state, level, at from jsonb_to_recordset(cast(:rows as jsonb))
            as r(shop_id bigint, id bigint, state text, level text, at timestamptz)
        on conflict (shop_id, id) do update
            set {stated} = excluded.{stated}, {level} = excluded.{level}, {at} = excluded.{at}
        where c.redacted_at is null and c.deleted_at is null and c.merged_into is null and (c.{at} is null
            or (c.{at}, c.{stated} = 'unsubscribed', c.{stated})
             < (excluded.{at}, excluded.{stated} = 'unsubscribed', excluded.{stated}))
    """  # noqa: S608 - column names made of two channels


_CONSENT = {channel: Statement(_consent_statement(channel)) for channel in ("email", "sms")}


def apply_consents(session: Session, consents: Sequence[Consent]) -> None:
    """Store the newest statement for each customer and channel; a customer may be unknown as yet."""
    for channel, statement in _CONSENT.items():
        newest: dict[Key, Consent] = {}
        for consent in sorted(consents, key=lambda consent: consent.version):
            if consent.channel == channel:
                newest[consent.shop_id, consent.customer_id] = consent
        if newest:
            values = rows(
                {"shop_id": c.shop_id, "id": c.customer_id, "state": c.state, "level": c.level, "at": c.at}
                for _, c in sorted(newest.items())
            )
            statement.run(session, rows=values)
            dirty.note_customers(session, newest)


_DELETE = Statement(f"""
insert into customers as c (shop_id, id, deleted_at)
select shop_id, id, min(at)
from jsonb_to_recordset(cast(:rows as jsonb)) as r(shop_id bigint, id bigint, at timestamptz)
group by 1, 2 order by 1, 2
on conflict (shop_id, id) do update set deleted_at = least(c.deleted_at, excluded.deleted_at), {_EMPTIED}
""")  # noqa: S608 - column names of our own model


def delete(session: Session, deletions: Sequence[tuple[int, int, datetime]]) -> Changes:
    """Shopify deleted these customers: nothing of the customer stays here; their orders and points do."""
    if not deletions:
        return Changes()
    freed = _emails(session, {(shop, customer) for shop, customer, _ in deletions})
    values = rows({"shop_id": shop, "id": customer, "at": at} for shop, customer, at in deletions)
    _DELETE.run(session, rows=values)
    dirty.note_customers(session, {(shop, customer) for shop, customer, _ in deletions})
    return _follow(session, freed)


_MERGE_CUSTOMER = Statement(f"""
insert into customers as c (shop_id, id, merged_into)
select shop_id, id, kept from jsonb_to_recordset(cast(:rows as jsonb)) as r(shop_id bigint, id bigint, kept bigint)
on conflict (shop_id, id) do update set merged_into = excluded.merged_into, {_EMPTIED}
""")  # noqa: S608 - column names of our own model


def merge(session: Session, merges: Sequence[Merge]) -> tuple[Changes, set[Key]]:
    """Shopify made one customer of two; returns the changes, and the accounts whose orders belong to others now."""
    if not merges:
        return Changes(), set()
    pairs = sorted(set(merges), key=lambda merge: (merge.shop_id, merge.absorbed, merge.kept))
    people = {(item.shop_id, customer) for item in pairs for customer in (item.kept, item.absorbed)}
    emails = _emails(session, people)
    own = accounts.own_accounts_of_customers(session, people)
    gone = {(item.shop_id, item.absorbed): item.kept for item in pairs}
    values = rows({"shop_id": shop_id, "id": absorbed, "kept": kept} for (shop_id, absorbed), kept in gone.items())
    _MERGE_CUSTOMER.run(session, rows=values)
    changes = _follow(session, emails)
    regrouped = merging.record(session, (_fact(item, own) for item in pairs))
    changes.accounts |= regrouped
    return changes, regrouped


def _fact(item: Merge, own: dict[Key, int]) -> merging.Fact:
    return merging.Fact(
        shop_id=item.shop_id,
        kept=own[item.shop_id, item.kept],
        absorbed=own[item.shop_id, item.absorbed],
        cause=merging.SHOPIFY,
        at=clock.now(),
    )
