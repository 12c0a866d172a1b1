"""A real shop's history as steps: `read` recognises the file, the modules beside it know one format each.

Called by `app.demo.replay` and by the real-year run. Nothing here talks to a shop.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from dev_store.history.replay import invoices, order_export
from dev_store.history.replay.report import Report
from dev_store.history.replay.rows import UnreadableFileError, open_text, read_parquet
from dev_store.history.steps import Step

__all__ = ["History", "Report", "UnreadableFileError", "read"]


@dataclass(frozen=True)
class History:
    """What a file tells: steps in time order, what had to be left out, the currency its money is in."""

    steps: list[Step]
    report: Report
    currency: str


def read(path: Path) -> History:
    """Reads invoice lines (parquet or CSV) or Shopify's order export (CSV).

    Raises UnreadableFileError, saying what is missing.
    """
    if not path.is_file():
        raise UnreadableFileError(f"There is no file {path}.")
    if path.suffix.lower() == ".parquet":
        return _invoices(invoices.lines_of_table(read_parquet(path)))
    with open_text(path) as text:
        reader = csv.DictReader(text)
        columns = set(reader.fieldnames or ())
        if columns >= invoices.COLUMNS:
            return _invoices(invoices.lines_of_csv(reader))
        if columns >= order_export.NEEDED:
            return History(*order_export.history(reader))
    raise UnreadableFileError(
        f"{path.name} is neither a list of invoice lines (columns {', '.join(sorted(invoices.COLUMNS))}) nor an order"
        f" export of Shopify (columns {', '.join(sorted(order_export.NEEDED))} and others)."
    )


def _invoices(lines: list[invoices.Line]) -> History:
    return History(*invoices.history(lines), currency=invoices.CURRENCY)
