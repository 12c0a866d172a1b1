"""Balances from a CSV file: dry run, import, undo. Called by the command line and the API.

A file is read whole before anything is posted, in one transaction: either all of its rows wait to be posted, or nothing
was written. Posting goes in bounded transactions, each of which moves `position`; after an interruption the same file,
or the import's id, goes on where it stopped. Until the last one the import is `posting`, never `done`.

Reading a file works behind the wall between shops, too (the API does); posting and undoing are jobs of the system.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock
from app.audit import service as audit
from app.db import Database
from app.errors import Conflict, NotFound
from app.loyalty.programs import default_program, zone_of
from app.segments import dirty as segments
from app.shops.models import Shop
from app.transfer import posting, undo
from app.transfer.errors import FileRefused
from app.transfer.models import BalanceImport, BalanceImportRow
from app.transfer.preview import Preview, preview
from app.transfer.staging import Staged, digest_of, stage

# Rows a transaction: long enough to be fast, short enough that webhooks of the shop hardly notice.
CHUNK = 10_000
Progress = Callable[[int], None]
_OPEN = ("read", "posting")
# The planner should know of a table that has just been filled, or emptied, before autovacuum tells it.
_CHUNKS_A_LOOK = 20
_FILLED = "accounts, identities, balances, ledger_entries, lots, lot_uses, balance_import_rows"


def dry_run(session: Session, shop: Shop, file: BinaryIO, *, named: Mapping[str, str] | None = None) -> Preview:
    """What an import of this file would do, to the point; nothing is written. Raises FileRefused for what is no CSV."""
    savepoint = session.begin_nested()
    try:
        import_id, now = str(uuid.uuid4()), clock.now()
        program_id = default_program(session, shop.id).id
        staged = _stage(session, shop, import_id, file, named, now)
        return preview(session, shop.id, program_id, import_id, staged)
    finally:
        savepoint.rollback()


def start(
    session: Session,
    shop: Shop,
    file: BinaryIO,
    *,
    actor: str,
    named: Mapping[str, str] | None = None,
    skip_bad: bool = False,
    again: bool = False,
) -> BalanceImport:
    """Read a file; `carry_on` posts it after the commit. An import of the same file that was interrupted is returned.

    Raises FileRefused (rows are wrong and `skip_bad` is not set; nothing is written), Conflict (imported before and
    `again` is not set).
    """
    digest = digest_of(file)
    earlier = _earlier(session, shop.id, digest)
    if earlier is not None and earlier.state in _OPEN:
        return earlier
    if earlier is not None and not again:
        raise Conflict(f"This file was imported on {earlier.at:%d %B %Y} as {earlier.id}.", kind="file-known")
    now = clock.now()
    imported = BalanceImport(
        shop_id=shop.id, id=str(uuid.uuid4()), program_id=default_program(session, shop.id).id, digest=digest,
        rows=0, points=0, skipped=0, position=0, state="read", silent=True, actor=actor, at=now,
    )  # fmt: skip
    staged = _stage(session, shop, imported.id, file, named, now)
    if staged.errors and not skip_bad:
        raise refusal(staged)
    if not staged.rows:
        raise FileRefused("The file has no rows.", kind="no-rows")
    imported.rows, imported.points, imported.skipped = staged.rows, staged.points, staged.bad
    session.add(imported)
    _note(session, imported, actor, "balances.imported")
    session.flush()
    return imported


def carry_on(
    database: Database, shop_id: int, import_id: str, progress: Progress | None = None, *, chunk: int = CHUNK
) -> BalanceImport:
    """Post what is left of an import, in transactions of `chunk` rows. Two callers of one import take turns."""
    chunks = 0
    while True:
        with database.system() as session:
            imported = locked(session, shop_id, import_id)
            if imported.state not in _OPEN:
                return imported
            until = session.scalar(_NEXT, _key(imported) | {"size": chunk})
            now = clock.now()
            if until is None:
                imported.state, imported.done_at = "done", now
                segments.note_shop(session, shop_id)
                return imported
            imported.state = "posting"
            posting.post_chunk(session, imported, until, now)
            posted = imported.position
        _look_at_tables(database, chunks)
        chunks += 1
        if progress:
            progress(posted)


def take_back(
    database: Database,
    shop_id: int,
    import_id: str,
    progress: Progress | None = None,
    *,
    actor: str,
    chunk: int = CHUNK,
) -> BalanceImport:
    """Undo an import, also one that was interrupted; going on after an interruption is calling it again.

    `kept` tells afterwards what had been spent. Raises NotFound, Conflict when it is undone already.
    """
    with database.system() as session:
        imported = locked(session, shop_id, import_id)
        if imported.state == "undone":
            raise Conflict("This import has been undone already.", kind="import-undone")
        if imported.state != "undoing":
            imported.state = "undoing"
            _forget_waiting(session, imported)
            _note(session, imported, actor, "balances.undone")
    chunks = 0
    while True:
        _look_at_tables(database, chunks)
        chunks += 1
        with database.system() as session:
            imported = locked(session, shop_id, import_id)
            if not undo.undo_chunk(session, imported, chunk, clock.now(), actor):
                imported.state, imported.undone_at = "undone", clock.now()
                segments.note_shop(session, shop_id)
                return imported
            left = imported.position
        if progress:
            progress(left)


def kept(session: Session, shop_id: int, import_id: str) -> Sequence[BalanceImportRow]:
    """The rows of an undone import of which something had been spent, with the points that stayed (`kept`)."""
    return session.scalars(
        select(BalanceImportRow)
        .where(
            BalanceImportRow.shop_id == shop_id,
            BalanceImportRow.import_id == import_id,
            BalanceImportRow.kept.is_not(None),
        )
        .order_by(BalanceImportRow.row)
    ).all()


def imports(session: Session, shop_id: int) -> Sequence[BalanceImport]:
    """All imports of a shop, the newest first."""
    mine = select(BalanceImport).where(BalanceImport.shop_id == shop_id)
    return session.scalars(mine.order_by(BalanceImport.at.desc(), BalanceImport.id)).all()


def locked(session: Session, shop_id: int, import_id: str) -> BalanceImport:
    """An import of this shop, which nobody else works on until the transaction ends. Raises NotFound."""
    try:
        key = (shop_id, str(uuid.UUID(import_id)))
    except ValueError:
        raise NotFound(f"There is no import {import_id}.") from None
    found = session.get(BalanceImport, key, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound(f"There is no import {import_id}.")
    return found


def refusal(staged: Staged) -> FileRefused:
    """Nothing was written, and why."""
    detail = f"{staged.bad} rows are wrong, {staged.rows} are right. Nothing was imported."
    return FileRefused(detail, errors=staged.errors, count=staged.count, kind="rows-wrong")


_NEXT = text("""
select max(row) from (
    select row from balance_import_rows
    where shop_id = :shop_id and import_id = :import_id and row > :position order by row limit :size
) next
""")
# Of an import that was interrupted: what waits is not posted any more.
_FORGET = text("""
delete from balance_import_rows where shop_id = :shop_id and import_id = :import_id and row > :position
""")


def _look_at_tables(database: Database, chunks: int) -> None:
    if chunks % _CHUNKS_A_LOOK == 0:
        with database.system() as session:
            session.execute(text(f"analyze {_FILLED}"))


def _forget_waiting(session: Session, imported: BalanceImport) -> None:
    session.execute(_FORGET, _key(imported))


def _key(imported: BalanceImport) -> dict[str, object]:
    return {"shop_id": imported.shop_id, "import_id": imported.id, "position": imported.position}


def _earlier(session: Session, shop_id: int, digest: bytes) -> BalanceImport | None:
    same = (BalanceImport.shop_id == shop_id, BalanceImport.digest == digest, BalanceImport.state != "undone")
    return session.scalars(select(BalanceImport).where(*same).order_by(BalanceImport.at.desc())).first()


def _stage(
    session: Session, shop: Shop, import_id: str, file: BinaryIO, named: Mapping[str, str] | None, now: datetime
) -> Staged:
    return stage(session, shop.id, import_id, file, zone=zone_of(shop.timezone), now=now, named=named or {})


def _note(session: Session, imported: BalanceImport, actor: str, what: str) -> None:
    figures = {"rows": imported.rows, "points": imported.points, "skipped": imported.skipped}
    audit.record(
        session, imported.shop_id, actor=actor, what=what, subject=f"balance_import:{imported.id}", after=figures
    )
