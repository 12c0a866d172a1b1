"""Writing a shop's rules and facts, and what follows from them, as JSONL: one object a line, from one snapshot.

Called by the command line and the API. Lines stream out of COPY, so memory does not grow with the shop. Two
installations with the same facts write the same bytes: nothing in the file names a number of our database, the
installation or the time of writing (`app.transfer.parts` has the form, docs/operations.md what it covers).
"""

from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import driver_connection
from app.shops.models import Shop
from app.transfer.parts import PARTS, TRANSLATE, line_of

FORMAT = "perennial 1"
PERSONAL_DATA = (
    "identities: e-mail addresses and phone numbers",
    "customers: names, e-mail, phone, birthday, country, province, city, language, consent",
    "orders: e-mail, phone, landing page, digest of the address",
)
PERSONAL_NOTES = "entries: notes, which may name people"

# Whoever can be told by an identity, by its orders or by its points has a rank that every installation gives alike.
_RANKS = """
create temporary table transfer_ranks on commit drop as
select 'programs' as kind, id, row_number() over (order by id) as ref from programs where shop_id = %(shop_id)s
union all
select 'rewards', id, row_number() over (order by id) from rewards where shop_id = %(shop_id)s
union all
select 'accounts', a.id, row_number() over (
    order by i.least collate "C" nulls last, o.least, e.least collate "C", a.created_at, a.id)
from accounts a
left join (select account_id, min(kind || ' ' || value collate "C") as least from identities
           where shop_id = %(shop_id)s group by 1) i on i.account_id = a.id
left join (select account_id, min(id) as least from orders where shop_id = %(shop_id)s group by 1) o
    on o.account_id = a.id
left join (select account_id, min(source_kind || ' ' || source_id collate "C") as least from ledger_entries
           where shop_id = %(shop_id)s and source_kind not in ('moved', 'moved_spending') group by 1) e
    on e.account_id = a.id
where a.shop_id = %(shop_id)s
"""


def lines(session: Session, shop_id: int, *, notes: bool = False) -> Iterator[bytes]:
    """The file, line by line, each with its line break. The session is a system one that has done nothing yet."""
    session.execute(text("set transaction isolation level repeatable read"))
    session.execute(text("select set_config('timezone', 'UTC', true), set_config('jit', 'off', true)"))
    shop = session.get_one(Shop, shop_id)
    yield _line(_header(shop, notes=notes))
    written = 1
    key = {"shop_id": shop_id}
    with driver_connection(session).cursor() as cursor:
        cursor.execute(_RANKS, key)
        cursor.execute("create unique index on transfer_ranks (kind, id)")
        cursor.execute("analyze transfer_ranks")
        cursor.execute(TRANSLATE.format(name="portable_source", given="id", wanted="ref"))
        for part in PARTS:
            with cursor.copy(f"copy ({line_of(part, notes=notes)}) to stdout", key) as copy:
                for row in copy.rows():
                    yield row[0].encode() + b"\n"
                    written += 1
        cursor.execute("drop table transfer_ranks")
    yield _line({"part": "end", "lines": written + 1})


def _header(shop: Shop, *, notes: bool) -> dict[str, Any]:
    complete_from = shop.orders_complete_from
    return {
        "part": "header",
        "format": FORMAT,
        "currency": shop.currency,
        "timezone": shop.timezone,
        "orders_complete_from": complete_from.isoformat() if complete_from else None,
        "notes": notes,
        "personal_data": [*PERSONAL_DATA, *([PERSONAL_NOTES] if notes else [])],
    }


def _line(content: dict[str, Any]) -> bytes:
    return orjson.dumps(content) + b"\n"
