"""Opening a merchant's file: encodings, cells that are not what they should be. Used by the readers."""

import io
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any

CENT = Decimal("0.01")
_DATE_FORMATS = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%y %H:%M")


class UnreadableFileError(Exception):
    """The file cannot be replayed; the message says why, with the row where there is one."""


def open_text(path: Path) -> io.StringIO:
    """The file's text: UTF-8 with or without a byte-order mark, else Latin-1, which spreadsheet programs write."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return io.StringIO(text, newline="")


def read_parquet(path: Path) -> dict[str, list[Any]]:
    """The columns of a parquet file. Raises UnreadableFileError if it is none, or if pyarrow is not installed."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise UnreadableFileError(
            "Reading parquet needs the extra `devstore`: pip install 'perennial[devstore]'."
        ) from error
    try:
        table = parquet.read_table(path)
    except ArrowException as error:
        raise UnreadableFileError(f"{path.name} is no parquet file: {error}") from error
    return {name: table.column(name).to_pylist() for name in table.column_names}


@lru_cache(maxsize=10_000)
def _cents(text: str) -> Decimal:
    return Decimal(text).quantize(CENT, rounding="ROUND_HALF_UP")


def money(text: Any, row: int, column: str) -> Decimal:
    """An amount rounded to cents; an empty cell is nothing. Raises UnreadableFileError."""
    if text is None or text == "":
        return Decimal("0.00")
    try:
        return _cents(str(text))
    except InvalidOperation as error:
        raise UnreadableFileError(f"Row {row}: {column} is {text!r}, which is no amount of money.") from error


def instant(value: Any, row: int, column: str) -> datetime:
    """An aware instant in UTC, whole seconds; a time without a zone is taken as UTC. Raises UnreadableFileError."""
    if isinstance(value, datetime):
        return _utc(value)
    for form in _DATE_FORMATS:
        try:
            return _utc(datetime.strptime(str(value).strip(), form))  # noqa: DTZ007 - `_utc` gives it the zone
        except ValueError:
            continue
    try:
        return _utc(datetime.fromisoformat(str(value).strip()))
    except ValueError as error:
        raise UnreadableFileError(f"Row {row}: {column} is {value!r}, which is no date and time.") from error


def _utc(value: datetime) -> datetime:
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).replace(microsecond=0)


def whole(value: Any, row: int, column: str) -> int:
    """A whole number, which spreadsheets like to write as `12.0`. Raises UnreadableFileError."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not number.is_integer():
        raise UnreadableFileError(f"Row {row}: {column} is {value!r}, which is no whole number.")
    return int(number)
