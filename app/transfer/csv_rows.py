"""Rows of a CSV file, one after the other in constant memory, each with its line and all that is wrong with it.

UTF-8 with or without a byte order mark; comma, semicolon or tab; line breaks inside quotes. `app.transfer.staging`
reads through this.
"""

import codecs
import csv
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from app.transfer import csv_values
from app.transfer.csv_header import columns, separator
from app.transfer.csv_values import BadCell
from app.transfer.errors import FileRefused, RowError

# A clock of theirs that is a little fast is no reason to refuse a row.
_SLACK = timedelta(minutes=5)
_LONGEST_LINE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class FileRow:
    """A row as it was read. Only one with `errors` may lack somebody whose points they are."""

    line: int
    email: str | None = None
    customer_id: int | None = None
    points: int = 0
    lifetime: int = 0
    earned_at: datetime
    expires_at: datetime | None = None
    note: str | None = None
    errors: tuple[RowError, ...] = ()


@dataclass
class Reading:
    """How the cells of one file are read: the header's words by meaning, the shop's zone, the instant of the import."""

    places: Mapping[str, int]
    header: list[str]
    zone: ZoneInfo
    now: datetime
    readers: dict[str, Callable[[str], Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.readers = {
            "email": csv_values.email,
            "customer_id": csv_values.customer_id,
            "points": csv_values.points,
            "lifetime": csv_values.points,
            "earned_at": self._earned,
            "expires_at": self._expires,
            "note": csv_values.note,
        }

    def row(self, line: int, cells: list[str]) -> FileRow:
        """One row, with every error in it."""
        if len(cells) != len(self.header) and any(cell.strip() for cell in cells[len(self.header) :]):
            return self._refused(line, _wrong_width(line, len(cells), len(self.header)))
        errors: list[RowError] = []
        values: dict[str, Any] = {}
        for meaning, place in self.places.items():
            cell = cells[place].strip() if place < len(cells) else ""
            try:
                values[meaning] = self.readers[meaning](cell) if cell else None
            except BadCell as error:
                errors.append(RowError(line, self.header[place], error.problem, error.remedy))
        if not errors:
            errors += self._of_the_row(line, values)
        if errors:
            return self._refused(line, *errors)
        lifetime = values["points"] if values.get("lifetime") is None else values["lifetime"]
        earned_at = values.get("earned_at") or self.now
        return FileRow(line=line, **values | {"lifetime": lifetime, "earned_at": earned_at})

    def _of_the_row(self, line: int, values: Mapping[str, Any]) -> Iterator[RowError]:
        """What is wrong with cells that are right by themselves."""
        if values["points"] is None:
            yield RowError(line, self._word("points"), "There is no number of points.", "Write 0 for none.")
        elif values.get("lifetime") is not None and values["lifetime"] < values["points"]:
            problem = "Fewer points in a lifetime than are left of them."
            yield RowError(line, self._word("lifetime"), problem, "Look whether the columns are the right ones.")
        if values.get("email") is None and values.get("customer_id") is None:
            yield RowError(
                line, "", "Nothing says whose points they are.", "Give an e-mail address or a customer's id."
            )
        earned_at, expires_at = values.get("earned_at"), values.get("expires_at")
        if earned_at and expires_at and expires_at <= earned_at:
            yield RowError(line, self._word("expires_at"), "Expiry comes before earning.", "Correct one of the dates.")

    def _refused(self, line: int, *errors: RowError) -> FileRow:
        return FileRow(line=line, earned_at=self.now, errors=errors)

    def _word(self, meaning: str) -> str:
        return self.header[self.places[meaning]]

    def _earned(self, cell: str) -> datetime:
        found = csv_values.earned(cell, self.zone)
        if found > self.now + _SLACK:
            raise BadCell(f"{cell} is in the future.", "Points are imported once they are earned.")
        return found

    def _expires(self, cell: str) -> datetime:
        found = csv_values.expires(cell, self.zone)
        if found <= self.now:
            raise BadCell(f"{cell} is over.", "These points have expired: leave the row out.")
        return found


def read_rows(file: BinaryIO, *, zone: ZoneInfo, now: datetime, named: Mapping[str, str]) -> Iterator[FileRow]:
    """The rows of a file from its beginning. Raises FileRefused where the rest cannot be read."""
    yield from _rows(_lines(file), zone, now, named)


def _rows(lines: Iterator[str], zone: ZoneInfo, now: datetime, named: Mapping[str, str]) -> Iterator[FileRow]:
    first = next(lines, "")
    reader = csv.reader(_chained(first, lines), delimiter=separator(first), strict=True)
    begins = 1
    try:
        header = next(reader, [])
        reading = Reading(columns(header, named), header, zone, now)
        begins = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reading.row(begins, cells)
            begins = reader.line_num + 1
    except csv.Error as error:
        problem = f"The row cannot be read ({error})."
        raise _unreadable(begins, problem, "Close the quotes; double those inside.") from error


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines one by one, so that the one that is not UTF-8 can be named, and none fills the memory."""
    file.seek(0)
    for number in itertools.count(1):
        line = file.readline(_LONGEST_LINE)
        if not line:
            return
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if len(line) == _LONGEST_LINE:
            raise _unreadable(number, "The line is longer than any row of points.", "Look whether this is a CSV file.")
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _unreadable(number, "This is not UTF-8 text.", "Save the file as “CSV UTF-8”.") from error


def _unreadable(line: int, problem: str, remedy: str) -> FileRefused:
    error = RowError(line, "", problem, remedy)
    return FileRefused(f"The file cannot be read from here on: {error}", errors=[error], kind="not-csv")


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest


def _wrong_width(line: int, cells: int, wanted: int) -> RowError:
    remedy = "Put quotes around text that holds a separator."
    return RowError(line, "", f"The row has {cells} cells and the header {wanted}.", remedy)
