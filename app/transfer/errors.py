"""Why a file is not taken in: sentences for a person, with the line and the column where there is one."""

from collections.abc import Sequence
from typing import NamedTuple

from app.errors import Unprocessable


class RowError(NamedTuple):
    """What is wrong in one place of a file. `column` is the header's own word; empty when it is the whole row."""

    line: int
    column: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        """One line, as a person reads it."""
        where = f"line {self.line}" + (f", column {self.column!r}" if self.column else "")
        return f"{where}: {self.problem} {self.remedy}"


class FileRefused(Unprocessable):
    """Nothing was written. `errors` (`rows` in a problem document) are the first ones, `count` is that of all."""

    def __init__(self, detail: str, *, errors: Sequence[RowError] = (), count: int = 0, kind: str = "file-refused"):
        shown = [error._asdict() for error in errors]
        super().__init__(detail, kind=kind, rows=shown, count=count or len(shown))
        self.errors = tuple(errors)
        self.count = count or len(shown)
