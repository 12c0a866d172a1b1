"""Reading a CSV file into `balance_import_rows`: the first transaction of an import, and all that a dry run does.

Rows go to the database by the thousand, so that memory does not grow with the file; what only the whole file can say
(two rows about the same points of one person) is asked of the database afterwards.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import BinaryIO
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.transfer.csv_rows import FileRow, read_rows
from app.transfer.errors import RowError
from app.transfer.owners import OWNERS

# More errors than anybody reads; the others are counted.
ERRORS_KEPT = 1000


@dataclass
class Staged:
    """What a file held: good rows and their points, and what was wrong with the others."""

    rows: int = 0
    points: int = 0
    bad: int = 0
    errors: list[RowError] = field(default_factory=list)
    count: int = 0

    def refuse(self, *errors: RowError) -> None:
        """Note a bad row."""
        self.bad += 1
        self.count += len(errors)
        self.errors += errors[: ERRORS_KEPT - len(self.errors)]


# Not COPY, which PostgreSQL refuses behind the wall between shops, where the API works.
_STORE = text("""
insert into balance_import_rows
    (shop_id, import_id, row, email, customer_id, points, lifetime, earned_at, expires_at, note)
select :shop_id, :import_id, r.line, r.email, r.customer_id, r.points, r.lifetime, r.earned_at, r.expires_at, r.note
from jsonb_to_recordset(cast(:rows as jsonb)) as r(
    line bigint, email text, customer_id bigint, points bigint, lifetime bigint, earned_at timestamptz,
    expires_at timestamptz, note text)
""")
_ROWS_A_STATEMENT = 5_000


def digest_of(file: BinaryIO) -> bytes:
    """SHA-256 of a file."""
    file.seek(0)
    digest = hashlib.sha256()
    while part := file.read(1 << 20):
        digest.update(part)
    return digest.digest()


def stage(
    session: Session,
    shop_id: int,
    import_id: str,
    file: BinaryIO,
    *,
    zone: ZoneInfo,
    now: datetime,
    named: Mapping[str, str],
) -> Staged:
    """Write the file's good rows and say what was wrong with the others. Raises FileRefused for what is no CSV."""
    staged = Staged()
    key = {"shop_id": shop_id, "import_id": import_id}
    good = _good(read_rows(file, zone=zone, now=now, named=named), staged)
    while rows := list(islice(good, _ROWS_A_STATEMENT)):
        session.execute(_STORE, key | {"rows": orjson.dumps(rows).decode()})
    if session.info.get("system"):  # the planner, too, wants to know of so many rows; behind the wall it has to guess
        session.execute(text("analyze balance_import_rows"))
    _take_out_repeated(session, shop_id, import_id, staged)
    staged.errors.sort(key=lambda error: error.line)
    return staged


def _good(rows: Iterator[FileRow], staged: Staged) -> Iterator[FileRow]:
    for row in rows:
        if row.errors:
            staged.refuse(*row.errors)
        else:
            staged.rows += 1
            staged.points += row.points
            yield row


# Points of one person that were earned and end at the same time are one row; with other dates they are other lots.
_REPEATED = text(f"""
with {OWNERS}, told as (
    select row, points, first_value(row) over same as first
    from owners
    window same as (partition by coalesce(account_id::text, kind || value), earned_at, expires_at order by row)
), gone as (
    delete from balance_import_rows r using told
    where r.shop_id = :shop_id and r.import_id = :import_id and r.row = told.row and told.row <> told.first
)
select row, points, first from told where row <> first order by row
""")  # noqa: S608 - a constant of ours


def _take_out_repeated(session: Session, shop_id: int, import_id: str, staged: Staged) -> None:
    key = {"shop_id": shop_id, "import_id": import_id, "after": 0, "until": None}
    result = session.execute(_REPEATED, key)
    for row in result:
        staged.rows -= 1
        staged.points -= row.points
        remedy = "Keep one of them, or give each its own date of expiry."
        staged.refuse(RowError(row.row, "", f"The same customer is in line {row.first} already.", remedy))
