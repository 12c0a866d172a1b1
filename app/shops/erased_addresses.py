"""Recognising somebody who was erased by address in an old order that is told of late, without keeping the address.

What is kept is a digest under the shop's own sealed key, so that nobody who has the database alone can try addresses
out. Digests are made by the jobs of `webhooks.privacy`, which may open the request; an order that names an address, and
is older than an erasure of its shop, is looked at by a job here, and forgotten as the others were. What somebody with
the address orders after the erasure is a new beginning.
"""

from collections.abc import Iterable

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import jobs
from app.changes import Key
from app.crypto import keyed_digest
from app.customers.contact import phone_number
from app.jobs import job
from app.runtime import Runtime
from app.shops import queries, secrets
from app.shops.models import PrivacyRequest
from app.sql import Statement, keys

log = structlog.get_logger()


def digests(key: bytes, email: str | None, phone: str | None) -> list[bytes]:
    """Digests of an address and of a number, however it is written; `key` is the shop's code key."""
    words = [email.strip().lower()] if email else []
    words += [number for number in (phone, phone_number(phone)) if number]
    return sorted({keyed_digest(key, b"erased address", word.encode()) for word in words})


_REMEMBER = text("""
insert into erased_addresses as e (shop_id, digest, erased_at, request_id)
select :shop_id, digest, :at, :request_id from unnest(cast(:digests as bytea[])) as digest order by digest
on conflict (shop_id, digest) do update
    set erased_at = greatest(e.erased_at, excluded.erased_at), request_id = excluded.request_id
""")


def remember(session: Session, request: PrivacyRequest, key: bytes, email: str | None, phone: str | None) -> None:
    """Keep the digests of whom a request has erased."""
    found = {"digests": digests(key, email, phone), "at": request.received_at, "request_id": request.id}
    session.execute(_REMEMBER, found | {"shop_id": request.shop_id})


_SUSPECTS = Statement("""
select o.shop_id, o.id
from jsonb_to_recordset(cast(:orders as jsonb)) as k(shop_id bigint, id bigint)
join orders o using (shop_id, id)
where o.customer_id is null and o.redacted_at is null and (o.email is not null or o.phone is not null)
  and exists (select 1 from erased_addresses e
              where e.shop_id = o.shop_id and e.erased_at > coalesce(o.created_at, o.processed_at))
order by 1, 2
""")


def suspect(session: Session, orders: Iterable[Key]) -> None:
    """Plan a look at guests' orders that are older than an erasure of their shop. For `privacy.keep_erased`."""
    found = _SUSPECTS.run(session, orders=keys(orders))
    jobs.enqueue_all(
        session,
        [
            jobs.Planned(
                "privacy.look_at_order",
                {"shop_id": row.shop_id, "order_id": row.id},
                queueing_lock=f"privacy.look_at_order:{row.shop_id}:{row.id}",
            )
            for row in found
        ],
    )


_ORDER = text("""
select o.email, o.phone, o.account_id, coalesce(o.created_at, o.processed_at) as placed_at
from orders o where o.shop_id = :shop_id and o.id = :order_id and o.customer_id is null and o.redacted_at is null
for update
""")
_ERASED = text("""
select request_id from erased_addresses
where shop_id = :shop_id and digest = any(cast(:digests as bytea[])) and erased_at > :placed_at
order by erased_at desc limit 1
""")
_FORGET = (
    text("""
        update orders set email = null, phone = null, landing_site = null, address_digest = null, redacted_at = :at
        where shop_id = :shop_id and id = :order_id
    """),
    # Unless a later order made a new beginning with the same address.
    text("""
        delete from identities i
        where i.shop_id = :shop_id and i.account_id = :account_id and i.kind in ('email', 'phone')
          and not exists (select 1 from orders o
                          where o.shop_id = i.shop_id and o.account_id = i.account_id and o.redacted_at is null)
          and not exists (select 1 from sign_ups s
                          where s.shop_id = i.shop_id and s.account_id = i.account_id and s.email is not null)
    """),
    # By its id the order's bodies are found, and deliveries that are later still.
    text("""
        update privacy_requests set order_ids = array_append(order_ids, cast(:order_id as bigint))
        where shop_id = :shop_id and id = :request_id and not order_ids @> array[cast(:order_id as bigint)]
    """),
)


@job("privacy.look_at_order")
def look_at_order(runtime: Runtime, *, shop_id: int, order_id: int) -> None:
    """Forget whom the order names, if that is somebody who was erased after it was placed."""
    with runtime.database.shop(shop_id) as session:
        order = session.execute(_ORDER, {"shop_id": shop_id, "order_id": order_id}).one_or_none()
        if order is None:
            return
        key = secrets.code_key(runtime.keyring, queries.shop(session, shop_id))
        wanted = {"digests": digests(key, order.email, order.phone), "placed_at": order.placed_at}
        request_id = session.scalar(_ERASED, wanted | {"shop_id": shop_id})
        if request_id is None:
            return
        request = session.get_one(PrivacyRequest, (shop_id, request_id))
        parameters = {"shop_id": shop_id, "order_id": order_id, "account_id": order.account_id}
        for statement in _FORGET:
            session.execute(statement, parameters | {"request_id": request_id, "at": request.received_at})
        again: dict[str, int | str] = {"shop_id": shop_id, "request_id": request_id}
        name = "privacy.blank_bodies"
        jobs.enqueue(session, name, again, queueing_lock=f"{name}:{shop_id}:{request_id}")
    log.info("an old order of an erased guest came late", shop=shop_id, order=order_id)
