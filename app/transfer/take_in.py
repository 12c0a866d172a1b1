"""Reading a shop's file into another installation: everything or nothing, in one transaction.

What the shop's connection has brought by itself (customers, orders, the default program) is replaced; a shop that has
posted points, or has heard news that the file does not know, is refused. Then every order and action is worth its
points once more (`app.transfer.proof`), and each balance, lot and use must follow from the facts: only then the caller
may commit. Ids of entries are new, their instants and their order are those of the file.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import orjson
from psycopg import DataError, IntegrityError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db import driver_connection
from app.errors import Conflict
from app.shops.models import Shop
from app.transfer import proof
from app.transfer.errors import FileRefused, RowError
from app.transfer.export import FORMAT
from app.transfer.parts import BY_NAME, PARTS, RANKED, TRANSLATE, Part, row_of

Progress = Callable[[str, int], None]


class TakenIn(NamedTuple):
    """What a file brought."""

    accounts: int
    orders: int
    entries: int
    points: int


class _Line(NamedTuple):
    number: int
    part: str
    raw: bytes
    content: dict[str, Any]


# What must not be there: points and promises of this installation.
_POSTED = ("ledger_entries", "redemptions", "discount_codes", "balance_imports")
# What follows from the parts, besides them.
_DERIVED = (
    "account_totals", "segment_members", "segment_profiles", "segment_days", "segment_transitions", "segment_changes",
    "segment_shops",
)  # fmt: skip


def take_in(session: Session, shop: Shop, file: Iterable[bytes], progress: Progress | None = None) -> TakenIn:
    """Bring a file into a shop without points. The session is a system one; on any error nothing may be committed.

    Raises Conflict (the shop has points, or newer orders and customers), FileRefused (no file of ours, or its balances
    do not follow from its facts: `errors` name the accounts).
    """
    _refuse_if_used(session, shop.id)
    session.execute(text("select set_config('timezone', 'UTC', true)"))
    counts = _stage(session, shop, _read(file), progress or _silent)
    _refuse_if_newer(session, shop.id)
    _clear(session, shop.id)
    _write(session, shop.id, progress or _silent)
    proof.prove(session, shop.id)
    points = session.scalar(text("select coalesce(sum(points), 0) from balances where shop_id = :s"), {"s": shop.id})
    return TakenIn(counts.get("account", 0), counts.get("order", 0), counts.get("entry", 0), int(points or 0))


def _silent(_part: str, _lines: int) -> None:
    pass


def _refuse_if_used(session: Session, shop_id: int) -> None:
    for table in _POSTED:
        found = text(f"select exists (select from {table} where shop_id = :s)")  # noqa: S608 - names of our own
        if session.scalar(found, {"s": shop_id}):
            raise Conflict(
                f"The shop has {table.replace('_', ' ')} already. A file comes into a shop without points only: "
                "connect it to a new installation, and import before `perennial serve` handles its first order.",
                kind="shop-in-use",
            )


def _read(file: Iterable[bytes]) -> Iterator[_Line]:
    """Lines with their numbers; the parts must come in their order, and the last line must say how many there were."""
    places = {"header": -1, **{part.name: place for place, part in enumerate(PARTS)}, "end": len(PARTS)}
    number, reached = 0, -2
    for number, raw in enumerate(file, start=1):
        try:
            content = orjson.loads(raw)
            part = content["part"]
            place = places[part]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise _refused(number, "This is no line of an export.", "Take the file as it was written.") from error
        if place < reached or (number == 1) != (part == "header"):
            raise _refused(number, f"A line `{part}` does not belong here.", "Take the file as it was written.")
        reached = place
        yield _Line(number, part, raw, content)
    if reached != len(PARTS) or content.get("lines") != number:
        raise _refused(number, "The file is cut off.", "Export it again.")


def _stage(session: Session, shop: Shop, lines: Iterator[_Line], progress: Progress) -> dict[str, int]:
    """Copy the lines of each part into a temporary table of its own."""
    counts: dict[str, int] = {}
    for part in PARTS:
        session.execute(text(f"create temporary table transfer_{part.name} (n bigint, data jsonb) on commit drop"))
    for name, group in groupby(lines, key=lambda line: line.part):
        if name == "header":
            _check_header(session, shop, next(group).content)
        elif name == "end":
            next(group)
        else:
            counts[name] = _copy(session, BY_NAME[name], group)
            progress(name, counts[name])
    return counts


def _check_header(session: Session, shop: Shop, header: dict[str, Any]) -> None:
    if header.get("format") != FORMAT:
        raise FileRefused(
            f"The file says {header.get('format')!r}, this version reads {FORMAT!r}.", kind="wrong-format"
        )
    for name, own in (("currency", shop.currency), ("timezone", shop.timezone)):
        if header.get(name) != own:
            raise FileRefused(f"The file's {name} is {header.get(name)}, the shop's is {own}.", kind=f"other-{name}")
    session.execute(
        text("update shops set orders_complete_from = cast(:at as timestamptz) where id = :s"),
        {"at": header.get("orders_complete_from"), "s": shop.id},
    )


def _copy(session: Session, part: Part, lines: Iterator[_Line]) -> int:
    count = number = 0
    try:
        command = f"copy transfer_{part.name} (n, data) from stdin"
        with driver_connection(session).cursor() as cursor, cursor.copy(command) as copy:
            for number, _, raw, _ in lines:
                copy.write_row((number, raw.decode()))
                count += 1
    except DataError as error:
        raise _refused(number, f"Up to here a line of {part.name} is no data.", "Export it again.") from error
    session.execute(text(f"analyze transfer_{part.name}"))
    return count


def _refuse_if_newer(session: Session, shop_id: int) -> None:
    for name, table in (("order", "orders"), ("customer", "customers")):
        newer = text(f"""
            select count(*) from {table} t
            left join transfer_{name} s on (s.data ->> 'id')::bigint = t.id
            where t.shop_id = :s
                and (s.n is null or coalesce(t.updated_at > (s.data ->> 'updated_at')::timestamptz, false))
        """)  # noqa: S608 - names of our own
        if found := session.scalar(newer, {"s": shop_id}):
            raise Conflict(
                f"Shopify has told this installation of {found} {table} that are newer than the file. "
                "Export again while the other installation still receives webhooks.",
                kind="file-too-old",
            )


def _clear(session: Session, shop_id: int) -> None:
    for table in (*_DERIVED, *(part.table for part in reversed(PARTS))):
        session.execute(text(f"delete from {table} where shop_id = :s"), {"s": shop_id})  # noqa: S608 - names of our own


def _write(session: Session, shop_id: int, progress: Progress) -> None:
    session.execute(text("create temporary table transfer_ranks (kind text, id bigint, ref bigint) on commit drop"))
    for part in PARTS:
        if part.table in RANKED:
            _rank(session, part)
    session.execute(text("create unique index on transfer_ranks (kind, ref)"))
    session.execute(text("analyze transfer_ranks"))
    session.connection().exec_driver_sql(TRANSLATE.format(name="own_source", given="ref", wanted="id"))
    for part in PARTS:
        try:
            session.execute(text(row_of(part)), {"shop_id": shop_id})
        except DBAPIError as error:
            if not isinstance(error.orig, DataError | IntegrityError):
                raise
            raise FileRefused(
                f"The lines of {part.name} do not fit: {error.orig.diag.message_primary}.", kind="not-an-export"
            ) from error
        session.execute(text(f"drop table transfer_{part.name}"))
        session.execute(text(f"analyze {part.table}"))
        progress(part.table, 0)


def _rank(session: Session, part: Part) -> None:
    """Numbers of our own, in the order of the ranks."""
    session.execute(
        text(f"""
            insert into transfer_ranks
            select '{part.table}', nextval(pg_get_serial_sequence('{part.table}', 'id')), ref
            from (select (data ->> 'ref')::bigint as ref from transfer_{part.name} order by 1) ranked
        """)  # noqa: S608 - names of our own
    )


def _refused(line: int, problem: str, remedy: str) -> FileRefused:
    error = RowError(line, "", problem, remedy)
    return FileRefused(f"The file cannot be read: {error}", errors=[error], kind="not-an-export")
