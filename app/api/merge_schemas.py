"""Shapes of merges, of offers to merge, and of imports."""

from app.api.shapes import ID, INSTANT, INSTANT_OR_NULL, TEXT, TEXT_OR_NULL, UUID_TEXT, WHOLE, Schema, page_of, record
from app.transfer.csv_header import WORDS

_customers: Schema = {"type": "array", "items": ID, "description": "Shopify's ids, the smaller first."}
_basis: Schema = {"type": "array", "items": TEXT, "description": "What both have verified: email, phone."}
_import = {
    "id": UUID_TEXT,
    "state": {**TEXT, "description": "read, posting, done, undoing, undone."},
    "rows": WHOLE,
    "skipped": {**WHOLE, "description": "Rows that were left out because they were wrong."},
    "points": WHOLE,
    "actor": TEXT,
    "at": INSTANT,
    "done_at": INSTANT_OR_NULL,
    "undone_at": INSTANT_OR_NULL,
}
FILE: dict[str, Schema] = {
    "csv": {
        **TEXT,
        "minLength": 1,
        "description": "The file's text. Columns: email or customer_id, points; lifetime, earned_at, expires_at, note.",
    },
    "columns": {
        "type": "object",
        "additionalProperties": False,
        "properties": dict.fromkeys(WORDS, TEXT),
        "description": "The header's own word for a meaning.",
        "examples": [{"points": "Balance of today"}],
    },
}
HOW: dict[str, Schema] = {
    "skip_wrong": {"type": "boolean", "default": False, "description": "Import the right rows, leave wrong ones out."},
    "again": {"type": "boolean", "default": False, "description": "Import a file that was imported before."},
}
ROW_ERROR = record({"line": WHOLE, "column": TEXT, "problem": TEXT, "remedy": TEXT})
_first_row = record(
    {"line": WHOLE, "who": TEXT, "points": WHOLE, "expires_at": INSTANT_OR_NULL, "balance": WHOLE,
     "balance_after": WHOLE}
)  # fmt: skip
_kept = record({"line": WHOLE, "points": WHOLE, "account": ID})

MERGE_COMPONENTS: dict[str, Schema] = {
    "MergeOffer": record({"customers": _customers, "basis": _basis}),
    "Dismissal": record({"customers": _customers}),
    "Merge": record(
        {
            "id": ID,
            "kept": {**ID, "description": "The account that took over."},
            "absorbed": {**ID, "description": "The account that was taken over."},
            "cause": {**TEXT, "description": "shopify, address, staff."},
            "actor": TEXT_OR_NULL,
            "at": INSTANT,
            "undone_at": INSTANT_OR_NULL,
        }
    ),
    "Import": record(_import),
    "ImportDetails": record(
        _import
        | {"kept": {"type": "array", "items": _kept, "description": "What an undo could not take back: it was spent."}}
    ),
}
MERGE_COMPONENTS["ImportPreview"] = record(
    {
        "rows": WHOLE,
        "points": WHOLE,
        "lifetime": WHOLE,
        "people": WHOLE,
        "new_accounts": {**WHOLE, "description": "People who get an account by it."},
        "debts_paid": {**WHOLE, "description": "Points that pay what people owe."},
        "wrong": {**WHOLE, "description": "Rows that are wrong."},
        "errors": {"type": "array", "items": ROW_ERROR, "description": "The first 1,000."},
        "error_count": WHOLE,
        "first": {"type": "array", "items": _first_row, "description": "The first ten rows, as they will be."},
    }
)
MERGE_COMPONENTS |= {f"{name}Page": page_of(name) for name in ("MergeOffer", "Merge", "Import")}


def pair(*names: str) -> Schema:
    """A request that names two customers."""
    properties = dict.fromkeys(names, ID)
    return {"type": "object", "required": list(names), "additionalProperties": False, "properties": properties}


def import_of(properties: dict[str, Schema]) -> Schema:
    """A request that brings a file along."""
    return {"type": "object", "required": ["csv"], "additionalProperties": False, "properties": properties}
