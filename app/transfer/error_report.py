"""The errors of a file as CSV, for whoever has to mend it in a spreadsheet.

A cell that a spreadsheet would take for a formula gets an apostrophe in front: what stood in somebody's file must not
be carried out on the desk of the person who reads about it.
"""

import csv
import io
from collections.abc import Iterable

from app.transfer.errors import RowError

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def neutral(cell: str) -> str:
    """Text that no spreadsheet evaluates."""
    return f"'{cell}" if cell.startswith(_DANGEROUS) else cell


def as_csv(errors: Iterable[RowError]) -> str:
    """Line, column, what is wrong, what to do."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("line", "column", "problem", "remedy"))
    writer.writerows((error.line, *map(neutral, (error.column, error.problem, error.remedy))) for error in errors)
    return out.getvalue()
