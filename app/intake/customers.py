"""Customers of a bulk operation, taken in as their lines come: they have no children that could be far away.

Whoever is new and has nothing to do with anything that is here is written at once, with an account, as many as there
are in three statements: of a new shop that is everybody. All others go through the same doors as webhooks, as far as
something about them is different here; of a comparison (`Taken`) only those with other contents count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.changes import Changes
from app.customers import accounts, imported, service, tags
from app.customers.imported import Figures
from app.customers.payload import Consent, CustomerSnapshot
from app.db import driver_connection
from app.intake.rows import CUSTOMERS
from app.reactions import react
from app.segments import dirty
from app.sql import array


class Taken(NamedTuple):
    """Customers that were not here, and those that were here with other or older contents."""

    missed: int
    stale: int


def take_in(session: Session, shop_id: int, lines: Sequence[str], *, quiet: bool) -> Taken:
    """Bring the customers of these lines (`rows.CUSTOMERS`, as COPY reads them) up to date.

    `quiet`: at an import, after which segments look at everybody; so nobody who is new is noted for them.
    """
    _put_aside(session, lines)
    new = _make_new(session, shop_id)
    if not quiet:
        dirty.note_accounts(session, ((shop_id, row.account_id) for row in new))
    if len(new) == len(lines):
        return Taken(len(new), 0)
    others = session.execute(_NEWS, {"made": array(row.id for row in new)}).all()
    _bring_up(session, shop_id, others)
    found = [row.is_new for row in others if row.is_other]
    return Taken(len(new) + sum(found), len(found) - sum(found))


def _put_aside(session: Session, lines: Sequence[str]) -> None:
    """For this transaction only, and in memory: nothing of it is ever left behind."""
    session.execute(text("create temporary table told_customers (like customers including defaults) on commit drop"))
    command = f"copy told_customers ({', '.join(CUSTOMERS)}) from stdin"
    with driver_connection(session).cursor() as cursor, cursor.copy(command) as copy:
        copy.write("".join(lines))


# By their keys, one at a time: joins took all of the shop while statistics were not there yet.
_UNHEARD_OF = """
    (select 1 from identities i where i.shop_id = t.shop_id and i.kind = 'customer' and i.value = t.id::text) is null
    and (t.email is null or (
        (select 1 from identities i where i.shop_id = t.shop_id and i.kind = 'email' and i.value = t.email) is null
        and (select 1 from orders o where o.shop_id = t.shop_id and o.email = t.email and o.customer_id is null limit 1)
            is null))
"""
_WRITE_NEW = text(f"""
insert into customers as c ({", ".join(CUSTOMERS)})
select distinct on (t.id) {", ".join(f"t.{column}" for column in CUSTOMERS)} from told_customers t
where (select 1 from customers c where c.shop_id = t.shop_id and c.id = t.id) is null and {_UNHEARD_OF}
order by t.id, t.updated_at desc, t.digest desc
on conflict do nothing
returning c.id
""")  # noqa: S608 - constants of ours
_MAKE_ACCOUNTS = text(f"""
with unheard_of as materialized (
    select t.shop_id, t.id, nextval(pg_get_serial_sequence('accounts', 'id')) as account_id
    from unnest(cast(:written as bigint[])) as written(id)
    cross join lateral (select * from customers c where c.shop_id = :shop_id and c.id = written.id limit 1) t
    where {_UNHEARD_OF}
), made as (
    insert into accounts (shop_id, id, created_at) select shop_id, account_id, :now from unheard_of
), named as (
    insert into identities (shop_id, kind, value, account_id)
    select shop_id, 'customer', id::text, account_id from unheard_of
)
select id, account_id from unheard_of
""")  # noqa: S608 - constants of ours
_TAKE_BACK = text("delete from customers where shop_id = :shop_id and id = any(cast(:ids as bigint[]))")


def _make_new(session: Session, shop_id: int) -> Sequence[Any]:
    """Write those of whom nothing is here, neither order nor address, and make their accounts."""
    written = session.execute(_WRITE_NEW).scalars().all()
    if not written:
        return []
    accounts.lock_shops(session, {shop_id})
    given = {"shop_id": shop_id, "written": array(written), "now": clock.now()}
    made = session.execute(_MAKE_ACCOUNTS, given).all()
    if len(made) < len(written):
        # Before we had the lock others told of them, so there is more to be done: as for all who were here before.
        met = set(written) - {row.id for row in made}
        session.execute(_TAKE_BACK, {"shop_id": shop_id, "ids": array(met)})
    return made


# What webhooks and this tell alike. Nobody who is gone, and nothing that is newer here.
_CONTENTS = ("email", "phone", "verified_email", "first_name", "last_name", "country", "province", "city", "state",
             "created_at")  # fmt: skip


def _other_consent(channel: str) -> str:
    return f"""
        t.{channel}_consent is not null and (c.{channel}_consent_at is null
            or (c.{channel}_consent_at, c.{channel}_consent) < (t.{channel}_consent_at, t.{channel}_consent)
            or c.{channel}_consent_at = t.{channel}_consent_at and t.{channel}_consent = 'unsubscribed')
    """


_NEWS = text(f"""
with told as materialized (
    select t.*, c.created_at is null as is_new, c.id is null or (
            living.is_so and (c.updated_at is null or (c.updated_at, c.triggered_at) < (t.updated_at, t.triggered_at))
            and ({", ".join(f"c.{column}" for column in _CONTENTS)})
                is distinct from ({", ".join(f"t.{column}" for column in _CONTENTS)})
        ) as is_other,
        living.is_so and ({_other_consent("email")} or {_other_consent("sms")} or (
            (c.tags_at is null or c.tags_at < t.tags_at)
            and array(select jsonb_object_keys(t.tags) order by 1)
                <> array(select key from jsonb_each(c.tags) where cast(value ->> 'held' as boolean) order by 1))
        ) or t.imported_at is not null and (c.imported_at is null or t.imported_at < c.imported_at) as is_more
    from told_customers t
    left join lateral (
        select * from customers c where c.shop_id = t.shop_id and c.id = t.id limit 1
    ) c on true
    cross join lateral (
        select c.deleted_at is null and c.redacted_at is null and c.merged_into is null as is_so
    ) living
    where t.id <> all(cast(:made as bigint[]))
)
select * from told where is_other or is_more order by id
""")  # noqa: S608 - constants of ours


@dataclass(frozen=True, kw_only=True)
class _Told(CustomerSnapshot):
    """A snapshot with what else its line tells, so that who is new here is written once instead of thrice."""

    more: dict[str, Any]

    def row(self) -> dict[str, Any]:
        """The columns of `customers`; those of `more` count for a new row alone."""
        return super().row() | self.more


_SNAPSHOT = tuple(CustomerSnapshot.__dataclass_fields__)
_MORE = tuple(name for name in CUSTOMERS if name not in {*_SNAPSHOT, "digest"})


def _bring_up(session: Session, shop_id: int, told: Sequence[Any]) -> None:
    """Through the doors that webhooks use."""
    rows = [row._mapping for row in told]
    changes = service.apply(session, [_snapshot(row) for row in rows if row["is_other"]])
    service.apply_consents(session, [consent for row in rows for consent in _consents(row)])
    if rows:  # one operation told all of them at one instant
        tags.apply_lists(session, shop_id, {row["id"]: row["tags"] or () for row in rows}, rows[0]["tags_at"])
    figures = [
        Figures(row["id"], row["imported_orders"], row["imported_spent_minor"], row["imported_at"])
        for row in rows
        if row["imported_at"]
    ]
    if figures:
        noted = imported.note_figures(session, shop_id, figures)
        # Whoever has orders here is settled now; totals of all others follow when everything is here.
        changes.add(Changes(accounts=imported.with_orders(session, noted.accounts)))
    react(session, changes)


def _snapshot(row: Any) -> CustomerSnapshot:
    return _Told(**{name: row[name] for name in _SNAPSHOT}, more={name: row[name] for name in _MORE})


def _consents(row: Any) -> list[Consent]:
    return [
        Consent(
            shop_id=row["shop_id"],
            customer_id=row["id"],
            channel=channel,
            state=row[f"{channel}_consent"],
            level=row[f"{channel}_consent_level"],
            at=row[f"{channel}_consent_at"],
        )
        for channel in ("email", "sms")
        if row[f"{channel}_consent"]
    ]
