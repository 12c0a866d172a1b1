"""Cells of a CSV file as values. Text is data: nothing is evaluated, whatever it begins with.

Each reader raises BadCell: what is wrong, and what to do. Numbers that two countries read
differently (`1,234`, `1.000`) are refused rather than guessed at: they are somebody's money.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from app.loyalty.dates import end_of, start_of

# A thousand million; more is a column that means something else.
MOST_POINTS = 10**9
MOST_CHARACTERS = 500
_LARGEST_ID = 2**63 - 1
_NUMBER = re.compile(r"(\d+|\d{1,3}(?:[ '’\u00a0\u202f]\d{3})+)(?:[.,]0{1,2})?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}([.,]\d{3})+", re.ASCII)
_NEGATIVE = re.compile(r"[-−]\s*\d|\(\d", re.ASCII)
_EMAIL = re.compile(r"[^\s@,;:<>\"()]+@[^\s@,;:<>\"()]+")
_GID = re.compile(r"(?:gid://shopify/Customer/|')?(\d+)", re.ASCII)
_NOT_DIGIT = re.compile(r"\D+")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class BadCell(ValueError):
    """What is wrong with a cell, and what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def points(cell: str) -> int:
    """Points: a whole number from 0 to MOST_POINTS, perhaps with spaces between thousands, or decimals of zeros."""
    found = _NUMBER.fullmatch(cell)
    if found and len(cell) <= 40:
        number = int(_NOT_DIGIT.sub("", found[1]))
        if number > MOST_POINTS:
            raise BadCell(f"{number} is more than {MOST_POINTS} points.", "Look whether this is the right column.")
        return number
    if _NEGATIVE.match(cell):
        raise BadCell("The number is negative.", "Write 0, or leave the row out; debts are not imported.")
    if _GROUPED.fullmatch(cell):
        raise BadCell(f"{cell} could be thousands or decimals.", "Write the number without a point or comma.")
    raise BadCell(f"{cell[:40]!r} is not a whole number.", "Write digits only, such as 1250.")


def email(cell: str) -> str:
    """An address as identities have it: lower case."""
    if not _EMAIL.fullmatch(cell) or len(cell) > 320:
        raise BadCell(f"{cell[:60]!r} is not an e-mail address.", "Write it alone, such as ada@example.com.")
    return cell.lower()


def customer_id(cell: str) -> int:
    """Shopify's id of a customer, as a number or as the admin API writes it."""
    found = _GID.fullmatch(cell)
    if not found or len(found[1]) > 19 or not 0 < int(found[1]) <= _LARGEST_ID:
        remedy = "Write all its digits; spreadsheets shorten them unless the column is text."
        raise BadCell(f"{cell[:60]!r} is not a customer's id.", remedy)
    return int(found[1])


def note(cell: str) -> str:
    """Words beside an entry."""
    if len(cell) > MOST_CHARACTERS:
        raise BadCell(f"The note has {len(cell)} characters.", f"Shorten it to {MOST_CHARACTERS}.")
    if "\x00" in cell:
        raise BadCell("The text holds a character that is none (zero).", "Write it anew.")
    return cell


def earned(cell: str, zone: ZoneInfo) -> datetime:
    """When points were earned; a day alone is its beginning in the shop's zone."""
    return _of_day(start_of, cell, zone) if _DAY.fullmatch(cell) else _instant(cell, zone)


def expires(cell: str, zone: ZoneInfo) -> datetime:
    """When points end; a day alone is the last one on which they count."""
    return _of_day(end_of, cell, zone) if _DAY.fullmatch(cell) else _instant(cell, zone)


def _of_day(reading: Callable[[date, ZoneInfo], datetime], cell: str, zone: ZoneInfo) -> datetime:
    try:
        return reading(date.fromisoformat(cell), zone)
    except (ValueError, OverflowError) as error:
        raise _no_date(cell) from error


def _instant(cell: str, zone: ZoneInfo) -> datetime:
    """ISO 8601, with a space or a T; without an offset it is the shop's time."""
    written = cell.removesuffix(" UTC") + ("+00:00" if cell.endswith(" UTC") else "")
    try:
        found = datetime.fromisoformat(written)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _no_date(cell) from error


def _no_date(cell: str) -> BadCell:
    return BadCell(f"{cell[:40]!r} is not a date.", "Write it as 2027-01-31 or 2027-01-31T18:00:00+01:00.")
